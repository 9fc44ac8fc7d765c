"""Why a network gives a sample other logits in evaluation mode, where nothing but the sample may matter."""

import numpy as np
import torch
from torch import Tensor

from mora_bench.data.samples import View
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model

CHANCE = (
    "gives the same samples other logits each time in evaluation mode. Draw nothing there: F.dropout(x, p, "
    "self.training), or nn.Dropout"
)
OTHERS = (
    "gives a sample other logits elsewhere in a batch, or beside other samples. Take means and norms of each sample "
    "alone, and draw no noise in evaluation mode"
)
PADDING = (
    "gives a sample other logits where there is more padding. Leave tokens out of means and sums where "
    "`tokens.mask` is False"
)


def close(one: Tensor, other: Tensor, share: float) -> bool:
    """Whether two tensors differ nowhere by more than a share of the second one's scale."""
    scale = max(float(other.detach().abs().max()), 1e-6) if other.numel() else 1.0
    return bool(((one - other).abs() <= share * scale).all())


def owner(model: Model) -> str:
    """Whose the fault may be: the method's, and the imputer's if it is not the dummy."""
    imputer = type(model.imputer)
    return type(model.method).__name__ + (f" with {imputer.__name__}" if imputer is not Dummy else "")


@torch.no_grad()
def unsteady(model: Model, view: View, at: np.ndarray, device: torch.device, share: float) -> str:
    """What the logits of the positions `at` hang on besides each sample, in words that follow `owner`; "" if on
    nothing. The model is in evaluation mode and skips nothing; `share`: the largest difference that is none, as a
    share of the logits' scale."""

    def logits(some: np.ndarray) -> Tensor:
        return model(view.batch(some).to(device)).float()

    full = logits(at)
    if not bool(full.isfinite().all()):
        # Others say so.
        return ""
    if not close(logits(at), full, share):
        return CHANCE
    few = _as_padded(model, view, at, device)
    beside = full.index_copy(0, torch.from_numpy(few).to(device), logits(at[few]))
    if not (close(logits(at[::-1].copy()), full.flip(0), share) and close(beside, full, share)):
        return OTHERS
    apart = torch.cat([logits(at[[k]]) for k in range(len(at))])
    return "" if close(apart, full, share) else PADDING


def _as_padded(model: Model, view: View, at: np.ndarray, device: torch.device) -> np.ndarray:
    """As few of the positions `at` as are padded to the same lengths as all, int [k], by their places in `at`."""

    def lengths(places: np.ndarray) -> list[int]:
        return [part.x.shape[1] for part in model.embed(view.batch(at[places]).to(device))]

    places = np.arange(len(at))
    wanted = lengths(places)
    for place in range(len(at)):
        fewer = places[places != place]
        if len(fewer) and lengths(fewer) == wanted:
            places = fewer
    return places

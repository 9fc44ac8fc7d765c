"""Pictures aligned with the words beside them: a ridge regression, in closed form, without labels.

A linear map from a frozen picture network to a frozen text transformer is enough for it to read pictures (LiMBeR,
Merullo et al. 2023, arXiv 2209.15162; there it is trained through the transformer, on captions). Here the target is
simpler: the mean embedding of a sample's words is regressed on the mean of its pictures' features. How strong the ridge
is, the leave-one-out error decides, in closed form (Golub, Heath and Wahba 1979, as in scikit-learn's RidgeCV). What
the map makes of one cell's features is a token.
"""

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from mora_bench.cells.recipe import FEWEST_ALIGNED
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.features import FeatureInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.errors import UserError

#: The ridges that are tried, times the number of samples and the mean variance of a feature.
RIDGES = np.logspace(-4, 4, 17)


def regression(pictures: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A linear map from pictures [n, F] to words [n, D]: its weight [D, F] and bias [D]; the same bits for the same.

    Raises:
        UserError: there are fewer than `FEWEST_ALIGNED` samples.
    """
    if len(pictures) < FEWEST_ALIGNED:
        raise UserError(
            f"recipe.projection aligned: {len(pictures)} training samples show both a text and a picture, expected "
            f"{FEWEST_ALIGNED} or more. Lower the missing rate, take more samples, or leave it at trained."
        )
    # Imported before threads are limited, because it brings the libraries whose threads these are.
    from sklearn.linear_model import RidgeCV

    pictures, words = pictures.astype(np.float64), words.astype(np.float64)
    # Pictures that are all alike say nothing, whatever the ridge.
    spread = len(pictures) * pictures.var(0).mean() or 1.0
    with threadpool_limits(1):
        ridge = RidgeCV(alphas=RIDGES * spread).fit(pictures, words)
    return ridge.coef_, ridge.intercept_


def means(batch: Batch, embeddings: Tensor) -> tuple[Tensor, Tensor]:
    """For samples that show both, the mean feature of their pictures [n, F] and the mean embedding of their words
    [n, D]; `embeddings` are those of the vocabulary."""
    texts = [
        (embeddings[inputs.ids], _inside(inputs.mask)) for inputs in batch.inputs if isinstance(inputs, TextInputs)
    ]
    pictures = [
        (inputs.features.mean(2), inputs.slots >= 0) for inputs in batch.inputs if isinstance(inputs, FeatureInputs)
    ]
    (picture_means, has_picture), (text_means, has_text) = _mean(pictures), _mean(texts)
    both = has_picture & has_text
    return picture_means[both], text_means[both]


def _inside(mask: Tensor) -> Tensor:
    """Where a text's words are: all tokens but the first and the last, [CLS] and [SEP]. bool [B, L] -> bool [B, L]."""
    after = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], 1)
    before = torch.cat([torch.zeros_like(mask[:, :1]), mask[:, :-1]], 1)
    return before & after


def _mean(parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The mean of unmasked tokens of parts [B, T, *] with masks [B, T] -> [B, *]; and whether any is, bool [B]."""
    x, mask = (torch.cat(tensors, 1) for tensors in zip(*parts, strict=True))
    count = mask.sum(1)
    return x.masked_fill(~mask[..., None], 0).sum(1) / count.clamp(min=1)[:, None], count > 0

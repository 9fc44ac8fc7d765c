"""Names the first loss or gradient of a training that is not finite, and what it came from.

Looking costs a step a few percent, so a cell that trains well is not looked at; one that failed is trained again from
its start, to the same bits, and looked at.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mora_bench.data import presence
from mora_bench.data.audit import some
from mora_bench.data.samples import View
from mora_bench.training.learner import Learner, NotFinite, not_finite

#: Losses grew if one was so many times the first; parameters, if one is so large.
GREW, LARGE = 2.0, 1e4


class Watch:
    """Looks at each step of one model's training; `training` is the view that it is trained on."""

    def __init__(self, training: View):
        self.names = presence.stratum_names(training.samples.table.names)
        self.pattern = presence.pattern_index(training.present)
        self.losses: list[float] = []

    def look(self, step: int, at: np.ndarray, learner: Learner, again: Callable[[np.ndarray], Tensor]) -> None:
        """Look at a step's loss and gradients, before the parameters move.

        Args:
            at: the positions in the view of the step's samples.
            again: gives the loss of any positions anew.

        Raises:
            NotFinite: one of them is not.
        """
        loss = float(learner.losses[-1])
        # In fp16 gradients overflow as a matter of course; the scaler then leaves the step out.
        odd = [] if learner.scaler.is_enabled() else not_finite(learner.trained)
        if math.isfinite(loss) and not odd:
            self.losses.append(loss)
            return
        where = self._where(at, learner, again)
        if not math.isfinite(loss):
            raise NotFinite(f"the training loss is {loss:g} at step {step}{self._before(learner)} {where}")
        raise NotFinite(
            f"the gradient of {some(odd)} is not finite at step {step}, though the loss is ({loss:.3g}). {where} "
            "A lower recipe.lr does not mend that: look in the method for a square root, a logarithm or a division "
            "that meets 0 where a modality is absent. `mora_bench check` names it, too."
        )

    def _before(self, learner: Learner) -> str:
        """The growth before a loss that is not finite, and advice, in words."""
        largest = max(float(p.detach().abs().max()) for p in learner.trained.values() if p.numel())
        grew = self.losses and max(self.losses) >= GREW * max(self.losses[0], 1e-12)
        if not grew and largest < LARGE:
            return ", though neither losses nor parameters grew before: look in the forward pass of the method."
        growth = f", after it grew from {self.losses[0]:.3g} to {max(self.losses):.3g}" if grew else ""
        growth += f" and parameters to {largest:.2g}" if largest >= LARGE else ""
        decay = learner.recipe.weight_decay
        or_decay = f" or recipe.weight_decay ({decay:g})" if decay > 1 else ""
        return f"{growth}: lower recipe.lr ({learner.recipe.lr:g}){or_decay}."

    def _where(self, at: np.ndarray, learner: Learner, again: Callable[[np.ndarray], Tensor]) -> str:
        """The patterns of presence in a batch, and which of them alone give what is not finite."""
        numbers = self.pattern[at]
        held = {self.names[k]: at[numbers == k] for k in np.unique(numbers)}
        bad = []
        for name, rows in held.items():
            loss = again(rows)
            loss.backward()
            if not bool(torch.isfinite(loss)) or not_finite(learner.trained):
                bad.append(name)
        counts = ", ".join(f"{len(rows)} {name}" for name, rows in held.items())
        alone = f"it occurs for {' or '.join(bad)} alone" if bad else "it occurs for no presence pattern alone"
        return f"Samples of that step: {counts}; {alone}."

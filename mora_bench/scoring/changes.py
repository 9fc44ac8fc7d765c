"""The change that each modality of one record makes in its prediction, and the usual range of it."""

import numpy as np

from mora_bench.data import presence
from mora_bench.statistics.shapley import shapley
from mora_bench.tasks.contract import Task

#: Of usual changes, the lowest and the highest twentieth are left out; so many samples are needed to have a twentieth.
BOUNDS = (0.05, 0.95)
ENOUGH = 20


def changes(task: Task, logits: np.ndarray, present: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """How far each modality that a record has moves each of its probabilities: its Shapley value among them.

    Of a record they add up to its probability, shown all that it has, minus `constant`.

    Args:
        logits: float [N, P, K], under every pattern of modalities that a record has.
        present: bool [N, M], the modalities that it has.
        constant: [C], the probabilities where nothing is shown.

    Returns:
        float64 [N, M, C], between -1 and 1; NaN where a record lacks the modality.
    """
    contributions = np.full((*present.shape, len(constant)), np.nan)
    for pattern, rows in presence.by_pattern(present):
        modalities = np.flatnonzero(presence.pattern_presence(present.shape[1])[pattern])
        # The patterns of all sets of these modalities, the sets numbered as `shapley` wants them; nothing is -1.
        shown = [
            sum(1 << m for k, m in enumerate(modalities.tolist()) if s >> k & 1) - 1
            for s in range(1 << len(modalities))
        ]
        values = [np.broadcast_to(constant, (len(rows), len(constant)))]
        values += [task.probabilities(logits[rows, number].astype(np.float64)) for number in shown[1:]]
        contributions[rows[:, None], modalities] = np.moveaxis(shapley(np.stack(values)), 0, 1)
    return contributions


def usual(contributions: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Between which changes nine of ten samples lie, two of [M, C], of `contributions`, [n, M, C], of one pattern.
    None for fewer than `ENOUGH` samples."""
    if len(contributions) < ENOUGH:
        return None
    low, high = np.quantile(contributions, BOUNDS, axis=0)
    return low, high

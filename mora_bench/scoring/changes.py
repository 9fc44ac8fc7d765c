"""What each modality of one record changes in its prediction, and what that usually is."""

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
        present: bool [N, M], what it has.
        constant: [C], the probabilities where nothing is shown.

    Returns:
        float64 [N, M, C], between -1 and 1; NaN where a record lacks the modality.
    """
    found = np.full((*present.shape, len(constant)), np.nan)
    for pattern, rows in presence.by_pattern(present):
        there = np.flatnonzero(presence.pattern_presence(present.shape[1])[pattern])
        # The patterns of all sets of these modalities, the sets numbered as `shapley` wants them; nothing is -1.
        shown = [sum(1 << m for k, m in enumerate(there.tolist()) if s >> k & 1) - 1 for s in range(1 << len(there))]
        values = [np.broadcast_to(constant, (len(rows), len(constant)))]
        values += [task.probabilities(logits[rows, own].astype(np.float64)) for own in shown[1:]]
        found[rows[:, None], there] = np.moveaxis(shapley(np.stack(values)), 0, 1)
    return found


def usual(found: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Between which changes nine of ten samples lie, two of [M, C], of `found`, [n, M, C], all of the same pattern.
    None for fewer than `ENOUGH` samples."""
    if len(found) < ENOUGH:
        return None
    low, high = np.quantile(found, BOUNDS, axis=0)
    return low, high

"""The scores of a cell where every modality exists, by those it is shown: the source of their worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from mora_bench.records.schema import Worth
from mora_bench.tasks.contract import Task

#: Of more modalities there are too many sets to score each.
MOST = 8

#: Targets [N, C], logits [N, P, C] under every pattern of presence, natural presence, bool [N, M].
Side = tuple[np.ndarray, np.ndarray, np.ndarray]


def worth(task: Task, known: Side, test: Side, groups: dict[str, np.ndarray]) -> Worth | None:
    """The scores of the test samples that have all modalities, under every set of them, and of nothing.

    A set is numbered as its pattern is (`presence`), plus 1; nothing is 0: the constant prediction with the least loss
    on all samples of `known`, the validation side. Thresholds are chosen on its samples that have all modalities, shown
    the same set.

    Args:
        groups: bool [N] by name, groups of test samples.

    Returns:
        None where there are fewer than two modalities, more than `MOST`, or no such samples.
    """
    if not 2 <= test[2].shape[1] <= MOST:
        return None
    constant = task.logits(task.prior(known[0].astype(np.float64))[None])
    (seen, seen_logits), (targets, logits) = (_complete(side, constant) for side in (known, test))
    if not len(seen) or not len(targets):
        return None
    set_scores: list[dict[str, Any]] = [
        task.scores(targets, shown) | task.tuned((seen, known_shown), targets, shown)
        for known_shown, shown in zip(seen_logits, logits, strict=True)
    ]
    complete = {name: at[test[2].all(1)] for name, at in groups.items()}
    return Worth(
        n=len(targets),
        # Conventions of other libraries lack some.
        scores={name: [scores[name] for scores in set_scores] for name in task.agree if name in set_scores[0]},
        per_class={name: [scores[name] for scores in set_scores] for name in task.per_class if name in set_scores[0]},
        group_n={name: int(at.sum()) for name, at in complete.items()},
        groups={
            name: [task.score(targets[at], shown[at]) for shown in logits] for name, at in complete.items() if at.any()
        },
    )


def _complete(side: Side, constant: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The targets of the samples that have everything, and their logits [n, C] by the number of the set shown."""
    targets, logits, natural = side
    at = natural.all(1)
    return targets[at], [np.repeat(constant, at.sum(), 0), *np.moveaxis(logits[at], 1, 0)]

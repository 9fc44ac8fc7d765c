"""Picks, from predictions under every pattern of presence, those that are scored."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mora_bench.data import presence
from mora_bench.tasks.contract import Task
from mora_bench.tasks.shared import shared


def pick(logits: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Each sample's logits, or their spread, under the pattern it has: [N, P, C] and bool [N, M] -> [N, C].

    Raises:
        ValueError: a sample was not predicted under its pattern.
    """
    picked = logits[np.arange(len(logits)), presence.pattern_index(present)]
    if np.isnan(picked).any():
        raise ValueError("no prediction (or NaN) under the pattern a sample has")
    return picked


def stratified(
    task: Task, targets: np.ndarray, logits: np.ndarray, present: np.ndarray, modalities: Sequence[str]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The scores of all samples, and of the samples of each pattern of presence by the pattern's name, over the classes
    that all of these patterns have.

    Args:
        targets: [N, C]; logits: [N, P, K] under every pattern; present: bool [N, M].
    """
    chosen, patterns = pick(logits, present), presence.pattern_index(present)
    strata = {name: patterns == number for number, name in enumerate(presence.stratum_names(modalities))}
    return task.scores(targets, chosen), compared(task, targets, chosen, strata)


def compared(
    task: Task, targets: np.ndarray, logits: np.ndarray, sets: Mapping[str, np.ndarray]
) -> dict[str, dict[str, Any]]:
    """Scores of sets of samples that are held against each other, over the classes that all of them have: a class that
    one lacks counts as 0 in it, and its lack would look like an effect of the sets' difference.

    Args:
        targets, logits: [N, C], [N, K]; sets: bool [N] by name. An empty set takes no class from the others.
    """
    classes = None if task.columns else shared([targets[rows] for rows in sets.values()])
    return {
        name: task.scores(targets[rows], logits[rows])
        if classes is None
        else task.scores_over(targets[rows], logits[rows], classes)
        for name, rows in sets.items()
    }

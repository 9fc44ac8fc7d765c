"""Made predictions of validation and test samples, of two modalities, and what decides by them."""

import numpy as np

from mora_bench.data import presence
from mora_bench.scoring.decide import Decider, DecisionOptions, StoredPredictions
from mora_bench.tasks.multilabel import MultiLabel

#: Text only, image only, both.
P, C = 3, 4


def side(n: int, seed: int, natural: np.ndarray | None = None, one: bool = False) -> StoredPredictions:
    rng = np.random.default_rng(seed)
    targets = np.eye(C, dtype=np.uint8)[rng.integers(0, C, n)] if one else (rng.random((n, C)) < 0.3).astype(np.uint8)
    logits = (rng.normal(size=(n, P, C)) + 2 * targets[:, None] * np.array([0.3, 0.6, 1.0])[:, None]).astype(np.float32)
    natural = np.ones((n, 2), bool) if natural is None else natural
    logits[~presence.able(natural)] = np.nan
    return StoredPredictions(targets, logits, natural, np.arange(n, dtype=np.uint64) // 2)


def decider(asked: DecisionOptions, task=None, **sides) -> Decider:
    predictions = {"validation": side(200, 0), "test": side(300, 1)} | sides
    return Decider(task or MultiLabel(), asked, ("text", "image"), ("a", "b", "c", "d"), **predictions, seed=0)

"""Presence: prediction from missingness alone."""

import numpy as np

from mora_bench.data.presence import pattern_index
from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor
from mora_bench.tasks.named import task_of

from .by_pattern import FEWEST


class Presence(Predictor):
    """Predicts each label's share, or the task's best constant, among the training samples of the same pattern of
    presence and the same numbers of parts: of pictures of each modality that holds several, of filled cells of a table.

    Where fewer than `FEWEST` training samples have these numbers, it is the share among those of the same pattern, and
    where training shows no such pattern, the share among all.

    If modalities and their parts are missing completely at random, it knows no more than `prior`.
    """

    title = "prevalence by pattern of presence and number of pictures and filled cells"
    source = "scikit-learn's DummyClassifier(strategy='prior'), per pattern"
    version = 2
    learns = None
    remark = "predicts label prevalence from the presence pattern and the number of pictures and filled table cells"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        assert train.targets is not None
        best = task_of(train.task).prior
        patterns = pattern_index(train.present)
        self.shares = np.tile(best(train.targets), (2 ** train.present.shape[1] - 1, 1))
        for pattern in np.unique(patterns):
            self.shares[pattern] = best(train.targets[patterns == pattern])
        numbers, owners = np.unique(parts(train), axis=0, return_inverse=True)
        owners = owners.reshape(-1)
        self.of_numbers = {
            tuple(counts.tolist()): best(train.targets[owners == k])
            for k, counts in enumerate(numbers)
            if (owners == k).sum() >= FEWEST
        }

    def predict(self, samples: Shown) -> np.ndarray:
        shares = self.shares[pattern_index(samples.present)]
        for row, counts in enumerate(parts(samples).tolist()):
            shares[row] = self.of_numbers.get(tuple(counts), shares[row])
        return shares


def parts(samples: Shown) -> np.ndarray:
    """Counts of the parts of each modality under a mask, int [n, M]: present pictures, filled cells, or one text."""
    return np.array([[_count(value) for value in values] for values in samples.values.values()], int).T


def _count(value: object) -> int:
    if isinstance(value, dict):
        value = tuple(value.values())
    return sum(part is not None for part in value) if isinstance(value, tuple) else int(value is not None)

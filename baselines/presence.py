"""Presence: what missingness alone tells."""

import numpy as np

from mora_bench.data.presence import pattern_index
from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor


class Presence(Predictor):
    """Predicts each label's share among the training samples of the same pattern of presence; its share among all where
    training shows no such sample.

    If modalities are missing completely at random, it knows no more than `prior`.
    """

    title = "prevalence by pattern of presence"
    source = "scikit-learn's DummyClassifier(strategy='prior'), per pattern"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        assert train.targets is not None
        patterns = pattern_index(train.present)
        self.shares = np.tile(train.targets.mean(0), (2 ** train.present.shape[1] - 1, 1))
        for pattern in np.unique(patterns):
            self.shares[pattern] = train.targets[patterns == pattern].mean(0)

    def predict(self, samples: Shown) -> np.ndarray:
        return self.shares[pattern_index(samples.present)]

"""Prevalence: the prediction that uses no data of a sample."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor


class Prior(Predictor):
    """Predicts, for every sample, each label's share in the training set."""

    title = "prevalence"
    source = "scikit-learn's DummyClassifier(strategy='prior')"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        assert train.targets is not None
        self.shares = train.targets.mean(0)

    def predict(self, samples: Shown) -> np.ndarray:
        return np.tile(self.shares, (len(samples), 1))

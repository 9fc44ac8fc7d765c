"""Predicts every label for every sample: the F1 that needs no data."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor


class Always(Predictor):
    """Its F1 for a label with prevalence p is 2p / (1 + p)."""

    title = "every label"
    source = "scikit-learn's DummyClassifier(strategy='constant', constant=1)"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        """Nothing to learn."""

    def predict(self, samples: Shown) -> np.ndarray:
        return np.ones((len(samples), len(samples.labels)))

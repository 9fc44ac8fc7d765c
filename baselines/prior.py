"""Prevalence: the prediction that uses no data of a sample."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor
from mora_bench.tasks.named import task_of


class Prior(Predictor):
    """Predicts, for every sample, each label's share in the training set, or what else is the task's best constant."""

    title = "prevalence"
    source = "scikit-learn's DummyClassifier(strategy='prior')"
    learns = None

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        assert train.targets is not None
        self.shares = task_of(train.task).prior(train.targets)

    def predict(self, samples: Shown) -> np.ndarray:
        return np.tile(self.shares, (len(samples), 1))

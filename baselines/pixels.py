"""Plain pictures: colour, texture and layout, and one logistic regression per label."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor

from .by_pattern import ABSTAINS, ByPattern


class PlainPixels(ByPattern, Predictor):
    """Regressions per set of visible picture modalities, on the features of features.py side by side, fitted on the
    training samples that show at least these; the penalty is chosen on validation."""

    title = "colour, texture, layout + logistic regression"
    source = "histograms of oriented gradients (Dalal and Triggs 2005), scikit-learn's LogisticRegression"
    version = 2
    kinds = ("image", "bag")
    abstains = f"on samples without pictures: {ABSTAINS}"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        self.learn(train, validation, self.kinds)

    def predict(self, samples: Shown) -> np.ndarray:
        return self.answer(samples)

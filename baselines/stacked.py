"""One linear model per pattern of presence, on plain features of all that is present."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor

from .by_pattern import ABSTAINS, ByPattern
from .features import KINDS


class Stacked(ByPattern, Predictor):
    """Words, pixels and cells (features.py) side by side; each pattern's regressions are fitted on the training samples
    that show at least its modalities, cut to them; the penalty is chosen on validation."""

    title = "one linear model per pattern"
    source = "reduced models (Saar-Tsechansky and Provost, JMLR 2007)"
    version = 2
    kinds = KINDS
    abstains = f"if too few training samples show the same modalities: {ABSTAINS}"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        self.learn(train, validation, self.kinds)

    def predict(self, samples: Shown) -> np.ndarray:
        return self.answer(samples)

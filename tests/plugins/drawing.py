"""Competitors that draw what is missing: one as it should be, and some that break a rule each."""

import numpy as np

from mora_bench.api import Predictor

#: How far the draws of a sample lie above and below its prediction where something is missing.
STEP = 0.125


class Drawn(Predictor):
    """Between a quarter and three quarters, by each label's share; two draws of whatever is missing."""

    title = "two draws"
    source = "this test"

    def fit(self, train, validation, seed):
        self.middle = 0.25 + 0.5 * train.targets.mean(0)

    def step(self, samples):
        return np.where(samples.present.all(1), 0, STEP)[:, None]

    def draws(self, samples):
        return np.stack([self.middle + sign * self.step(samples) for sign in (-1, 1)])

    def predict(self, samples):
        return self.draws(samples).mean(0)


class OffItsMean(Drawn):
    def predict(self, samples):
        return self.draws(samples)[0]


class DrawsOfNothing(Drawn):
    """Draws although nothing is missing."""

    def step(self, samples):
        return np.full((len(samples), 1), STEP)


class DrawsByBatch(Drawn):
    """Each sample has noise of its own, by its place."""

    def step(self, samples):
        return super().step(samples) * np.linspace(0, 1, len(samples))[:, None]


class DrawsTogether(Drawn):
    """The more there are, the farther apart."""

    def step(self, samples):
        return super().step(samples) * len(samples) / 40


class DrawsSometimes(Drawn):
    """Says of complete samples that it never draws."""

    def draws(self, samples):
        return None if samples.present.all() else super().draws(samples)

    def predict(self, samples):
        return np.tile(self.middle, (len(samples), 1))


class DrawsOnce(Drawn):
    def draws(self, samples):
        return np.tile(self.middle, (1, len(samples), 1))


class BeyondOne(Drawn):
    """The mean of its draws is a probability, they are not."""

    def step(self, samples):
        return 8 * super().step(samples)

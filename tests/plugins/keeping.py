"""What keeps something of an earlier fit, or hangs on the order of a set, and what does neither."""

import numpy as np

from mora_bench.api import Mechanism, Predictor

SEEN = []


class Shares(Predictor):
    """How frequent each label is among the training samples."""

    title, source, family = "shares", "this test", "no network"

    def fit(self, train, validation, seed):
        self.shares = train.targets.mean(0)

    def predict(self, shown):
        return np.tile(self.shares, (len(shown), 1))


class FirstShares(Shares):
    """The same, from the first fit of the process."""

    def fit(self, train, validation, seed):
        super().fit(train, validation, seed)
        SEEN.append(self.shares)
        self.shares = SEEN[0]


class InSomeOrder(Shares):
    """A number drawn for each text, in the order of a set."""

    def fit(self, train, validation, seed):
        super().fit(train, validation, seed)
        texts = {text for column in train.values.values() for text in column if isinstance(text, str)}
        drawn = dict(zip(texts, np.random.default_rng(seed).random(len(texts)), strict=True))
        self.shares = self.shares * drawn[min(drawn)]


class SharesOfAThird(Shares):
    """No probabilities."""

    def predict(self, shown):
        return 3 + super().predict(shown)


class ByHash(Mechanism):
    """More of some sites than of others, by what Python's hash makes of their names."""

    title, source = "by hash", "this test"
    reads = ("covariates",)

    def draw(self, context, rate, strength):
        odd = np.array([hash(site) % 2 for site in context.covariates["site"]])
        lost = context.uniform("lost") < np.clip(rate + 0.2 * strength * (odd - 0.5), 0, 1)
        kept = context.natural.copy()
        kept[lost, 0] = False
        return kept

"""What keeps something of an earlier fit, or hangs on the order of a set, and what does neither."""

import numpy as np
import torch

from mora_bench.api import Imputer, Part, Predictor

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


class FirstMeans(Imputer):
    """Means of the first fit of the process."""

    title, source = "first means", "this test"
    kept = None

    def fit(self, observed):
        if FirstMeans.kept is None:
            FirstMeans.kept = [part.x.mean((0, 1)) for part in next(iter(observed))[0]]

    def fill(self, parts, present):
        return [
            Part(torch.where(present[:, m, None, None], part.x, mean.expand_as(part.x)), part.mask)
            for m, (part, mean) in enumerate(zip(parts, self.kept, strict=True))
        ]

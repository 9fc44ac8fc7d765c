"""Competitors that do something at test: one chooses what it reads, one adapts and says so, one adapts and does not."""

from dataclasses import replace
from itertools import combinations

import numpy as np
from mora_baselines.stacked import Stacked

from mora_bench.api import Predictor


class Certain(Predictor):
    """Of the models for all sets of modalities that a sample shows, the one that is most certain of it answers."""

    title = "the most certain linear model"
    source = "this test, after DyMo's question (ICLR 2026)"

    def fit(self, train, validation, seed):
        self.model = Stacked()
        self.model.fit(train, validation, seed)

    def predict(self, samples):
        answers, names = [], list(samples.kinds)
        for size in range(1, len(names) + 1):
            for kept in combinations(range(len(names)), size):
                reduced = without(samples, [m for m in range(len(names)) if m not in kept])
                whole = samples.present[:, kept].all(1, keepdims=True)
                answers.append(np.where(whole, self.model.predict(reduced), 0.5))
        certainty = [np.abs(answer - 0.5).mean(1) for answer in answers]
        return np.stack(answers)[np.argmax(certainty, 0), np.arange(len(samples))]


def without(samples, dropped):
    """The samples without some of their modalities."""
    present, names = samples.present.copy(), list(samples.kinds)
    present[:, dropped] = False
    hidden = {names[m]: (None,) * len(samples) for m in dropped}
    return replace(samples, values=samples.values | hidden, present=present)


class Shifted(Predictor):
    """The share of each label among the samples that are predicted together is estimated by expectation maximisation,
    and the predictions follow it (Saerens, Latinne and Decaestecker 2002)."""

    title = "linear models whose priors follow the test samples"
    source = "Saerens et al., Neural Computation 14 (2002) 21-41"
    adapts = "estimates how frequent each label is in the test samples"

    def fit(self, train, validation, seed):
        self.model = Stacked()
        self.model.fit(train, validation, seed)
        self.prior = (train.targets.sum(0) + 1) / (len(train) + 2)

    def predict(self, samples):
        first = np.clip(self.model.predict(samples), 1e-6, 1 - 1e-6)
        share = self.prior
        for _ in range(100):
            yes, no = first * share / self.prior, (1 - first) * (1 - share) / (1 - self.prior)
            share = (yes / (yes + no)).mean(0).clip(1e-6, 1 - 1e-6)
        yes, no = first * share / self.prior, (1 - first) * (1 - share) / (1 - self.prior)
        return yes / (yes + no)


class Secretly(Shifted):
    adapts = ""

"""The base of competitors that fit linear models on plain features of the modalities that a sample shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.tasks.named import task_of

from . import features
from .linear import Linear, RegressionModel, chosen, joined

#: The fewest training samples that a model is fitted on.
FEWEST = 10
#: What a competitor does where it can read nothing of a sample, in words that follow when it abstains. If it predicted
#: no label there, such samples would rank below all others, healthy ones included, which AUROC counts as errors.
ABSTAINS = "it predicts how frequent each label is in training"


class ByPattern:
    """Features per modality, and regressions per set of modalities; kinds that are not read are not looked at.

    Attributes:
        features: fitted, by modality; those of modalities that too few training samples show are absent.
        models: by names of modalities, in order.
        otherwise: the probabilities [C] of samples that no model is for.
    """

    def learn(
        self,
        train: Shown,
        validation: Shown,
        kinds: Sequence[str],
        together: bool = True,
        regression: Callable[[float], RegressionModel] = Linear,
    ) -> None:
        """Fit features of modalities of these kinds, and regressions on each set of modalities, by the training
        samples that show all of the set; `together` False: on single modalities alone. The penalty of a `regression` is
        chosen on the validation samples that show the set."""
        assert train.targets is not None
        assert validation.targets is not None
        self.learn_features(train, kinds)
        self.models: dict[tuple[str, ...], RegressionModel] = {}
        seen, unseen = self.described(train), self.described(validation)
        for names in sets(list(self.features), len(self.features) if together else 1):
            rows, held_rows = showing(train, names), showing(validation, names)
            if len(rows) >= FEWEST:
                held_targets = validation.targets[held_rows]
                self.models[names] = chosen(
                    regression,
                    seen.of(names, rows),
                    train.targets[rows],
                    unseen.of(names, held_rows),
                    held_targets,
                    train.task,
                )

    def learn_features(self, train: Shown, kinds: Sequence[str]) -> None:
        """Fit features of the modalities of these kinds that enough training samples show."""
        self.labels = len(train.labels)
        assert train.targets is not None
        self.otherwise = task_of(train.task).prior(train.targets)
        self.features: dict[str, features.Features] = {}
        for name, kind in train.kinds.items():
            extractor = features.of_kind(kind) if kind in kinds else None
            rows = showing(train, (name,))
            if extractor is not None and len(rows) >= FEWEST:
                self.features[name] = extractor.fit([train.values[name][row] for row in rows])

    def described(self, samples: Shown) -> Described:
        """Features of all that samples show, taken once."""
        rows = {name: showing(samples, (name,)) for name in self.features}
        values = {name: [samples.values[name][row] for row in numbers] for name, numbers in rows.items()}
        transformed = {name: self.features[name].transform(contents) for name, contents in values.items() if contents}
        return Described(transformed, rows)

    def groups(self, samples: Shown) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
        """The samples, int [k], that show each set of modalities that have features; those that show none are left
        out."""
        seen = np.array([[value is not None for value in samples.values[name]] for name in self.features], bool).T
        for pattern in np.unique(seen, axis=0) if self.features else ():
            names = tuple(name for name, yes in zip(self.features, pattern, strict=True) if yes)
            if names:
                yield names, np.flatnonzero((seen == pattern).all(1))

    def answer(self, samples: Shown) -> np.ndarray:
        """Probabilities [n, C] by the model for what each sample shows; `otherwise` where there is no model."""
        probabilities = np.full((len(samples), self.labels), self.otherwise)
        seen = self.described(samples)
        for names, rows in self.groups(samples):
            if names in self.models:
                probabilities[rows] = self.models[names].predict(seen.of(names, rows))
        return probabilities


@dataclass(frozen=True)
class Described:
    """Features of some samples.

    Attributes:
        features: [k, F] of each modality that any of them shows.
        rows: the k samples that show it, ascending.
    """

    features: dict[str, Any]
    rows: dict[str, np.ndarray]

    def of(self, names: Sequence[str], rows: np.ndarray) -> Any:
        """The features of some modalities of samples that show all of them, side by side."""
        if not len(rows):
            return np.zeros((0, 1))
        return joined([self.features[name][np.searchsorted(self.rows[name], rows)] for name in names])


def sets(names: Sequence[str], largest: int) -> list[tuple[str, ...]]:
    """All sets of at least one and at most `largest` names, in order."""
    return list(chain.from_iterable(combinations(names, size) for size in range(1, largest + 1)))


def showing(samples: Shown, names: Sequence[str]) -> np.ndarray:
    """The samples that show all of some modalities, int [k]."""
    shown = [[value is not None for value in samples.values[name]] for name in names]
    return np.flatnonzero(np.all(shown, axis=0))

"""The rules that every predictor keeps, on patients of the ODIR twin."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mora_bench.checks.rules import described, expect, tried
from mora_bench.data.shown import shown
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import tables as twins
from mora_bench.methods.predictor import Predictor

N = 90
TRAIN, VALIDATION, TEST = np.arange(50), np.arange(50, 70), np.arange(70, 90)


@dataclass(frozen=True)
class Subject:
    """A predictor and the patients it is tried on."""

    kind: type[Predictor]
    table: Table

    def fitted(self, table: Table | None = None) -> Predictor:
        """Fitted on a third complete, a third without text, a third without image."""
        table = table or self.table
        predictor = self.kind()
        predictor.fit(
            shown(table, TRAIN, thirds(TRAIN), targets=True), shown(table, VALIDATION, thirds(VALIDATION), True), seed=0
        )
        return predictor

    def predicted(self, predictor: Predictor, table: Table | None = None, lacking: int | None = None) -> np.ndarray:
        present = np.ones((len(TEST), 2), bool)
        if lacking is not None:
            present[:, lacking] = False
        return np.asarray(predictor.predict(shown(table or self.table, TEST, present, targets=False)))


def thirds(rows: np.ndarray) -> np.ndarray:
    """bool [n, 2]: a third complete, a third without the first modality, a third without the second."""
    present = np.ones((len(rows), 2), bool)
    present[rows % 3 == 1, 0] = False
    present[rows % 3 == 2, 1] = False
    return present


def named(subject: Subject) -> None:
    """It has a title, a source and a family, as text."""
    described(subject.kind, ("title", "source", "family"))


def probabilities(subject: Subject) -> None:
    """It gives probabilities, float [samples, labels], under every pattern."""
    predictor = subject.fitted()
    for lacking in (None, 0, 1):
        found = subject.predicted(predictor, lacking=lacking)
        expected = (len(TEST), len(subject.table.labels))
        expect(found.shape == expected, f"predict gave {list(found.shape)}; expected {list(expected)}")
        expect(bool(((found >= 0) & (found <= 1)).all()), "predict gave numbers that are no probabilities")


def hidden(subject: Subject) -> None:
    """What a mask hides changes nothing: other texts and pictures in its place, in training and when predicting."""
    for lacking in (0, 1):
        other = _other(subject.table, lacking)
        first = subject.predicted(subject.fitted(), lacking=lacking)
        again = subject.predicted(subject.fitted(other), table=other, lacking=lacking)
        expect(np.array_equal(first, again), f"another {subject.table.names[lacking]} where it is hidden changed it")


def _other(table: Table, lacking: int) -> Table:
    """Another patient's content wherever the masks of `Subject` hide one modality."""
    name = table.names[lacking]
    column = table.modalities[name]
    hides = np.concatenate([~thirds(np.arange(70))[:, lacking], np.ones(N - 70, bool)])
    rolled = np.roll(np.arange(N), 7)
    values = tuple(column.values[rolled[i] if hides[i] else i] for i in range(N))
    return replace(table, modalities=table.modalities | {name: Column(column.kind, values)})


def repeatable(subject: Subject) -> None:
    """Fitted twice with the same seed, it predicts the same."""
    first, again = (subject.predicted(subject.fitted()) for _ in range(2))
    expect(np.array_equal(first, again), "two fits with the same seed predict differently")


RULES = (named, probabilities, hidden, repeatable)


def check(predictor: type[Predictor]) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    return tried(RULES, Subject(predictor, twins.odir(range(N))), needed=probabilities)

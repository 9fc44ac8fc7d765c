"""The rules that every predictor keeps, on patients of the ODIR twin."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.checks.rules import described, expect, tried
from mora_bench.data import cache
from mora_bench.data.modalities.series import Series
from mora_bench.data.shown import Shown, Unnamed, shown
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import tables as twins
from mora_bench.methods.predictor import Predictor
from mora_bench.training.frozen import Features, computed

N = 90
#: The backbone that a predictor is tried on, if it reads one, and the most tokens of a text.
BACKBONE, MAX_TEXT = "small", 64
#: Within this two predictions are the same: sums of the same numbers in another order differ in the last bits.
SAME = 1e-6
TRAIN, VALIDATION, TEST = np.arange(50), np.arange(50, 70), np.arange(70, 90)


@dataclass(frozen=True)
class PredictorSubject:
    """A predictor and the patients it is tried on."""

    kind: type[Predictor]
    table: Table
    seen: dict[int, tuple[Table, Features]] = field(default_factory=dict)

    @cached_property
    def once(self) -> Predictor:
        """Fitted once, for rules that do not compare fits."""
        return self.fitted()

    def fitted(self, table: Table | None = None) -> Predictor:
        """Fitted on a third complete, a third without text, a third without image."""
        table = table or self.table
        predictor, seen = self.kind(), self.frozen(table)
        train, validation = (shown(table, rows, thirds(rows), True, seen) for rows in (TRAIN, VALIDATION))
        predictor.fit(train, validation, seed=0)
        return predictor

    def frozen(self, table: Table) -> Features:
        """The shipped backbone's features of a table's modalities, if the predictor reads a backbone."""
        if not self.kind.reads_backbone:
            return {}
        if id(table) not in self.seen:
            # With the table, because another one may get its number once it is gone.
            self.seen[id(table)] = table, _features(table)
        return self.seen[id(table)][1]

    def predicted(
        self, predictor: Predictor, table: Table | None = None, lacking: int | None = None, rows: np.ndarray = TEST
    ) -> np.ndarray:
        return np.asarray(predictor.predict(self.shown(table or self.table, lacking, rows)))

    def answers(self) -> np.ndarray:
        """What it predicts for the test samples with both modalities, float [n, C]."""
        return self.predicted(self.once)

    def drawn(self, predictor: Predictor, lacking: int | None, rows: np.ndarray = TEST) -> Any:
        """Its draws, [D, n, C], or None."""
        draws = predictor.draws(self.shown(self.table, lacking, rows))
        return None if draws is None else np.asarray(draws)

    def shown(self, table: Table, lacking: int | None, rows: np.ndarray) -> Shown:
        """Samples without one of the two modalities, or with both."""
        present = np.ones((len(rows), 2), bool)
        if lacking is not None:
            present[:, lacking] = False
        return shown(table, rows, present, False, self.frozen(table))


def _features(table: Table) -> Features:
    spec = backbones.resolve(BACKBONE, MAX_TEXT)
    with tempfile.TemporaryDirectory(prefix="mora_bench-") as folder:
        data = cache.prepare(table, "checked", spec.rules, Path(folder))
        return computed(backbones.load(spec, table.shape, MAX_TEXT, 0), data, torch.device("cpu"))


def thirds(rows: np.ndarray) -> np.ndarray:
    """bool [n, 2]: a third complete, a third without the first modality, a third without the second."""
    present = np.ones((len(rows), 2), bool)
    present[rows % 3 == 1, 0] = False
    present[rows % 3 == 2, 1] = False
    return present


def named(subject: PredictorSubject) -> None:
    """It has a title, a source and a family, as text."""
    described(subject.kind, ("title", "source", "family"))
    adapts = subject.kind.adapts
    expect(isinstance(adapts, str), f"adapts is {adapts!r}; expected words that say how it adapts at test, or nothing")


def probabilities(subject: PredictorSubject) -> None:
    """It gives probabilities, float [samples, labels], under every pattern."""
    predictor = subject.once
    for lacking in (None, 0, 1):
        predictions = subject.predicted(predictor, lacking=lacking)
        expected = (len(TEST), len(subject.table.labels))
        expect(predictions.shape == expected, f"predict gave {list(predictions.shape)}; expected {list(expected)}")
        expect(bool(((predictions >= 0) & (predictions <= 1)).all()), "predict gave numbers that are no probabilities")


def hidden(subject: PredictorSubject) -> None:
    """What a mask hides changes nothing: other texts and pictures in its place, in training and when predicting."""
    for lacking in (0, 1):
        other = _other(subject.table, lacking)
        first = subject.predicted(subject.once, lacking=lacking)
        again = subject.predicted(subject.fitted(other), table=other, lacking=lacking)
        expect(np.array_equal(first, again), f"another {subject.table.names[lacking]} where it is hidden changed it")


def _other(table: Table, lacking: int) -> Table:
    """Another patient's content wherever the masks of `PredictorSubject` hide one modality."""
    name = table.names[lacking]
    column = table.modalities[name]
    hides = np.concatenate([~thirds(np.arange(70))[:, lacking], np.ones(N - 70, bool)])
    rolled = np.roll(np.arange(N), 7)
    values = tuple(column.values[rolled[i] if hides[i] else i] for i in range(N))
    return replace(table, modalities=table.modalities | {name: Column(column.kind, values)})


def repeatable(subject: PredictorSubject) -> None:
    """Fitted twice with the same seed, it predicts the same."""
    first, again = (subject.predicted(predictor) for predictor in (subject.once, subject.fitted()))
    expect(np.array_equal(first, again), "two fits with the same seed predict differently")


def nameless(subject: PredictorSubject) -> None:
    """Names change nothing: with other ids, patients and names of files it predicts the same."""
    table = subject.table
    pictures = tuple(tuple(Renamed(picture) for picture in pair) for pair in table.modalities["image"].values)
    names = tuple(f"another {id}" for id in reversed(table.ids))
    columns = table.modalities | {"image": Column("image", pictures)}
    other = replace(table, ids=names, patients=names, modalities=columns)
    first = subject.predicted(subject.once)
    again = subject.predicted(subject.fitted(other), table=other)
    expect(np.array_equal(first, again), "other names of samples and pictures changed it; names must not be read")


@dataclass(frozen=True)
class Renamed:
    """The same picture under another name."""

    picture: Any

    def read(self) -> np.ndarray:
        return self.picture.read()

    def fingerprint(self) -> str:
        return f"another {self.picture.fingerprint()}"


def placeless(subject: PredictorSubject) -> None:
    """What it predicts for a sample does not hang on its place among the samples, nor, unless it says in `adapts` that
    it adapts at test, on who else is there."""
    predictor = subject.once
    full = subject.predicted(predictor)
    turned = subject.predicted(predictor, rows=TEST[::-1])[::-1]
    part = subject.predicted(predictor, rows=TEST[3:8])
    compared = [(turned, full, "in another order")]
    compared += [(part, full[3:8], "among fewer")] * (not subject.kind.adapts)
    for predictions, expected, clause in compared:
        worst = float(np.abs(predictions - expected).max())
        expect(worst <= SAME, f"predictions of the same samples {clause} differ by {worst:.2g}")


def untouched(subject: PredictorSubject) -> None:
    """It leaves what it is shown as it was, whatever kinds of content that is."""
    table, seen = _with_more_kinds(subject.table), subject.frozen(subject.table)
    predictor, count = subject.kind(), len(table.names)
    train, validation = (shown(table, rows, _two_each(rows, count), True, seen) for rows in (TRAIN, VALIDATION))
    samples = shown(table, TEST, _two_each(TEST, count), False, seen)
    handed = {"train": train, "validation": validation}
    _expect_as_it_was("fit", handed, lambda: predictor.fit(train, validation, seed=0))
    _expect_as_it_was("predict", {"samples": samples}, lambda: predictor.predict(samples))
    _expect_as_it_was("draws", {"samples": samples}, lambda: predictor.draws(samples))


def _with_more_kinds(table: Table) -> Table:
    """The same patients with cells of a table, a signal and a vector, too."""
    rng = np.random.default_rng(0)
    cells = tuple({"age": float(age), "crp": None if age < 0 else 1.0} for age in rng.normal(size=N))
    signals = tuple(Series(np.where(values < -1, np.nan, values), 1.0, ("a",)) for values in rng.normal(size=(N, 8, 1)))
    more = {"cells": Column("table", cells), "signal": Column("signal", signals)}
    vectors = {"vector": Column("vector", tuple(rng.normal(size=(N, 3)).astype(np.float32)))}
    return replace(table, modalities=table.modalities | more | vectors)


def _two_each(rows: np.ndarray, count: int) -> np.ndarray:
    """bool [n, M]: two neighbours of the modalities in turn, because some predictors have a model for every set."""
    first = rows[:, None] % count
    return (np.arange(count) == first) | (np.arange(count) == (first + 1) % count)


def _expect_as_it_was(asked: str, handed: dict[str, Shown], call: Callable[[], Any]) -> None:
    before = {name: _parts(samples) for name, samples in handed.items()}
    call()
    for name, samples in handed.items():
        changed = [part for part, held in _parts(samples).items() if held != before[name][part]]
        expect(not changed, f"{asked} changed {name}.{', '.join(changed)} in place; change a copy instead")


def _parts(samples: Shown) -> dict[str, Any]:
    """All that samples hold, by how it is written, in a form that is compared by ==."""
    values = {f"values[{name!r}]": content for name, content in samples.values.items()}
    features = {f"frozen[{name!r}]": content for name, content in samples.frozen.items()}
    arrays = {"present": samples.present, "targets": samples.targets, "groups": samples.groups}
    return {part: _held(content) for part, content in (values | features | arrays).items()}


def _held(value: Any) -> Any:
    if isinstance(value, Unnamed):
        return value.fingerprint()
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, dict):
        return tuple((name, _held(cell)) for name, cell in value.items())
    return tuple(map(_held, value)) if isinstance(value, tuple | list) else value


def drawn(subject: PredictorSubject) -> None:
    """Draws of what is missing have the mean that it predicts, differ nowhere if all is shown, and hang on nobody else.

    Unless it says in `adapts` that it adapts at test, as with what it predicts."""
    predictor, patterns = subject.once, (None, 0, 1)
    draws = {lacking: subject.drawn(predictor, lacking) for lacking in patterns}
    if all(given is None for given in draws.values()):
        return
    for lacking, given in draws.items():
        without = "all shown" if lacking is None else f"no {subject.table.names[lacking]}"
        expect(given is not None, f"draws gave None with {without}; expected draws under every pattern, or under none")
        expected = (len(TEST), len(subject.table.labels))
        expect(
            given.ndim == 3 and len(given) > 1 and given.shape[1:] == expected,
            f"draws gave {list(given.shape)}; expected [D, {expected[0]}, {expected[1]}] with D of 2 or more",
        )
        expect(bool(((given >= 0) & (given <= 1)).all()), "draws gave numbers that are no probabilities")
        off = float(np.abs(given.mean(0) - subject.predicted(predictor, lacking=lacking)).max())
        expect(off <= SAME, f"the mean of draws and what predict gives differ by {off:.2g} with {without}")
        turned = subject.drawn(predictor, lacking, TEST[::-1])[:, ::-1]
        part = subject.drawn(predictor, lacking, TEST[3:8])
        compared = [(turned, given, "in another order")]
        compared += [(part, given[:, 3:8], "among fewer")] * (not subject.kind.adapts)
        for other, same, clause in compared:
            worst = float(np.abs(other.std(0) - same.std(0)).max())
            expect(worst <= SAME, f"standard deviations over draws of the same samples {clause} differ by {worst:.2g}")
    left = float(np.ptp(draws[None], axis=0).max())
    expect(left <= SAME, f"draws of complete samples differ by {left:.2g}; nothing of them is missing")


RULES = (named, probabilities, hidden, repeatable, nameless, placeless, untouched, drawn)


def check(predictor: type[Predictor]) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    return tried(RULES, example(predictor), needed=probabilities)


def example(kind: type[Predictor], others: bool = False) -> PredictorSubject:
    """A predictor's subject on 90 patients of the ODIR twin, or on `others`."""
    return PredictorSubject(kind, _asked(twins.odir(range(N, 2 * N) if others else range(N)), kind))


def _asked(table: Table, predictor: type[Predictor]) -> Table:
    """A table with targets that a predictor learns from: its own, or those of a task's example."""
    if not predictor.learns:
        return table
    kinds = ((name, registry.get(registry.TASKS, name)) for name in registry.names(registry.TASKS))
    named = [(f"{name}:{kind.tried_with}", kind) for name, kind in kinds if kind.columns == predictor.learns]
    expect(bool(named), f"learns is {predictor.learns}; no task has such targets")
    task, kind = named[0]
    targets, sure = kind.of(kind.tried_with).example(N)
    return replace(table, task=task, targets=targets, labels=tuple(f"label {k}" for k in range(sure.shape[1])))

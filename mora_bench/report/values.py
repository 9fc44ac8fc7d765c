"""The scores of many cells in columns, for tables, figures and files: a tenth of what the files of scores hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from mora_bench.cells.missing import COMPLETE
from mora_bench.missing.masks import patterns
from mora_bench.records.risks import RiskGroups
from mora_bench.records.schema import Score, Scores, Worth
from mora_bench.report import csvs
from mora_bench.tasks.named import task_of

#: The columns of scores.csv that describe a cell, and those that describe a test setting.
OF_CELL = (
    "dataset", "source", "missing", "rate", "mechanism", "gaps", "method", "rank", "blocks", "knobs", "impute",
    "backbone", "task", "seed", "cut_short", "ended_early",
)  # fmt: skip
SETTING = ("split", "tested", "test_rate", "test_mechanism", "convention", "stratum", "n")
#: Test settings that become text at once.
AT_ONCE = 4096


@dataclass(frozen=True)
class SubsetScores:
    """The scores of a cell by which of its modalities are shown; `task` and `primary` say which scores these are."""

    modalities: tuple[str, ...]
    task: str
    primary: str
    worth: Worth


@dataclass(frozen=True)
class Grouped:
    """Scores of groups of test samples: their names, the names of the scores, the first of which is how many samples
    there are; float [G, S], NaN for none."""

    names: tuple[str, ...]
    scores: tuple[str, ...]
    values: np.ndarray


class Values:
    """The numbers of scores that were added one by one.

    Attributes:
        rates: by score key the rates of its curves; curves: by score key and pattern the primary score at these, [R],
            and what can be expected at most, [R] or empty.
        classes: by score key and pattern of the test split, F1 of each class, [C].
        confusion: by score key and pattern of the test split, the counts of decisions, by the rule that decides, int
            [C, 4] or [C, C] (`Task.confusion`); one_by_one: by score key which of the two.
        reliability: by score key and pattern the bins of its diagram, float [3, B]: mean probability, share of true,
            number; groups: the scores of groups by covariates; risks: the groups by risk.
        parts: by score key, what modalities are worth; those without are left out.
    """

    def __init__(self) -> None:
        self.rates: dict[str, list[float]] = {}
        self.curves: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
        self.classes: dict[str, dict[str, np.ndarray]] = {}
        self.parts: dict[str, SubsetScores] = {}
        self.confusion: dict[str, dict[str, dict[str, np.ndarray]]] = {}
        self.one_by_one: dict[str, bool] = {}
        self.reliability: dict[str, dict[str, np.ndarray]] = {}
        self.groups: dict[str, dict[str, Grouped]] = {}
        self.risks: dict[str, dict[str, RiskGroups]] = {}
        #: Of each test setting and stratum the cell and the setting, as the beginning of a line of scores.csv.
        self._lines: list[tuple[str, str]] = []
        #: The scalar scores that were met so far, and whether each is a whole number.
        self._scalars: dict[str, bool] = {}
        #: Their values, float [lines, scores met until then], NaN for none; and those that are not in an array yet.
        self._blocks: list[np.ndarray] = []
        self._waiting: list[list[Any]] = []
        self._under = cache(lambda *setting: csvs.cells(setting))

    def add(self, scores: Scores, row: Mapping[str, Any]) -> None:
        """Add the scores of a cell, which `row` of `mora_bench.report.frame.cells` describes."""
        self.rates[scores.score_key] = scores.rates
        self.curves[scores.score_key] = {
            pattern: (np.array(curve.mean, float), np.array(curve.ceiling, float))
            for pattern, curve in scores.curves.items()
        }
        by_class = {pattern: setting.scores.get("f1_per_class") for pattern, setting in scores.test.items()}
        self.classes[scores.score_key] = {
            pattern: np.array(f1, float) for pattern, f1 in by_class.items() if isinstance(f1, list)
        }
        self._add_errors(scores, ("n", *row["agree"].split(",")))
        modalities = tuple(row["modalities"].split(","))
        if scores.worth is not None:
            self.parts[scores.score_key] = SubsetScores(modalities, scores.task, scores.primary, scores.worth)
        self._widen(scores.test[COMPLETE].scores)
        head = csvs.cells([row["key"], *(row[name] for name in OF_CELL)])
        under = scores.test_rate, row["test_mechanism"], scores.scoring.convention
        for split, settings in (("val", scores.val), ("test", scores.test)):
            for pattern in (name for name in patterns(modalities) if name in settings):
                setting = settings[pattern]
                for stratum, values in {"all": setting.scores, **setting.strata}.items():
                    self._lines.append((head, self._under(split, pattern, *under, stratum)))
                    self._waiting.append([*map(values.get, self._scalars)])
        if len(self._waiting) > AT_ONCE:
            self._flush()

    def _add_errors(self, scores: Scores, shown: tuple[str, ...]) -> None:
        """Keep decisions, reliability, groups and risks of a cell; `shown` are the scores that are kept of groups."""
        confusion, reliability, groups = {}, {}, {}
        for pattern, setting in scores.test.items():
            if setting.confusion:
                confusion[pattern] = {rule: np.array(counts, np.int32) for rule, counts in setting.confusion.items()}
            if setting.reliability:
                reliability[pattern] = np.array([*setting.reliability.values()], float)
            if setting.groups:
                values = np.array([[group.get(name) for name in shown] for group in setting.groups.values()], float)
                groups[pattern] = Grouped(tuple(setting.groups), shown, values)
        key = scores.score_key
        if confusion:
            self.confusion[key] = confusion
            self.one_by_one[key] = task_of(scores.task).one_by_one
        self.reliability |= {key: reliability} if reliability else {}
        self.groups |= {key: groups} if groups else {}
        risks = {
            pattern: setting.risk_groups for pattern, setting in scores.test.items() if setting.risk_groups is not None
        }
        self.risks |= {key: risks} if risks else {}

    def _widen(self, scores: Mapping[str, Score]) -> None:
        """Make room for scores that nothing had so far."""
        new = {n: isinstance(v, int) for n, v in scores.items() if n not in self._scalars and not isinstance(v, list)}
        if new:
            self._flush()
            self._scalars |= new

    def _flush(self) -> None:
        if self._waiting:
            # None becomes NaN.
            self._blocks.append(np.array(self._waiting, float))
            self._waiting = []

    def comma_separated(self) -> Iterator[bytes]:
        """Part by part: one line of CSV per cell, protocol, split, test setting and stratum, every scalar score
        unrounded: for the reader's own analysis, and without formulas. Where a stratum is empty its scores are left
        out."""
        self._flush()
        known = [*self._scalars]
        names = ["n", *(name for name in known if name not in SETTING)]
        yield csvs.comma_separated([["key", *OF_CELL, *SETTING, *names[1:]]]).encode()
        begin = 0
        for block in self._blocks:
            lines = self._lines[begin : begin + len(block)]
            begin += len(block)
            columns = [self._column(block, known.index(name), name) for name in names]
            numbers = csvs.numbers(zip(*columns, strict=True))
            every = zip(lines, numbers, strict=True)
            yield "".join(f"{head},{under},{values}\n" for (head, under), values in every).encode()

    def _column(self, block: np.ndarray, index: int, name: str) -> list[float | int | None]:
        if index >= block.shape[1]:
            return [None] * len(block)
        values = block[:, index].tolist()
        return [None if math.isnan(value) else int(value) for value in values] if self._scalars[name] else values

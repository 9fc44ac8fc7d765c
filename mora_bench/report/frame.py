"""Records and scores as data frames: one row per cell, and one row per cell and test setting."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from operator import itemgetter
from statistics import fmean
from typing import Any, Self

import pandas as pd

from mora_bench import registry
from mora_bench.cells.cell import NONE, OFFICIAL, Cell
from mora_bench.cells.missing import COMPLETE, EACH, UNIFORM, Missing
from mora_bench.missing.masks import patterns
from mora_bench.records.schema import NOT_RUN_HERE, Record, Scores
from mora_bench.report.contents import pictures, signals, texts
from mora_bench.report.layout import by_number
from mora_bench.report.measures import asked_of
from mora_bench.report.taken import NATURALLY, able, taken
from mora_bench.report.values import Values
from mora_bench.tasks.named import task_of
from mora_bench.text import percent

#: The fields that identify a row of a table: all of a cell but the seed; the recipe field by field.
IDENTITY = (
    "source", "backbone", "weights", "split", "folds", "pool", "modalities", "task", "tested", "dataset", "data",
    "missing", "rate", "mechanism", "gaps", "drawn", "method", "method_version", "rank", "blocks", "knobs", "impute",
    "impute_version", "after", "versions", "watched",
)  # fmt: skip


def in_words(missing: Missing) -> str:
    """A mechanism in words, "" for the uniform one; with its strength, where that means anything or nobody knows."""
    kind = missing.mechanism.partition(":")[0]
    known = kind in registry.names(registry.MECHANISMS)
    return missing.in_words(graded=not known or registry.get(registry.MECHANISMS, kind).graded)


def cells(records: Iterable[Record], scores: Iterable[Scores], metric: str = "") -> pd.DataFrame:
    """One row per cell and protocol: its fields (the recipe's as recipe.NAME), status, costs, and the shown scores.

    These are `score PATTERN` of the test split, and `score both STRATUM` of its "both" test; further scores that must
    agree with the first, or stand beside it, have their name before it, as in `auroc: score PATTERN`. Of a cell that
    draws what is missing `spread PATTERN` is the standard deviation over draws. A cell that failed has one row; a cell
    that has no scores has none.
    """
    return FrameRows.of(records, scores, metric).frame()


class FrameRows:
    """The rows of `cells`, ordered by key, made while records, and then scores, are read one by one."""

    def __init__(self, metric: str = ""):
        self.metric = metric
        self.values = Values()
        self._failed: list[tuple[str, dict[str, Any]]] = []
        self._done: dict[str, tuple[Cell, dict[str, Any]]] = {}
        self._scored: list[tuple[str, dict[str, Any]]] = []

    @classmethod
    def of(cls, records: Iterable[Record], scores: Iterable[Scores], metric: str = "") -> Self:
        rows = cls(metric)
        for record in records:
            rows.add_record(record)
        for document in scores:
            rows.add_scores(document)
        return rows

    def add_record(self, record: Record) -> None:
        row = _described(record) | _protocol(record.cell)
        if record.status == "failed":
            self._failed.append((record.key, row))
        else:
            self._done[record.key] = record.cell, row | _measured(record)

    def add_scores(self, scores: Scores) -> None:
        """Add scores; those of no record that is done are left out."""
        if scores.key not in self._done:
            return
        cell, row = self._done[scores.key]
        if cell.scoring != scores.scoring:
            row = row | _protocol(replace(cell, scoring=scores.scoring))
        scored = row | _scored(scores, self.metric, row["modalities"].split(","))
        self._scored.append((scores.key, scored))
        self.values.add(scores, scored)

    def frame(self) -> pd.DataFrame:
        rows = [row for _, row in sorted([*self._failed, *self._scored], key=itemgetter(0))]
        names = {name: None for row in rows for name in row}
        frame = pd.DataFrame({name: [row.get(name, math.nan) for row in rows] for name in names})
        # pandas 3 keeps each column of text in an Arrow array, from which choosing a few rows takes long.
        texts = {name: object for name, kind in frame.dtypes.items() if isinstance(kind, pd.StringDtype)}
        return frame.astype(texts).copy()


def _described(record: Record) -> dict[str, Any]:
    cell, provenance = record.cell, record.provenance
    recipe = {} if cell.recipe is None else {f"recipe.{name}": value for name, value in vars(cell.recipe).items()}
    recipe |= {} if cell.max_text is None else {"recipe.max_text": cell.max_text}
    return recipe | {
        **{name: getattr(cell, name) for name in IDENTITY if hasattr(cell, name)},
        "modalities": ",".join(cell.modalities),
        "mechanism": in_words(cell.mechanism),
        "gaps": cell.gaps_in_words,
        "blocks": None if cell.blocks is None else ",".join(map(str, cell.blocks)),
        "knobs": ", ".join(f"{name}={value}" for name, value in cell.knobs),
        "after": cell.before,
        "versions": ", ".join(f"{what} {number}" for what, number in cell.versions),
        "older_draws": cell.older_draws,
        "seed": cell.seed,
        "key": record.key,
        "status": record.status,
        "vouched": not record.older,
        "error": record.error,
        "family": record.competitor.family,
        "abstains": record.competitor.abstains,
        "remark": record.competitor.remark,
        "adapts": record.competitor.adapts,
        "network": cell.recipe is not None or record.competitor.family == NOT_RUN_HERE,
        "on_backbone": cell.backbone != NONE,
        "trained": cell.recipe is not None,
        "overlap": overlap(record),
        **{f"samples.{side}": count for side, count in sizes(record).items()},
        "worth": record.data.realised["train"].get("worth") if record.data else None,
        "classes": None if record.data is None else len(record.data.labels),
        "cut_short": record.cut_short,
        "ended_early": record.ended_early,
        "pictures": pictures(record),
        "signals": signals(record),
        "texts": texts(record),
        "hardware": json.dumps([provenance.device, provenance.threads, provenance.workers, *_ways(record)]),
    }


def _protocol(cell: Cell) -> dict[str, Any]:
    """The fields that say how a cell is tested."""
    return {
        "tested": protocol(cell),
        "tested_besides_rate": protocol(cell, with_rate=False),
        "scored": cell.scoring.version,
        "test_rate": cell.test_rate,
        "test_mechanism": in_words(cell.test_missing),
        "drawn": _drawn(cell),
    }


def _drawn(cell: Cell) -> str:
    """What the masks and gaps of a cell hang on that their names do not say: versions, which stand for the code of a
    plug-in, too, and values that a mechanism reads."""
    masks, gaps = dict.fromkeys((cell.mechanism, cell.test_missing)), dict.fromkeys((cell.gaps, cell.tested_gaps))
    parts = [f"{m.mechanism} {m.version}" + f" of values {m.reads[:6]}" * bool(m.reads) for m in masks]
    return ", ".join([*parts, *(f"{taken.mechanism} {taken.version}" for taken in gaps if taken)])


def sizes(record: Record) -> dict[str, int]:
    """The number of samples of a cell's sides; nothing of a cell that failed before it knew."""
    return {} if record.data is None else {side: int(realised["n"]) for side, realised in record.data.realised.items()}


def overlap(record: Record) -> float:
    """Test samples by training samples where both are cut from the same; 0 where test samples are drawn apart; NaN for
    a cell that failed before it knew."""
    count = sizes(record)
    if not count:
        return float("nan")
    # Of an official split the seeds share all sides, so that it tells nothing of other samples, and nothing is mended.
    apart = record.cell.pool or record.cell.split == OFFICIAL
    return 0.0 if apart else count["test"] / count["train"]


def protocol(cell: Cell, with_rate: bool = True) -> str:
    """The test protocol of a cell in words, if it differs from that of training; else ""."""
    phrases = [] if cell.scoring.missing is None else [in_words(cell.scoring.missing) or UNIFORM.mechanism]
    phrases += [f"at {percent(cell.scoring.rate)}"] if with_rate and cell.scoring.rate is not None else []
    phrases += [as_counted_by(cell)] * bool(cell.scoring.convention)
    return ", ".join(phrases)


def as_counted_by(cell: Cell) -> str:
    """By whose convention a cell is scored, in words, where it is not its task's own."""
    return f"scores as {cell.scoring.convention} counts them"


def _ways(record: Record) -> list[str]:
    """Other settings that change a record's step times: compilation, and cells that are trained as one."""
    compiler = record.provenance.compiler
    cells_as_one = record.time.cells_as_one if record.time else 1
    ways = [f"compiled ({compiler})"] if compiler != "off" else []
    return [*ways, f"{cells_as_one} trained as one"] if cells_as_one > 1 else ways


def _measured(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if record.parameters is not None:
        row |= {n: getattr(record.parameters, n) for n in ("share_adapter", "share_adapter_head", "share_total")}
        row["adapter"] = record.parameters.trained["adapter"]
        projection = record.parameters.trained.get("projection")
        row |= {} if projection is None else {"projection": projection}
    if record.flops is not None:
        row["gflops_forward"] = record.flops.forward / 1e9
        row["gflops_step"] = (record.flops.step_forward + record.flops.step_backward) / 1e9
    row["uncounted"] = ", ".join(record.uncounted)
    row["pairs"] = record.beginning.pairs if record.beginning else 0
    if record.time is not None:
        row |= {"step_ms": record.time.step_ms, "epoch_s": record.time.epoch_s, "cell_s": record.time.cell_s}
    if record.training is not None:
        row["val_score"] = record.training.best_score
    return row


def _scored(scores: Scores, metric: str, modalities: list[str]) -> dict[str, Any]:
    """The scores that tables show: `metric`, or those that must agree if the task has no such metric."""
    task = task_of(scores.task)
    agree, beside = asked_of(task, scores.primary, metric)
    # The prefix of the columns of each score.
    prefixes = {name: f"{name}: " * bool(number) for number, name in enumerate((*agree, *beside))}
    row: dict[str, Any] = {"agree": ",".join(agree), "beside": ",".join(beside), "score_key": scores.score_key}
    for pattern, setting in scores.test.items():
        share = taken(setting, pattern)
        row[_column("", "taken", pattern)] = share
        # A pattern that can take nothing tests complete data, whatever its name.
        tested = pattern == COMPLETE or share != 0 or able(setting, pattern)
        _add(row, prefixes, "score", pattern, setting.scores if tested else {})
        _add(row, prefixes, "ceiling", pattern, setting.ceiling if tested else {})
        row[_column("", "counts", pattern)] = setting.counts if tested and agree[0] == scores.primary else {}
        if tested and isinstance(setting.spread, float):
            row[_column("", "spread", pattern)] = setting.spread
    row |= _by_number(row, modalities, prefixes)
    lost = row[_column("", "taken", EACH)] != 0 or able(scores.test[EACH], EACH)
    count_names = {name: task.metrics[name].averaged_over if name in task.metrics else "" for name in agree}
    for stratum, values in scores.test[EACH].strata.items():
        subset = _stratum(stratum)
        row[_column("", "samples", subset)] = values.get("n")
        judged = {name: prefixes[name] for name in agree}
        _add(row, judged, "score", subset, values if lost else {})
        _add(row, judged, "classes", subset, {name: values[key] for name, key in count_names.items() if key in values})
    natural = scores.test[COMPLETE].realised
    row["absent"] = ",".join(
        n.removeprefix(NATURALLY) for n, v in natural.items() if n.startswith(NATURALLY) and v == 1
    )
    row["lacks"] = {n.removeprefix(NATURALLY): v for n, v in natural.items() if n.startswith(NATURALLY) and 0 < v < 1}
    row["empty_classes"] = scores.test[COMPLETE].scores.get("empty_classes")
    return row


def _by_number(row: dict[str, Any], modalities: list[str], prefixes: dict[str, str]) -> dict[str, Any]:
    """By how many modalities are missing the means over all sets of so many; nothing where a set has none."""
    means: dict[str, Any] = {}
    for name, members in by_number(patterns(modalities)).items():
        wanted = [("", "taken"), *((prefix, kind) for prefix in prefixes.values() for kind in ("score", "ceiling"))]
        for prefix, kind in wanted:
            values = [value for pattern in members if (value := row.get(_column(prefix, kind, pattern))) is not None]
            if len(values) == len(members):
                means[_column(prefix, kind, name)] = fmean(values)
    return means


def _add(row: dict[str, Any], prefixes: dict[str, str], kind: str, pattern: str, values: Mapping[str, Any]) -> None:
    """Add the columns of the scores that have a value, and that of the first in any case."""
    for name, prefix in prefixes.items():
        if name in values or not prefix:
            row[_column(prefix, kind, pattern)] = values.get(name)


@cache
def _column(prefix: str, kind: str, pattern: str) -> str:
    """The name of a column: one text for all rows, of which there are thousands."""
    return f"{prefix}{kind} {pattern}"


@cache
def _stratum(name: str) -> str:
    return f"{EACH} {name}"

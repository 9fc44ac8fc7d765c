"""Two results folders held against each other, cell by cell: the same, better, worse, or only in one of them."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from tabulate import tabulate

from mora_bench.cells.cell import OLDER_DRAWS, Cell
from mora_bench.cells.missing import COMPLETE
from mora_bench.files import identity
from mora_bench.records.equal import TOLERANCE, differences
from mora_bench.records.schema import Scores
from mora_bench.report.contract import Results
from mora_bench.report.frame import as_counted_by, overlap
from mora_bench.report.markdown import escaped
from mora_bench.report.measures import Measure, asked_of
from mora_bench.report.verdict import on_what
from mora_bench.statistics.agree import agreement
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.named import metric_of, task_of
from mora_bench.text import number_of

SAME, CLOSE, BETTER, WORSE, UNTOLD = "same digits", "same to 1e-6", "better", "worse", "inconclusive"
#: The fields that name a cell; two cells that differ in other fields are one thing in two versions.
NAMED = (
    "dataset", "source", "missing", "rate", "gaps", "test_gaps", "method", "rank", "blocks", "impute", "knobs",
    "after", "seed", "modalities",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """Cells that differ in seed alone, in both folders.

    Attributes:
        what: their name; seeds: in both; metric: the primary score of their task.
        first, second: the mean primary score, with whatever the training mask takes missing.
        low, high: a 95 % interval of its mean difference, first minus second; NaN for one seed.
        significant: whether the folders differ significantly in one of the scores that must agree.
        largest: of any number that both have of any cell, the largest difference; NaN if the cells are others.
        verdict: the first folder held against the second: SAME, CLOSE, BETTER, WORSE or UNTOLD, or on what it depends
            which is better; better and worse are said where the scores of the task that must agree have one sign, and
            one tells it after Holm over the scores.
        fields: what differs in the cells, as "name: first | second"; of the same cells which numbers only one has.
    """

    what: str
    seeds: int
    metric: Metric
    first: float
    second: float
    low: float
    high: float
    largest: float
    verdict: str
    fields: tuple[str, ...]
    significant: bool = False


@dataclass(frozen=True)
class Against:
    """The cells that two folders share, and the labels of those that only one of them holds, failed cells included."""

    lines: list[Line]
    only_first: list[str]
    only_second: list[str]

    @property
    def reproduced(self) -> bool:
        """Whether every cell of the first folder is in the second with the same scores, to `TOLERANCE`."""
        return bool(self.lines) and not self.only_first and all(line.verdict in (SAME, CLOSE) for line in self.lines)


def against(first: Results, second: Results) -> Against:
    """Hold the cells of `first` against those of `second`."""
    ours, theirs = _cells(first), _cells(second)
    groups: dict[tuple, list[tuple[Cell, Cell]]] = {}
    matched: set[str] = set()
    by_name: dict[tuple, list[Cell]] = {}
    for cell in theirs.values():
        by_name.setdefault(_name(cell), []).append(cell)
    name_counts: dict[tuple, int] = {}
    for cell in ours.values():
        name_counts[_name(cell)] = name_counts.get(_name(cell), 0) + 1
    lone_first: list[Cell] = []
    for key, cell in ours.items():
        alike = by_name.get(_name(cell), [])
        # A cell of the same key; or the only one of that name on either side, which then differs in other fields.
        other = theirs.get(key) or (alike[0] if len(alike) == 1 == name_counts[_name(cell)] else None)
        if other is None:
            lone_first.append(cell)
            continue
        matched.add(other.score_key)
        group = (replace(cell, seed=0).score_key, replace(other, seed=0).score_key)
        groups.setdefault(group, []).append((cell, other))
    lone_second = [cell for key, cell in theirs.items() if key not in matched]
    suffix = _suffixes([*(pairs[0][0] for pairs in groups.values()), *lone_first, *lone_second])
    lines = [_line(pairs, first, second, suffix) for pairs in groups.values()]
    only_first, only_second = ([_named(cell, suffix) for cell in cells] for cells in (lone_first, lone_second))
    return Against(lines, only_first + _failed(first), only_second + _failed(second))


def _suffixes(cells: Iterable[Cell]) -> dict[str, str]:
    """What tells apart cells of the same label that differ in more than the seed, by their score key under seed 0."""
    alike: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        first = replace(cell, seed=0)
        alike.setdefault(first.label + _beyond(first), {})[first.score_key] = first
    suffixes = {}
    for group in alike.values():
        flat = {key: _flat(cell) | {"backbone": cell.backbone} for key, cell in group.items()}
        names = dict.fromkeys(name for values in flat.values() for name in values)
        differ = [name for name in names if len({str(values.get(name)) for values in flat.values()}) > 1]
        if "backbone" in differ:
            # Another backbone has other weights.
            differ = [name for name in differ if name != "weights"]
        for key, values in flat.items():
            suffixes[key] = "".join(f", {name} {values.get(name, 'none')}" for name in sorted(differ))
    return suffixes


def _named(cell: Cell, suffix: dict[str, str]) -> str:
    """A cell by its label, its test, and what tells it from others of the same label."""
    return cell.label + _beyond(cell) + suffix[replace(cell, seed=0).score_key]


def _cells(results: Results) -> dict[str, Cell]:
    """The scored cells of a folder by score key."""
    return {
        scores.score_key: replace(results.record_of[scores.key].cell, scoring=scores.scoring)
        for scores in results.scores
        if scores.key in results.record_of and results.record_of[scores.key].status == "done"
    }


def _failed(results: Results) -> list[str]:
    return [f"{record.cell.label} (failed)" for record in results.records if record.status == "failed"]


def _name(cell: Cell) -> tuple:
    return tuple(getattr(cell, name) for name in NAMED)


def _differing(first: Cell, second: Cell) -> tuple[str, ...]:
    """The fields in which two cells differ, the recipe's and the scoring's apart."""
    if first.score_key == second.score_key:
        return ()
    ours, theirs = _flat(first), _flat(second)
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    return tuple(f"{name}: {ours.get(name, 'none')} | {theirs.get(name, 'none')}" for name in names)


def _flat(cell: Cell) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for field in fields(cell):
        value = getattr(cell, field.name)
        if field.name in ("recipe", "scoring", "mechanism") and value is not None:
            inner = vars(value) if field.name == "recipe" else identity(value)
            flat |= {f"{field.name}.{name}": entry for name, entry in inner.items()}
        elif field.name != "backbone":
            flat[field.name] = value
    return flat


def _line(pairs: list[tuple[Cell, Cell]], ours: Results, theirs: Results, suffix: dict[str, str]) -> Line:
    scores = [(ours.by_key[a.score_key], theirs.by_key[b.score_key]) for a, b in pairs]
    cell, other = pairs[0]
    primary = scores[0][0].primary
    shared = max(overlap(ours.record_of[cell.key]), overlap(theirs.record_of[other.key]))
    names, _ = asked_of(task_of(cell.task), primary, "")
    asked = [Measure(name, metric_of(cell.task, name), name == primary) for name in names]
    values = np.array([[[_shown(cell, side, measure.name) for side in pair] for pair in scores] for measure in asked])
    metric, values = asked[0].metric, values.transpose(0, 2, 1)
    low, high, verdict, apart = _judged(asked, values, shared)
    same = cell.score_key == other.score_key
    largest, only = _held(scores) if same else (math.nan, ())
    if same and largest <= TOLERANCE:
        verdict = SAME if largest == 0 else CLOSE
    name = _named(cell, suffix).replace(f" seed{cell.seed}", "", 1) + _older(cell, other)
    first, second = (float(side.mean()) for side in values[0])
    differing = _differing(cell, other) + only
    return Line(name, len(pairs), metric, first, second, low, high, largest, verdict, differing, apart)


def _beyond(cell: Cell) -> str:
    """By whose convention a cell is scored, which its label does not say."""
    return f", {as_counted_by(cell)}" * bool(cell.scoring.convention)


def _judged(asked: list[Measure], values: np.ndarray, overlap: float) -> tuple[float, float, str, bool]:
    """The interval of the first score's difference, which side is better, and whether a score tells them apart.

    Args:
        values: float [K, 2, S]; a score that a seed of a side lacks is not asked.
    """
    complete = [k for k, scores in enumerate(values) if not np.isnan(scores).any()]
    if values.shape[2] < 2 or not complete:
        return math.nan, math.nan, UNTOLD, False
    agreed = agreement(values[complete], [asked[k].metric.higher_is_better for k in complete], [(0, 1)], overlap)
    low, high = (
        (float(agreed.pairs[0].low[0]), float(agreed.pairs[0].high[0])) if complete[0] == 0 else (math.nan, math.nan)
    )
    if agreed.depends[0]:
        return low, high, f"depends on the {on_what(agreed.better[:, 0], [asked[k] for k in complete])}", True
    leads = int(agreed.leads[0])
    return low, high, {1: BETTER, -1: WORSE, 0: UNTOLD}[leads], leads != 0


def _older(cell: Cell, other: Cell) -> str:
    """A mark where splits and masks of one folder's cells, or of both, were drawn by an earlier version."""
    if not (cell.older_draws or other.older_draws):
        return ""
    whose = "" if cell.older_draws == other.older_draws else ": the first" if cell.older_draws else ": the second"
    return f" ({OLDER_DRAWS}{whose})"


def _shown(cell: Cell, scores: Scores, name: str) -> float:
    """A score under the pattern of training, or where both are in turn missing after complete training."""
    pattern = cell.missing if cell.missing in scores.test and cell.missing != COMPLETE else list(scores.test)[-1]
    value = scores.test[pattern].scores.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def _held(pairs: list[tuple[Scores, Scores]]) -> tuple[float, tuple[str, ...]]:
    """The largest difference of any number that both files of a pair have; and in words the numbers of only one."""
    differing = [difference for pair in pairs for difference in differences(*pair)]
    largest = max((difference.size for difference in differing if not difference.only), default=0.0)
    sentences = []
    for which in ("first", "second"):
        only = list(dict.fromkeys(difference.where for difference in differing if difference.only == which))
        if only:
            sentences.append(f"numbers in the {which} alone: {len(only)}, e.g. {only[0]}")
    return largest, tuple(sentences)


def _how_far(largest: float) -> str:
    """The largest difference of any number, in words behind a verdict; "" where no number differs or none is asked."""
    if math.isnan(largest) or largest == 0:
        return ""
    return " (some numbers are in one alone)" if math.isinf(largest) else f" (numbers differ by up to {largest:.1e})"


def markdown(comparison: Against, names: tuple[str, str]) -> str:
    """A table of the cells that both folders hold, and lists of those that only one holds."""
    rows = [
        [
            escaped(line.what),
            line.seeds,
            escaped(f"{line.metric.heading}, {line.metric.direction}"),
            line.metric.shown(line.first),
            line.metric.shown(line.second),
            line.metric.shown(line.first - line.second, finer=1, sign=True),
            ""
            if math.isnan(line.low)
            else " to ".join(line.metric.shown(bound, sign=True) for bound in (line.low, line.high)),
            line.verdict + _how_far(line.largest),
            escaped("; ".join(line.fields)),
        ]
        for line in sorted(comparison.lines, key=lambda line: line.what)
    ]
    headers = ["cells", "seeds", "score", *map(escaped, names), "difference", "95 %", "verdict", "differing fields"]
    parts = [tabulate(rows, headers, tablefmt="github", disable_numparse=True)] if rows else ["No cell is in both."]
    for name, only in zip(names, (comparison.only_first, comparison.only_second), strict=True):
        if only:
            parts += ["", f"Only in {escaped(name)}, {number_of(len(only))}:", "", *_listed(only)]
    return "\n".join(parts) + "\n"


def conclusion(comparison: Against, names: tuple[str, str]) -> str:
    """One sentence: whether the first of two folders reproduces the second, and what is in one of them alone."""
    first, second = names
    shared = sum(line.seeds for line in comparison.lines)
    apart = sum(line.seeds for line in comparison.lines if line.verdict not in (SAME, CLOSE))
    if comparison.reproduced:
        text = f"every cell of {first} has the scores of {second}"
    elif apart or not shared:
        text = f"{first} does not reproduce {second}"
        text += f": other scores in {apart} of {number_of(shared)} that both hold" if shared else ": no cell is in both"
    else:
        text = f"the scores of the {number_of(shared)} that both hold are the same"
    lone = ((first, comparison.only_first), (second, comparison.only_second))
    return "; ".join([text, *(f"{len(only)} only in {name}" for name, only in lone if only)])


def _listed(labels: Iterable[str], most: int = 20) -> list[str]:
    """One item for cells that differ in seed alone."""
    seeds: dict[str, set[str]] = {}
    for label in labels:
        seeds.setdefault(re.sub(r" seed\d+", "", label), set()).add(label)
    bullets = [f"- {escaped(name)}" + f", {len(of)} seeds" * (len(of) > 1) for name, of in sorted(seeds.items())]
    return bullets if len(bullets) <= most else [*bullets[:most], f"- and {len(bullets) - most} more"]

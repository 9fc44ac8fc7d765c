"""The rows of a section: cells over their seeds, and which of them can be told apart."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mora_bench import registry
from mora_bench.records.schema import NOT_RUN_HERE
from mora_bench.report.frame import IDENTITY
from mora_bench.report.labels import by_number, label
from mora_bench.statistics.differences import Pairs, compared, everyone, not_told_from_the_best, resolution
from mora_bench.statistics.interval import interval
from mora_bench.tasks.metric import Metric, metric_of

#: Cells that differ in one of these fields never share a table. A competitor without a network is in the tables of all
#: backbones.
APART = [
    "source", "backbone", "weights", "split", "folds", "pool", "modalities", "task", "tested", "older_draws", "scored",
]  # fmt: skip
SECTION = ["dataset", "data", "missing", "rate", "mechanism"]
COSTS = ("share_adapter", "share_adapter_head", "share_total", "gflops_forward", "gflops_step", "step_ms")
#: Groups of rows, in this order; others follow by name.
FAMILIES = ("no network", "fine-tuning", "low-rank", "missing-aware", "MoRA", NOT_RUN_HERE)


@dataclass
class Row:
    """One line of a table: a method under one set of axes, over its seeds.

    Attributes:
        label: method and whatever distinguishes it from the other rows of the method in its section.
        family: its group of rows, "" if no record names one.
        mean, std: by score; std is the sample standard deviation over seeds, NaN for one seed.
        low, high: by score, a 95 % interval of the mean.
        values: by score, the scores of the section's seeds in order; NaN where there is none.
        pooled: by score, that of all folds as one set of samples, where the seeds test each fold once.
        network: False for competitors without a network, the section's floors; what was not run here counts as one.
        best: the scores for which it cannot be told from the best mean of the section's competing rows, but some
            other of them can.
        below: the scores for which a complete floor has a better mean; empty for floors.
        note: why the row is not complete, or "".
        keys: of the files of scores behind it, in the order of the section's seeds.
        method, rank, blocks: what the label says, apart; rank and blocks None where the method reads none.
    """

    label: str
    mean: dict[str, float]
    std: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    values: dict[str, np.ndarray]
    cost: dict[str, float]
    seeds: int
    note: str = ""
    pooled: dict[str, float] = field(default_factory=dict)
    family: str = ""
    network: bool = True
    best: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)
    keys: tuple[str, ...] = ()
    method: str = ""
    rank: int | None = None
    blocks: tuple[int, ...] | None = None


@dataclass
class Section:
    """The rows that are compared with each other: one dataset, one training pattern and rate.

    Attributes:
        trained: what was missing in training, and how, in words.
        overlap: test samples by training samples where one seed's test samples train another's; 0 where test samples
            are drawn apart.
        metric: what its scores are; curve_metric: what curves over missing rates hold, the task's primary score.
        samples, classes: by score of a stratum, the fewest and the most samples over seeds; and of classes, those that
            all strata have, with the number of all.
        taken: by score, the share of test samples that its pattern really took a modality from.
        ceiling: by score, the score that can be expected at most, where that is known.
        resolution: by score, the smallest true difference between two competing rows that the section would tell with
            80 % power, from the pair that shows it best to the one that shows it worst; one number twice where the
            pairs agree; NaN for one seed, where fewer than two rows compete, or all of them differ alike in each seed.
    """

    title: str
    dataset: str
    rows: list[Row]
    seeds: list[int]
    metric: Metric
    curve_metric: Metric
    trained: str = ""
    overlap: float = 0.0
    taken: dict[str, float] = field(default_factory=dict)
    ceiling: dict[str, float] = field(default_factory=dict)
    resolution: dict[str, tuple[float, float]] = field(default_factory=dict)
    samples: dict[str, tuple[int, int]] = field(default_factory=dict)
    classes: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def oriented(self, rows: list[Row], score: str) -> np.ndarray:
        """The mean scores of rows, [R], so turned that the larger is the better: what statistics are handed."""
        return self.metric.oriented(np.array([row.mean[score] for row in rows]))

    def best_of(self, rows: list[Row], score: str) -> Row | None:
        """The row with the best mean; None where no row has a score."""
        known = [row for row in rows if not np.isnan(row.mean[score])]
        return max(known, key=lambda row: self.metric.key(row.mean[score]), default=None)

    @property
    def competing(self) -> list[Row]:
        """The complete rows that are compared with each other: the networks, or all rows where there are none."""
        whole = [row for row in self.rows if not row.note]
        return [row for row in whole if row.network] or whole

    @property
    def floors(self) -> list[Row]:
        """The complete rows without a network, where they stand beside networks."""
        return [row for row in self.rows if not row.note and not row.network and row not in self.competing]

    def pairs(self, score: str) -> Pairs | None:
        """Every pair of competing rows, by their numbers in `competing`; None where nothing can be compared."""
        rows = [row.values[score] for row in self.competing]
        if len(rows) < 2 or len(self.seeds) < 2 or np.isnan(rows).any():
            return None
        return compared(np.array(rows), everyone(len(rows)), self.overlap)

    def against_floors(self, score: str) -> Pairs | None:
        """Every competing row against every floor, by their numbers in `competing + floors`; None as in `pairs`."""
        competing, floors = self.competing, self.floors
        rows = [row.values[score] for row in [*competing, *floors]]
        if not floors or not competing or len(self.seeds) < 2 or np.isnan(rows).any():
            return None
        pairs = [(i, len(competing) + j) for i in range(len(competing)) for j in range(len(floors))]
        return compared(np.array(rows), pairs, self.overlap)


def section(data: str, trained: str, part: pd.DataFrame, scores: list[str]) -> Section:
    """The cells of one section, aggregated over their seeds and compared; `data` is what these are called."""
    # A table compares networks; of the other competitors it shows the same seeds.
    reference = part[part["on_backbone"]] if part["on_backbone"].any() else part
    expected = sorted(reference["seed"].unique().tolist())
    part = part[part["seed"].isin(expected)]
    recipe = [column for column in part.columns if column.startswith("recipe.")]
    identity = [c for c in (*IDENTITY, *recipe) if c not in (*APART, *SECTION)]
    overlap = float(part["overlap"].max()) if part["overlap"].notna().any() else 0.0
    title = f"{data}, trained on {trained}"
    found = Section(title, str(part["dataset"].iloc[0]), [], expected, *metrics_of(part), trained, overlap)
    kinds = part[[*identity, "on_backbone"]].drop_duplicates()
    for _, cells in part.groupby(identity, sort=False, dropna=False):
        done = cells[cells["status"] == "done"].drop_duplicates("seed")
        values = {s: _by_seed(done, s, expected) for s in scores}
        known = {s: own[~np.isnan(own)] for s, own in values.items()}
        within = {s: interval(own, overlap) for s, own in known.items()}
        first = cells.iloc[0]
        row = Row(
            label=label(first, kinds, identity),
            mean={s: float(own.mean()) if len(own) else float("nan") for s, own in known.items()},
            std={s: float(own.std(ddof=1)) if len(own) > 1 else float("nan") for s, own in known.items()},
            low={s: own[0] for s, own in within.items()},
            high={s: own[1] for s, own in within.items()},
            values=values,
            pooled=_pooled(done, scores, expected),
            cost={c: _numbers(done, c).mean() for c in COSTS},
            seeds=len(done),
            family=max(cells["family"]),
            network=bool(cells["network"].iloc[0]),
            keys=tuple(done.sort_values("seed")["score_key"]) if len(done) else (),
            method=str(first["method"]),
            rank=None if pd.isna(first["rank"]) else int(first["rank"]),
            blocks=None if pd.isna(first["blocks"]) else tuple(map(int, str(first["blocks"]).split(","))),
        )
        missing = sorted(set(expected) - set(done["seed"]))
        if missing:
            failed = cells[cells["status"] == "failed"]
            why = f" ({'; '.join(sorted(set(failed['error'])))})" if len(failed) else " (not run)"
            row.note = f"no result for seed {', '.join(map(str, missing))}{why}; not compared"
        found.rows.append(row)
    found.rows.sort(key=lambda row: (row.family not in FAMILIES, _place(row.family), by_number(row.label)))
    for score in scores:
        _judge(found, score)
        for known, name in ((found.ceiling, "ceiling"), (found.taken, "taken")):
            known[score] = _numbers(part, score.replace("score ", f"{name} ", 1)).mean()
        _sized(found, part, score)
    return found


def metrics_of(part: pd.DataFrame) -> tuple[Metric, Metric]:
    """What cells of one task show, and what their curves hold: the task's primary score."""
    shown = part["metric"].dropna().unique().tolist() if "metric" in part else []
    task = str(part["task"].iloc[0])
    return metric_of(task, shown[0] if shown else ""), metric_of(task)


def _sized(section: Section, part: pd.DataFrame, score: str) -> None:
    """Note of a stratum how many samples it has, and over how many of all classes it is compared."""
    samples, classes = (_numbers(part, score.replace("score ", f"{n} ", 1)).dropna() for n in ("samples", "classes"))
    if len(samples):
        section.samples[score] = int(samples.min()), int(samples.max())
    if len(classes):
        section.classes[score] = int(classes.min()), int(classes.max()), int(part["classes"].max())


def _judge(section: Section, score: str) -> None:
    """Mark the rows that cannot be told from the best, and those below a floor; note the resolution."""
    pairs, competing = section.pairs(score), section.competing
    section.resolution[score] = resolution(np.array([]) if pairs is None else pairs.smallest)
    if pairs is not None:
        alike = not_told_from_the_best(section.oriented(competing, score), pairs)
        for row, same in zip(competing, alike, strict=True):
            # Where no row is told from the best, a mark on all of them would say nothing.
            if same and not alike.all():
                row.best.add(score)
    floor = section.best_of(section.floors, score)
    for row in competing:
        if floor and section.metric.oriented(row.mean[score]) < section.metric.oriented(floor.mean[score]):
            row.below.add(score)


def _pooled(done: pd.DataFrame, scores: list[str], expected: list[int]) -> dict[str, float]:
    """The scores of all folds as one, if `expected` tests each fold once and all of them are done."""
    folds = int(done["folds"].iloc[0]) if len(done) else 0
    if not folds or sorted(seed % folds for seed in expected) != list(range(folds)) or len(done) != folds:
        return {}
    task = registry.get(registry.TASKS, done["task"].iloc[0])()
    found = {}
    for score in scores:
        counts = done[name].tolist() if (name := score.replace("score ", "counts ", 1)) in done else []
        if counts and all(isinstance(own, dict) and own for own in counts):
            found[score] = task.pooled(counts)
    return found


def _place(family: str) -> str:
    return str(FAMILIES.index(family)) if family in FAMILIES else family


def _numbers(done: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(done[column]) if column in done else pd.Series(dtype=float)


def _by_seed(done: pd.DataFrame, column: str, seeds: list[int]) -> np.ndarray:
    """A score of each seed, float [S]; NaN where there is none."""
    if column not in done:
        return np.full(len(seeds), np.nan)
    return pd.to_numeric(done.set_index("seed")[column]).reindex(seeds).to_numpy(float)

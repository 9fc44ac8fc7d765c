"""The rows of a section: cells over their seeds, and which of them differ significantly."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.records.schema import NOT_RUN_HERE
from mora_bench.report.frame import IDENTITY
from mora_bench.report.labels import by_number, label
from mora_bench.report.measures import Measure, shown_of
from mora_bench.report.row import Row
from mora_bench.statistics.agree import Agreement, agreement, not_led
from mora_bench.statistics.differences import everyone, resolution
from mora_bench.statistics.interval import means
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.named import metric_of, task_of

#: Cells that differ in one of these fields never share a table. A competitor without a network is in the tables of all
#: backbones.
APART = [
    "source", "backbone", "weights", "split", "folds", "pool", "modalities", "task", "tested", "older_draws", "scored",
]  # fmt: skip
#: What the title of a section names; cells of a section share what their masks and gaps hang on, too ("drawn").
NAMED = ["dataset", "data", "missing", "rate", "mechanism", "gaps"]
COSTS = ("share_adapter", "share_adapter_head", "share_total", "gflops_forward", "gflops_step", "step_ms")
#: The column of the frame of cells that says how far draws of what is missing lie apart.
SD_OVER_DRAWS = f"spread {EACH}"
#: Comparisons of more pairs are not cached: they are large.
MOST_KEPT = 10_000
#: The family of competitors that read the frozen backbone: they stand beside those without a network.
FROZEN = "frozen network"
#: Groups of rows, in this order; others follow by name.
FAMILIES = ("no network", FROZEN, "fine-tuning", "low-rank", "missing-aware", "MoRA", NOT_RUN_HERE)


@dataclass
class Section:
    """The rows that are compared with each other: one dataset, one training pattern and rate.

    Attributes:
        trained: what was missing in training, and how, in words.
        overlap: test samples by training samples where they are cut from the same; 0 where they are drawn apart.
        shown: the scores that must agree before a row leads another, the task's primary one or the one asked for first;
            beside: scores that the page shows, too.
        curve_metric: what curves over missing rates hold, the task's primary score.
        tests: the patterns that took something here and were tested, with their headings; rest: those that only files
            and page show; all of both: `every`.
        samples, classes: by column of a stratum, the fewest and the most samples over seeds; and of classes, those that
            all strata have, with the number of all.
        taken: by pattern, the share of test samples that it really took a modality from.
        ceiling: by column, the score that can be expected at most, where that is known.
        resolution: by column, the smallest true difference between two competing rows that the section would detect
            with 80 % power, from the pair that shows it best to the one that shows it worst; one number twice where the
            pairs agree; NaN for one seed, where fewer than two rows compete, or all of them differ alike in each seed.
    """

    title: str
    dataset: str
    rows: list[Row]
    seeds: list[int]
    shown: tuple[Measure, ...]
    curve_metric: Metric
    trained: str = ""
    overlap: float = 0.0
    beside: tuple[Measure, ...] = ()
    tests: dict[str, str] = field(default_factory=dict)
    rest: dict[str, str] = field(default_factory=dict)
    taken: dict[str, float] = field(default_factory=dict)
    ceiling: dict[str, float] = field(default_factory=dict)
    resolution: dict[str, tuple[float, float]] = field(default_factory=dict)
    samples: dict[str, tuple[int, int]] = field(default_factory=dict)
    classes: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    _compared: dict[tuple[str, bool], Agreement | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def every(self) -> dict[str, str]:
        """The patterns of its columns and those that only files and page show, with their headings."""
        return self.tests | self.rest

    @property
    def metric(self) -> Metric:
        """The metric of the first of its scores."""
        return self.shown[0].metric

    def best_of(self, rows: list[Row], score: str, shown: Measure | None = None) -> Row | None:
        """The row with the best mean of a score, the first one if not named; None where no row has one."""
        measure = shown or self.shown[0]
        known = [row for row in rows if not np.isnan(row.mean[measure.of(score)])]
        return max(known, key=lambda row: measure.metric.key(row.mean[measure.of(score)]), default=None)

    def tied(self, rows: list[Row], score: str, shown: Measure) -> list[Row]:
        """The rows that have the best mean of a score, in order."""
        best = self.best_of(rows, score, shown)
        if best is None:
            return []
        means = np.array([row.mean[shown.of(score)] for row in rows])
        # Means of the same scores in another order differ in the last bit.
        same = np.isclose(means, best.mean[shown.of(score)], rtol=1e-12, atol=0)
        return [row for row, tie in zip(rows, same, strict=True) if tie]

    @property
    def competing(self) -> list[Row]:
        """The complete rows that are compared with each other: the networks, or all rows where there are none."""
        complete = [row for row in self.rows if not row.note]
        return [row for row in complete if row.network] or complete

    @property
    def floors(self) -> list[Row]:
        """The complete rows without a network, where they stand beside networks."""
        complete = [row for row in self.rows if not row.note]
        return [row for row in complete if not row.network] if any(row.network for row in complete) else []

    def asked(self, score: str, rows: list[Row]) -> tuple[Measure, ...]:
        """The scores that must agree on rows under a pattern: of those shown the ones that all of them have."""
        return tuple(
            measure for measure in self.shown if not any(np.isnan(row.values[measure.of(score)]).any() for row in rows)
        )

    def among(self, score: str) -> Agreement | None:
        """Every pair of competing rows, by numbers in `competing`, by the scores asked of them; None if none can be."""
        rows = self.competing
        return self._cached(score, False, rows, everyone(len(rows)))

    def against_floors(self, score: str) -> Agreement | None:
        """Every competing row against every floor, by their numbers in `competing + floors`; None as in `among`."""
        competing, floors = self.competing, self.floors
        pairs = [(i, len(competing) + j) for i in range(len(competing)) for j in range(len(floors))]
        return self._cached(score, True, [*competing, *floors], pairs)

    def _cached(self, score: str, floors: bool, rows: list[Row], pairs: list[tuple[int, int]]) -> Agreement | None:
        """The comparison of pairs, for tables, sentences and page; cached, unless there are very many pairs."""
        if len(pairs) > MOST_KEPT:
            return self._compare(score, rows, pairs)
        if (score, floors) not in self._compared:
            self._compared[score, floors] = self._compare(score, rows, pairs)
        return self._compared[score, floors]

    def _compare(self, score: str, rows: list[Row], pairs: list[tuple[int, int]]) -> Agreement | None:
        asked = self.asked(score, rows)
        if not pairs or not asked or len(self.seeds) < 2:
            return None
        values = np.array([[row.values[measure.of(score)] for row in rows] for measure in asked])
        return agreement(values, [measure.metric.higher_is_better for measure in asked], pairs, self.overlap)


def section_of(data: str, trained: str, part: pd.DataFrame, scores: list[str]) -> Section:
    """The cells of one section, aggregated over their seeds and compared; `data` is their name."""
    # A table compares networks; of the other competitors it shows the same seeds.
    reference = part[part["trained"]] if part["trained"].any() else part
    expected = sorted(reference["seed"].unique().tolist())
    part = part[part["seed"].isin(expected)]
    recipe = [column for column in part.columns if column.startswith("recipe.")]
    identity = [c for c in (*IDENTITY, *recipe) if c not in (*APART, *NAMED, "drawn")]
    overlap = float(part["overlap"].max()) if part["overlap"].notna().any() else 0.0
    title, dataset = f"{data}, trained on {trained}", str(part["dataset"].iloc[0])
    shown, beside = shown_of(part)
    part = _without_idle(part, scores, (*shown, *beside))
    primary = metric_of(str(part["task"].iloc[0]))
    section = Section(title, dataset, [], expected, shown, primary, trained, overlap, beside)
    kinds = part[[*identity, "trained"]].drop_duplicates()
    for _, cells in part.groupby(identity, sort=False, dropna=False):
        section.rows.append(_row(section, cells, scores, label(cells.iloc[0], kinds, identity)))
    section.rows.sort(key=lambda row: (row.family not in FAMILIES, _order(row.family), by_number(row.label)))
    for score in scores:
        section.taken[score] = _numbers(part, score.replace("score ", "taken ", 1)).mean()
        for measure in shown:
            section.ceiling[measure.of(score)] = _numbers(
                part, measure.of(score.replace("score ", "ceiling ", 1))
            ).mean()
        _judge(section, score)
        _sized(section, part, score)
    return section


def _without_idle(part: pd.DataFrame, scores: list[str], measures: Sequence[Measure]) -> pd.DataFrame:
    """The cells without scores under patterns that took nothing in any seed: these are scores of complete data."""
    idle = []
    for score in scores:
        pattern = score.removeprefix("score ")
        taken = f"taken {EACH if pattern.startswith(f'{EACH} ') else pattern}"
        if pattern != COMPLETE and taken in part and (part[taken] == 0).all():
            idle += [measure.of(score) for measure in measures]
    return part.assign(**{column: np.nan for column in idle if column in part})


def _row(section: Section, cells: pd.DataFrame, scores: list[str], label: str) -> Row:
    """The cells of one row over the section's seeds."""
    done = cells[cells["status"] == "done"].drop_duplicates("seed")
    columns = [measure.of(score) for measure in (*section.shown, *section.beside) for score in scores]
    values = _by_seed(done, columns, section.seeds)
    over = means(values, section.overlap)
    first = cells.iloc[0]
    row = Row(
        label=label,
        mean=dict(zip(columns, over.mean.tolist(), strict=True)),
        std=dict(zip(columns, over.std.tolist(), strict=True)),
        low=dict(zip(columns, over.low.tolist(), strict=True)),
        high=dict(zip(columns, over.high.tolist(), strict=True)),
        values=dict(zip(columns, values.T, strict=True)),
        pooled=_pooled(done, scores, section.seeds),
        cost={c: _numbers(done, c).mean() for c in COSTS},
        seeds=len(done),
        family=max(cells["family"]),
        network=bool(first["network"]),
        keys=tuple(done.sort_values("seed")["score_key"]) if len(done) else (),
        cut_short=int((done["cut_short"] == True).sum()),  # noqa: E712
        ended_early=int((done["ended_early"] == True).sum()),  # noqa: E712
        adapts=bool(first["adapts"]),
        spread=_numbers(done, SD_OVER_DRAWS).mean(),
        method=str(first["method"]),
        rank=None if pd.isna(first["rank"]) else int(first["rank"]),
        blocks=None if pd.isna(first["blocks"]) else tuple(map(int, str(first["blocks"]).split(","))),
    )
    missing = sorted(set(section.seeds) - set(done["seed"]))
    if missing:
        failed = cells[cells["status"] == "failed"]
        why = f" ({'; '.join(sorted(set(failed['error'])))})" if len(failed) else " (not run)"
        row.note = f"no result for seed {', '.join(map(str, missing))}{why}; not compared"
    return row


def _sized(section: Section, part: pd.DataFrame, score: str) -> None:
    """Note of a stratum how many samples it has, and over how many of all classes it is compared by each score."""
    samples = _numbers(part, score.replace("score ", "samples ", 1)).dropna()
    if len(samples):
        section.samples[score] = int(samples.min()), int(samples.max())
    for measure in section.shown:
        classes = _numbers(part, measure.of(score.replace("score ", "classes ", 1))).dropna()
        if len(classes):
            section.classes[measure.of(score)] = int(classes.min()), int(classes.max()), int(part["classes"].max())


def _judge(section: Section, score: str) -> None:
    """Mark the rows that none leads, and those below a floor; note the resolution."""
    compared, competing, floors = section.among(score), section.competing, section.floors
    for measure in section.shown:
        section.resolution[measure.of(score)] = resolution(np.array([]))
    for measure in (*section.shown, *section.beside):
        floor = section.best_of(floors, score, measure)
        for row in competing:
            if floor and (
                measure.metric.oriented(row.mean[measure.of(score)])
                < measure.metric.oriented(floor.mean[measure.of(score)])
            ):
                row.below.add(measure.of(score))
    if compared is not None:
        for measure, pairs in zip(section.asked(score, competing), compared.pairs, strict=True):
            section.resolution[measure.of(score)] = resolution(pairs.smallest)
        for row, best in zip(competing, not_led(compared, len(competing)), strict=True):
            if best:
                row.best.add(score)


def _pooled(done: pd.DataFrame, scores: list[str], expected: list[int]) -> dict[str, float]:
    """The scores of all folds as one, if `expected` tests each fold of one cut once and all of them are done."""
    folds = int(done["folds"].iloc[0]) if len(done) else 0
    if not folds or len(done) != folds or sorted(seed % folds for seed in expected) != list(range(folds)):
        return {}
    # Each number of whole folds is another cut.
    if len({seed // folds for seed in expected}) > 1:
        return {}
    task = task_of(done["task"].iloc[0])
    pooled = {}
    for score in scores:
        counts = done[name].tolist() if (name := score.replace("score ", "counts ", 1)) in done else []
        if counts and all(isinstance(count, dict) and count for count in counts):
            pooled[score] = task.pooled(counts)
    return pooled


def _order(family: str) -> str:
    return str(FAMILIES.index(family)) if family in FAMILIES else family


def _numbers(done: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(done[column]) if column in done else pd.Series(dtype=float)


def _by_seed(done: pd.DataFrame, columns: list[str], seeds: list[int]) -> np.ndarray:
    """Scores of each seed, float [S, C]; NaN where there is none."""
    known = done.reindex(columns=columns).to_numpy(float, na_value=np.nan)
    scores = np.full((len(seeds), len(columns)), np.nan)
    at = {seed: position for position, seed in enumerate(seeds)}
    scores[[at[seed] for seed in done["seed"]]] = known
    return scores

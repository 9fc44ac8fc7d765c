"""The comparison: cells aggregated over seeds, never over unequal sets of them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mora_bench.cells.cell import OLDER_DRAWS
from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.report.caption import caption, timed_apart
from mora_bench.report.columns import not_asked, without_idle
from mora_bench.report.layout import brought, columns, heading
from mora_bench.report.measures import Measure, shown_of
from mora_bench.report.notes import (
    OVER_DRAWS,
    absences,
    abstentions,
    adapting,
    aligned,
    drawing,
    embedders,
    gaps,
    remarks,
    uncounted,
    unread,
    weighting,
)
from mora_bench.report.section import APART, NAMED, Section, section_of
from mora_bench.tasks.metric import Metric
from mora_bench.tasks.named import metric_of
from mora_bench.text import percent

#: The note on records that name neither their predictions nor what was trained, and scores that name no record.
NOT_VOUCHED = (
    "Written by an older version without digests between scores and records: `verify` cannot check that they belong "
    "together."
)
OF_NETWORKS = ["backbone", "weights"]


@dataclass
class Comparison:
    """One table.

    Attributes:
        source: "real" or "twin"; name: of its files; caption: what a reader needs to know.
        older_draws: whether its cells' splits and masks were drawn by an earlier version.
        shown: the scores in its cells, those that any of its cells has of the ones that must agree; curve_metric: what
            curves over missing rates hold, the task's primary score.
        tests, strata: the patterns of its columns, with their headings, and rest: those that only files and page show
            (`mora_bench.report.layout`); a section may have fewer.
        notes: footnotes.
        protocol: how its cells were tested, if other than they were trained.
    """

    source: str
    name: str
    caption: str
    older_draws: bool
    tests: dict[str, str]
    rest: dict[str, str]
    strata: dict[str, str]
    sections: list[Section]
    notes: list[str]
    shown: tuple[Measure, ...]
    curve_metric: Metric
    protocol: str

    @property
    def metric(self) -> Metric:
        """The metric of the first of its scores, which figures show."""
        return self.shown[0].metric

    def shown_in(self, scores: Iterable[str]) -> tuple[Measure, ...]:
        """Those of its scores that a row has under some of the patterns or strata; the first if none has any."""
        return (
            tuple(measure for measure in self.shown if self._known([measure.of(s) for s in scores])) or self.shown[:1]
        )

    def has(self, scores: Iterable[str]) -> bool:
        """Whether a row has any of its scores under any of the patterns."""
        return self._known([measure.of(score) for measure in self.shown for score in scores])

    def _known(self, columns: list[str]) -> bool:
        return any(
            not math.isnan(row.mean[column]) for section in self.sections for row in section.rows for column in columns
        )

    @property
    def of_curves(self) -> str:
        """The score of its curves, and that it is not the score of the table, if so."""
        alone = f"{self.curve_metric.heading} ({self.curve_metric.direction}"
        if self.curve_metric != self.metric:
            return (
                f"{alone}; curves hold the task's primary score alone, so they are not the {self.metric.title} of the "
                "tables)"
            )
        if len(self.shown) > 1:
            return f"{alone}; curves hold the task's primary score alone, and one score names no lead)"
        return f"{alone})"

    @property
    def grouped(self) -> bool:
        """Whether it has rows of more than one family."""
        return len({row.family for section in self.sections for row in section.rows}) > 1

    @property
    def adapting(self) -> bool:
        """Whether some of its rows adapt at test, which a column then says."""
        return any(row.adapts for section in self.sections for row in section.rows)

    @property
    def drawn(self) -> str:
        """The heading of the column that says how far draws of what is missing lie apart, if some of its rows draw."""
        known = any(not math.isnan(row.spread) for section in self.sections for row in section.rows)
        return f"{OVER_DRAWS}, {self.tests.get(f'score {EACH}', EACH)}" if known else ""

    @property
    def main(self) -> str:
        """The score of figures that show one: with either modality missing, or of complete data where none could be."""
        both = f"score {EACH}"
        return both if both in self.tests else f"score {COMPLETE}"

    def named(self, what: str) -> str:
        """The name of the files of another artefact that shows the same cells."""
        return self.name.replace("comparison", what, 1)


def compare(cells: pd.DataFrame) -> list[Comparison]:
    """Tables from `frame.cells`, one per source, backbone, kind of split, set of modalities, task and protocol."""
    if cells.empty:
        return []
    networks, others = cells[cells["on_backbone"]], cells[~cells["on_backbone"]]
    groups = list(networks.groupby(APART, sort=True, dropna=False))
    shared = [name for name in APART if name not in OF_NETWORKS]
    placed = pd.Series(False, index=others.index)
    tables = []
    for key, group in groups:
        beside = (others[shared] == pd.Series(dict(zip(APART, key, strict=True)))[shared]).all(axis=1)
        placed |= beside
        tables.append((key, pd.concat([group, others[beside]])))
    tables += list(others[~placed].groupby(APART, sort=True, dropna=False))
    keys = [dict(zip(APART, key, strict=True)) for key, _ in tables]
    return [_table(common, keys, group) for common, (_, group) in zip(keys, tables, strict=True)]


def _table(common: dict, keys: list[dict], group: pd.DataFrame) -> Comparison:
    modalities = common["modalities"].split(",")
    layout = columns(modalities, all(map(brought, group["test_mechanism"])))
    tests, rest, strata = layout.tests, layout.rest, layout.strata
    names = _data_names(group)
    sections = _sections(group, names, modalities, [*tests, *rest, *strata])
    notes = [f"{section.title}, {row.label}: {row.note}." for section in sections for row in section.rows if row.note]
    shown, _ = shown_of(group)
    notes += without_idle(tests, rest, sections)
    tests = {score: title for score, title in tests.items() if any(score in section.tests for section in sections)}
    strata = strata if f"score {EACH}" in tests else {}
    named = group.assign(dataset=names)
    notes += [
        *absences(named, shown),
        *weighting(named),
        *unread(named),
        *embedders(named),
        *gaps(named),
        *abstentions(group),
        *remarks(group),
        *adapting(group),
    ]
    notes += [*drawing(group), *uncounted(group), *aligned(named)]
    notes += [NOT_VOUCHED] * (not group["vouched"].all()) + not_asked(sections)
    if why := timed_apart(group[group["trained"]]["hardware"]):
        notes.append(f"Step times are left out: the cells {why}.")
        for section in sections:
            for row in section.rows:
                row.cost["step_ms"] = float("nan")
    primary = metric_of(str(group["task"].iloc[0]))
    table = Comparison(
        common["source"],
        _name(common, keys),
        "",
        bool(common["older_draws"]),
        tests,
        rest,
        strata,
        sections,
        notes,
        shown,
        primary,
        common["tested"],
    )
    table.shown = table.shown_in(tests)
    if not table.has(tests):
        metric = shown[0].metric
        notes.append(f"No cell has a score here: {metric.title} ({metric.convention}).")
    table.caption = caption(common, group, table.shown, (row for section in sections for row in section.rows))
    return table


def _sections(group: pd.DataFrame, names: pd.Series, modalities: Sequence[str], scores: list[str]) -> list[Section]:
    """The sections of a table, in order; `names`: those of the data of its cells."""
    sections = []
    for (_, _, pattern, rate, mechanism, gapped), alike in group.groupby(NAMED, sort=True, dropna=False):
        name = names[alike.index[0]]
        words = heading(pattern, modalities, brought(mechanism))
        taken = "complete data" if pattern == COMPLETE else f"{words} at {percent(rate)}"
        parts = [taken, mechanism, f"gaps {gapped}" if gapped else ""]
        several = alike["drawn"].nunique() > 1
        for drawn, part in alike.groupby("drawn", sort=True):
            which = drawn if several else ""
            sections.append(section_of(name, ", ".join(filter(None, [*parts, which])), part, scores))
    return sections


def _data_names(group: pd.DataFrame) -> pd.Series:
    """What the data of each cell are called: the data set, and the beginning of their fingerprint where there are
    several of that name."""
    several = group.groupby("dataset")["data"].transform("nunique") > 1
    return group["dataset"].where(~several, group["dataset"] + " (" + group["data"].str[:6] + ")")


def _name(common: dict, keys: list[dict]) -> str:
    """The name of the table's files: as short as distinguishes it from the other tables of its folder."""
    same = [key for key in keys if key["source"] == common["source"]]
    parts = ["comparison", common["source"]]
    if len({(key["backbone"], key["weights"], key["split"]) for key in same}) > 1:
        parts += [_slug(common["backbone"]), common["weights"][:6], common["split"]]
    parts += [_slug(str(common[name])) for name in ("modalities", "task") if len({key[name] for key in same}) > 1]
    parts += [f"{name}{common[name]}" for name in ("folds", "pool") if len({key[name] for key in same}) > 1]
    if len({key["tested"] for key in same}) > 1 and common["tested"]:
        parts.append(_slug(common["tested"]))
    if common["older_draws"] and not all(key["older_draws"] for key in same):
        parts.append(_slug(OLDER_DRAWS))
    parts += [f"version{common['scored']}"] * (len({key["scored"] for key in same}) > 1)
    return "-".join(part for part in parts if part)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text).strip("-")

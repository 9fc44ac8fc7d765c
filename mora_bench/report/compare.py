"""The comparison: cells aggregated over seeds, never over unequal sets of them."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mora_bench import registry
from mora_bench.cells.cell import OLDER_DRAWS, SCORING_VERSION
from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.data.presence import stratum_names
from mora_bench.missing.masks import patterns
from mora_bench.report.notes import absences, abstentions, aligned, remarks, uncounted
from mora_bench.report.section import APART, FROZEN, SECTION, Section, metrics_of, section
from mora_bench.report.trained import cut_short, in_precision
from mora_bench.tasks.metric import Metric

#: What a readout reads, in words.
READ = {
    "pooler": "its pooler",
    "mean": "the mean of the last block's tokens instead of its pooling",
    "labels": "one attention a label over the last block's tokens instead of its pooling",
}
#: What is said of records that name neither their predictions nor what was trained, and scores that name no record.
NOT_VOUCHED = (
    "From before results folders vouched for themselves: `verify` cannot say whether these records are those of these "
    "scores."
)
OF_NETWORKS = ["backbone", "weights"]
#: Marks a mean that is worse than a floor's.
BELOW = "↓"
#: The names of what stands below a section's rows.
TAKEN, CEILING, RESOLUTION = "samples that lost one, %", "ceiling", "smallest difference told"
SAMPLES, CLASSES = "samples", "classes that all strata have"


@dataclass
class Comparison:
    """One table.

    Attributes:
        source: "real" or "twin"; name: of its files; caption: what a reader needs to know.
        older_draws: whether its cells' splits and masks were drawn by an earlier version.
        metric: what its scores are; curve_metric: what curves over missing rates hold, the task's primary score.
        tests, strata: the scores of its columns, with their headings.
        notes: footnotes.
    """

    source: str
    name: str
    caption: str
    older_draws: bool
    tests: dict[str, str]
    strata: dict[str, str]
    sections: list[Section]
    notes: list[str]
    metric: Metric
    curve_metric: Metric

    @property
    def of_curves(self) -> str:
        """What its curves are, and that they are not what the table shows, if so."""
        if self.curve_metric == self.metric:
            return f"{self.metric.heading} ({self.metric.direction})"
        return (
            f"{self.curve_metric.heading} ({self.curve_metric.direction}; curves hold the task's primary score alone, "
            f"so they are not the {self.metric.title} of the tables)"
        )

    @property
    def grouped(self) -> bool:
        """Whether it has rows of more than one family."""
        return len({row.family for section in self.sections for row in section.rows}) > 1

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
    whole = []
    for key, group in groups:
        beside = (others[shared] == pd.Series(dict(zip(APART, key, strict=True)))[shared]).all(axis=1)
        placed |= beside
        whole.append((key, pd.concat([group, others[beside]])))
    whole += list(others[~placed].groupby(APART, sort=True, dropna=False))
    keys = [dict(zip(APART, key, strict=True)) for key, _ in whole]
    return [_table(own, keys, group) for own, (_, group) in zip(keys, whole, strict=True)]


def _table(own: dict, keys: list[dict], group: pd.DataFrame) -> Comparison:
    modalities = own["modalities"].split(",")
    tests, strata = columns(modalities)
    sections, notes = [], []
    for (dataset, data, pattern, rate, mechanism), part in group.groupby(SECTION, sort=True, dropna=False):
        versions = group[group["dataset"] == dataset]["data"].nunique()
        name = f"{dataset}{f' ({data[:6]})' if versions > 1 else ''}"
        found = section(name, _pattern(pattern, rate, mechanism), part, [*tests, *strata])
        sections.append(found)
        notes += [f"{found.title}, {row.label}: {row.note}." for row in found.rows if row.note]
    tests, strata, dropped = _without_idle(tests, strata, sections)
    metric, primary = metrics_of(group)
    notes += [*dropped, *absences(group, metric), *abstentions(group), *remarks(group), *uncounted(group)]
    notes += aligned(group)
    if not group["vouched"].all():
        notes.append(NOT_VOUCHED)
    if all(math.isnan(row.mean[score]) for one in sections for row in one.rows for score in tests):
        notes.append(f"No cell has a score here: {metric.title} ({metric.convention}).")
    if group[group["trained"]]["hardware"].nunique() > 1:
        notes.append(
            "Step times are left out: the cells ran on different hardware or with different numbers of workers."
        )
        for each in sections:
            for row in each.rows:
                row.cost["step_ms"] = float("nan")
    named = (own["source"], _name(own, keys), _caption(own, group, metric), bool(own["older_draws"]))
    return Comparison(*named, tests, strata, sections, notes, metric, primary)


def columns(modalities: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The scores of a table with their headings: one per test pattern, and one per stratum of the "both" test."""
    tests = {f"score {p}": p if p == COMPLETE else f"{p} missing" for p in patterns(modalities)}
    names = stratum_names(modalities)
    strata = {f"score {EACH} {name}": name.replace("_", " ") for name in [names[-1], *names[:-1]]}
    return tests, strata


def _without_idle(
    tests: dict[str, str], strata: dict[str, str], sections: list[Section]
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """The columns without those of patterns that took nothing from any sample; and what is to be said of that."""
    idle = [
        score for score in tests if not score.endswith(f" {COMPLETE}") and all(s.taken[score] == 0 for s in sections)
    ]
    # Patterns that the files do not know, because they are from before these were tested.
    unknown = [score for score in tests if all(math.isnan(r.mean[score]) for s in sections for r in s.rows)]
    failed = len(unknown) == len(tests)
    kept = {score: own for score, own in tests.items() if score not in idle and (failed or score not in unknown)}
    said = [f"Left out: {tests[score]}; that pattern took nothing from any test sample" for score in idle]
    return kept, {} if f"score {EACH}" in idle else strata, [f"{each}." for each in said]


def _name(own: dict, keys: list[dict]) -> str:
    """The name of the table's files: as short as distinguishes it from the other tables of its folder."""
    same = [key for key in keys if key["source"] == own["source"]]
    parts = ["comparison", own["source"]]
    if len({(key["backbone"], key["weights"], key["split"]) for key in same}) > 1:
        parts += [_slug(own["backbone"]), own["weights"][:6], own["split"]]
    parts += [_slug(str(own[name])) for name in ("modalities", "task") if len({key[name] for key in same}) > 1]
    parts += [f"{name}{own[name]}" for name in ("folds", "pool") if len({key[name] for key in same}) > 1]
    if len({key["tested"] for key in same}) > 1 and own["tested"]:
        parts.append(_slug(own["tested"]))
    if own["older_draws"] and not all(key["older_draws"] for key in same):
        parts.append(_slug(OLDER_DRAWS))
    parts += [f"version{own['scored']}"] * (len({key["scored"] for key in same}) > 1)
    return "-".join(part for part in parts if part)


def _pattern(pattern: str, rate: float, mechanism: str) -> str:
    taken = "complete data" if pattern == COMPLETE else f"{pattern} missing at {rate:.0%}"
    return f"{taken}, {mechanism}" if mechanism else taken


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text).strip("-")


def _caption(own: dict, group: pd.DataFrame, metric: Metric) -> str:
    what = {"real": "Real data.", "twin": "Embedded twins: drawn by this project, not patients."}[own["source"]]
    networks = group[group["trained"]] if group["trained"].any() else group
    seeds = ", ".join(map(str, sorted(networks["seed"].unique().tolist())))
    devices = "; ".join(sorted({_hardware(h) for h in networks["hardware"]}))
    rates = sorted({f"{rate:.0%}" for rate in group["test_rate"].dropna()})
    asked = [p for p in patterns(own["modalities"].split(",")) if p != COMPLETE]
    # Files from before a pattern was tested do not know it; of cells that all failed nothing is known.
    *first, last = [p for p in asked if f"score {p}" in group] or asked
    version = [f"scores of version {own['scored']}, not {SCORING_VERSION}"] * (own["scored"] != SCORING_VERSION)
    told = ", ".join([own["tested"]] * bool(own["tested"]) + version)
    tested = f" ({told})" if told else ""
    task = registry.get(registry.TASKS, own["task"])
    backbone = f"backbone {own['backbone']} ({own['weights']})" if group["on_backbone"].any() else "no network"
    kind = "" if own["task"] == "multi-label" else f" Task: {task.title}."
    rows = "network" if group["network"].any() else "row"
    bold = (
        f" Bold: not told from the best {rows} of its section and column, where another {rows} is (paired tests over "
        f"seeds, 5 % after Holm). {RESOLUTION.capitalize()}: between two {rows}s, with 80 % power; "
        "where pairs differ in that, from the least to the largest."
    )
    ceilings = [name for name in group if str(name).startswith("ceiling ")]
    if group[ceilings].notna().any(axis=None):
        bold += f" {CEILING.capitalize()}: what a reader who misses nothing that is told can expect."
    read = _read(networks)
    frozen = " or with a frozen one" * bool((group["family"] == FROZEN).any())
    floors = f" {BELOW}: worse than the best competitor without a network{frozen}."
    floors *= group["network"].nunique() > 1
    apart = f", seed s tests fold s of {own['folds']}" if own["folds"] else ""
    apart = f", {own['pool']} test samples drawn apart for each seed" if own["pool"] else apart
    backbone += in_precision(networks)
    older = f"{OLDER_DRAWS.capitalize()}: this version draws other splits and masks. " if own["older_draws"] else ""
    projected = "projection" in group and group["projection"].notna().any()
    own_parts = "pooler and projection of pictures" if projected else "pooler"
    apart_from = ", without the picture network, which runs once per picture" if projected else ""
    return (
        f"{older}{what}{kind} {metric.heading} ({metric.direction}) on the test split, mean ± standard deviation over "
        f"seeds {seeds}; tested on complete data and with {', '.join(first)} or {last} missing at "
        f"{' or '.join(rates) or 'the training rate'}{tested}.{bold}{floors}{cut_short(group)} Split by "
        f"{own['split']}{apart}; {backbone}{read}. Share: trained parameters in % of the model (adapter; adapter + "
        f"classifier; all, {own_parts} included). GFLOPs per sample, multiply-add = 2{apart_from}: forward pass; "
        "training step (forward + backward). "
        f"Step: median ms. Device: {devices}."
    )


def _read(networks: pd.DataFrame) -> str:
    """What the classifier reads, where that is not what the backbone was published with."""
    if "recipe.readout" not in networks:
        return ""
    asked = sorted(set(networks["recipe.readout"].dropna()) - {""})
    rows = "" if len(set(networks["recipe.readout"].dropna())) == 1 else " where a row says so"
    return f", read by {' or '.join(READ[name] for name in asked)}{rows}" if asked else ""


def _hardware(raw: str) -> str:
    device, threads, workers, *ways = json.loads(raw)
    return ", ".join([device, f"{workers} cells at once, {threads} thread{'s' if threads > 1 else ''} each", *ways])

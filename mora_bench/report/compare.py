"""The comparison: cells aggregated over seeds, never over unequal sets of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from mora_bench import registry
from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.data.presence import stratum_names
from mora_bench.missing.masks import patterns
from mora_bench.report.frame import IDENTITY

#: Cells that differ in one of these fields never share a table. A competitor without a network is in the tables of all
#: backbones.
APART = ["source", "backbone", "weights", "split", "modalities", "task", "tested"]
OF_NETWORKS = ["backbone", "weights"]
SECTION = ["dataset", "data", "missing", "rate", "mechanism"]
COSTS = ("share_adapter", "share_adapter_head", "share_total", "gflops_forward", "gflops_step", "step_ms")
#: Marks a mean that is below a floor's.
BELOW = "↓"
#: Groups of rows, in this order; others follow by name.
FAMILIES = ("no network", "fine-tuning", "low-rank", "missing-aware", "MoRA")


@dataclass
class Row:
    """One line of a table: a method under one set of axes, over its seeds.

    Attributes:
        label: method and whatever distinguishes it from the other rows of the method in its section.
        family: its group of rows, "" if no record names one.
        mean, std: by score; std is the sample standard deviation over seeds, NaN for one seed.
        network: False for competitors without a network, the section's floors.
        best: the scores for which no complete row of the section has a higher mean.
        below: the scores for which a complete floor has a higher mean; empty for floors.
        note: why the row is not complete, or "".
    """

    label: str
    mean: dict[str, float]
    std: dict[str, float]
    cost: dict[str, float]
    seeds: int
    note: str = ""
    family: str = ""
    network: bool = True
    best: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)


@dataclass
class Section:
    """The rows that are compared with each other: one dataset, one training pattern and rate."""

    title: str
    rows: list[Row]
    seeds: list[int]


@dataclass
class Comparison:
    """One table.

    Attributes:
        source: "real" or "twin"; name: of its files; caption: what a reader needs to know.
        tests, strata: the scores of its columns, with their headings.
        notes: footnotes.
    """

    source: str
    name: str
    caption: str
    tests: dict[str, str]
    strata: dict[str, str]
    sections: list[Section]
    notes: list[str]

    @property
    def grouped(self) -> bool:
        """Whether it has rows of more than one family."""
        return len({row.family for section in self.sections for row in section.rows}) > 1


def compare(cells: pd.DataFrame) -> list[Comparison]:
    """Tables from `frame.cells`, one per source, backbone, kind of split, set of modalities, task and protocol."""
    if cells.empty:
        return []
    networks, others = cells[cells["network"]], cells[~cells["network"]]
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
        section = _section(part, [*tests, *strata])
        versions = group[group["dataset"] == dataset]["data"].nunique()
        name = f"{dataset}{f' ({data[:6]})' if versions > 1 else ''}"
        section.title = f"{name}, trained on {_pattern(pattern, rate, mechanism)}"
        sections.append(section)
        notes += [f"{section.title}, {row.label}: {row.note}." for row in section.rows if row.note]
    notes += _abstentions(group)
    if group[group["network"]]["hardware"].nunique() > 1:
        notes.append(
            "Step times are left out: the cells ran on different hardware or with different numbers of workers."
        )
        for section in sections:
            for row in section.rows:
                row.cost["step_ms"] = float("nan")
    return Comparison(own["source"], _name(own, keys), _caption(own, group), tests, strata, sections, notes)


def columns(modalities: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The scores of a table with their headings: one per test pattern, and one per stratum of the "both" test."""
    tests = {f"score {p}": p if p == COMPLETE else f"{p} missing" for p in patterns(modalities)}
    names = stratum_names(modalities)
    strata = {f"score {EACH} {name}": name.replace("_", " ") for name in [names[-1], *names[:-1]]}
    return tests, strata


def _abstentions(group: pd.DataFrame) -> list[str]:
    said = group[["method", "abstains"]].drop_duplicates()
    return [f"{method} abstains {why}." for method, why in said.itertuples(index=False) if why]


def _name(own: dict, keys: list[dict]) -> str:
    """The name of the table's files: as short as distinguishes it from the other tables of its folder."""
    same = [key for key in keys if key["source"] == own["source"]]
    parts = ["comparison", own["source"]]
    if len({(key["backbone"], key["weights"], key["split"]) for key in same}) > 1:
        parts += [_slug(own["backbone"]), own["weights"][:6], own["split"]]
    parts += [_slug(str(own[name])) for name in ("modalities", "task") if len({key[name] for key in same}) > 1]
    if len({key["tested"] for key in same}) > 1 and own["tested"]:
        parts.append(_slug(own["tested"]))
    return "-".join(part for part in parts if part)


def _pattern(pattern: str, rate: float, mechanism: str) -> str:
    taken = "complete data" if pattern == COMPLETE else f"{pattern} missing at {rate:.0%}"
    return f"{taken}, {mechanism}" if mechanism else taken


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text).strip("-")


def _section(part: pd.DataFrame, scores: list[str]) -> Section:
    # A table compares networks; of the other competitors it shows the same seeds.
    reference = part[part["network"]] if part["network"].any() else part
    expected = sorted(reference["seed"].unique().tolist())
    part = part[part["seed"].isin(expected)]
    recipe = [column for column in part.columns if column.startswith("recipe.")]
    identity = [c for c in (*IDENTITY, *recipe) if c not in (*APART, *SECTION)]
    rows = []
    for _, cells in part.groupby(identity, sort=False, dropna=False):
        done = cells[cells["status"] == "done"]
        row = Row(
            label=_label(cells.iloc[0], part, identity),
            mean={s: _over_seeds(done, s).mean() for s in scores},
            std={s: _over_seeds(done, s).std(ddof=1) for s in scores},
            cost={c: _over_seeds(done, c).mean() for c in COSTS},
            seeds=len(done),
            family=max(cells["family"]),
            network=bool(cells["network"].iloc[0]),
        )
        missing = sorted(set(expected) - set(done["seed"]))
        if missing:
            failed = cells[cells["status"] == "failed"]
            why = f" ({'; '.join(sorted(set(failed['error'])))})" if len(failed) else " (not run)"
            row.note = f"no result for seed {', '.join(map(str, missing))}{why}; not compared"
        rows.append(row)
    rows.sort(key=lambda row: (row.family not in FAMILIES, _place(row.family), row.label))
    whole = [row for row in rows if not row.note]
    for score in scores:
        known = [row.mean[score] for row in whole if row.mean[score] == row.mean[score]]
        floors = [row.mean[score] for row in whole if not row.network and row.mean[score] == row.mean[score]]
        for row in whole:
            if known and row.mean[score] == max(known):
                row.best.add(score)
            if floors and row.network and row.mean[score] < max(floors):
                row.below.add(score)
    return Section("", rows, expected)


def _place(family: str) -> str:
    return str(FAMILIES.index(family)) if family in FAMILIES else family


def _over_seeds(done: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(done[column]) if column in done else pd.Series(dtype=float)


def _label(first: pd.Series, part: pd.DataFrame, identity: list[str]) -> str:
    """The method's name, its axes, and every field that differs between the method's cells in the section."""
    label = str(first["method"])
    same = part[part["method"] == first["method"]]
    shown = []
    if not pd.isna(first["rank"]):
        shown.append(f"r={int(first['rank'])}")
    if not pd.isna(first["blocks"]):
        shown.append(f"blocks {_ranges(str(first['blocks']))}")
    if first["knobs"]:
        shown.append(first["knobs"])
    for name in identity:
        if name in ("method", "rank", "blocks", "knobs"):
            continue
        if name == "impute_version" and same[same["impute"] == first["impute"]][name].nunique() == 1:
            continue
        of_networks = part[part["network"]][name].nunique() > 1 and bool(first["network"])
        if same[name].nunique(dropna=False) > 1 or (name == "impute" and of_networks):
            value = first[name]
            shown.append(
                f"{name.removeprefix('recipe.')}={value:g}"
                if isinstance(value, float)
                else f"{name.removeprefix('recipe.')}={value}"
            )
    return label + (f" ({', '.join(shown)})" if shown else "")


def _ranges(blocks: str) -> str:
    """ "0,1,2,5" -> "0-2,5"."""
    numbers = [int(b) for b in blocks.split(",")]
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _caption(own: dict, group: pd.DataFrame) -> str:
    what = {"real": "Real data.", "twin": "Embedded twins: drawn by this project, not patients."}[own["source"]]
    networks = group[group["network"]] if group["network"].any() else group
    seeds = ", ".join(map(str, sorted(networks["seed"].unique().tolist())))
    devices = "; ".join(sorted({_hardware(h) for h in networks["hardware"]}))
    rates = sorted({f"{rate:.0%}" for rate in group["test_rate"].dropna()})
    *first, last = [p for p in patterns(own["modalities"].split(",")) if p != COMPLETE]
    tested = f" ({own['tested']})" if own["tested"] else ""
    task = registry.get(registry.TASKS, own["task"])
    backbone = f"backbone {own['backbone']} ({own['weights']})" if group["network"].any() else "no network"
    metrics = group["metric"].dropna().unique() if "metric" in group else []
    shown = str(metrics[0]) if len(metrics) else task.primary
    kind = "" if own["task"] == "multi-label" else f" Task: {task.title}."
    floors = f" {BELOW}: below the best competitor without a network." if group["network"].nunique() > 1 else ""
    return (
        f"{what}{kind} {task.metrics[shown]} x 100 on the test split, mean ± standard deviation over seeds "
        f"{seeds}; tested on complete data and with {', '.join(first)} or {last} missing at "
        f"{' or '.join(rates) or 'the training rate'}{tested}. Best mean of a section in bold.{floors} Split by "
        f"{own['split']}; {backbone}. Share: trained parameters in % of the model (adapter; adapter + classifier; all, "
        "pooler included). GFLOPs per sample, multiply-add = 2: forward pass; training step (forward + backward). "
        f"Step: median ms. Device: {devices}."
    )


def _hardware(raw: str) -> str:
    device, threads, workers, *ways = json.loads(raw)
    return ", ".join([device, f"{workers} cells at once, {threads} thread{'s' if threads > 1 else ''} each", *ways])

"""The comparison: cells aggregated over seeds, never over unequal sets of them."""

from dataclasses import dataclass, field

import pandas as pd

from mora_bench.report.frame import IDENTITY, PATTERNS, STRATA

#: Two kinds of cells never meet in one table; these fields keep them apart.
APART = ["source", "backbone", "weights", "split"]
SECTION = ["dataset", "data", "missing", "rate"]
COSTS = ("share_adapter", "share_adapter_head", "share_total", "gflops_forward", "gflops_step", "step_ms")
#: Groups of rows, in this order; others follow by name.
FAMILIES = ("fine-tuning", "low-rank", "missing-aware", "MoRA")
SCORES = [f"f1 {pattern}" for pattern in PATTERNS] + [f"f1 {p} {s}" for p in PATTERNS for s in STRATA]


@dataclass
class Row:
    """One line of a table: a method under one set of axes, over its seeds.

    Attributes:
        label: method and whatever distinguishes it from the other rows of the method in its section.
        family: the group of rows it stands in, "" if no record says.
        mean, std: by score; std is the sample standard deviation over seeds, NaN for one seed.
        best: scores in which no complete row of the section has a higher mean.
        note: why the row is not complete, or "".
    """

    label: str
    mean: dict[str, float]
    std: dict[str, float]
    cost: dict[str, float]
    seeds: int
    note: str = ""
    family: str = ""
    best: set[str] = field(default_factory=set)


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
        source: "real" or "twin"; name: of its files; caption: what a reader must know.
        notes: footnotes.
    """

    source: str
    name: str
    caption: str
    sections: list[Section]
    notes: list[str]

    @property
    def grouped(self) -> bool:
        """Whether rows of more than one family stand in it."""
        return len({row.family for section in self.sections for row in section.rows}) > 1


def compare(cells: pd.DataFrame) -> list[Comparison]:
    """Tables from `frame.cells`, one for each source, backbone and kind of split."""
    groups = list(cells.groupby(APART, sort=True, dropna=False))
    tables = []
    for (source, backbone, weights, split), group in groups:
        twins = [key for key, _ in groups if key[0] == source]
        name = f"comparison-{source}" + ("" if len(twins) == 1 else f"-{_slug(backbone)}-{weights[:6]}-{split}")
        sections, notes = [], []
        for (dataset, data, pattern, rate), part in group.groupby(SECTION, sort=True, dropna=False):
            section = _section(part)
            versions = group[group["dataset"] == dataset]["data"].nunique()
            section.title = f"{dataset}{f' ({data[:6]})' if versions > 1 else ''}, trained on {_pattern(pattern, rate)}"
            sections.append(section)
            notes += [f"{section.title}, {row.label}: {row.note}." for row in section.rows if row.note]
        one_machine = group["hardware"].nunique() == 1
        if not one_machine:
            notes.append(
                "Step times are left out: the cells ran on different hardware or with different numbers of workers."
            )
            for section in sections:
                for row in section.rows:
                    row.cost["step_ms"] = float("nan")
        tables.append(Comparison(source, name, _caption(source, backbone, weights, split, group), sections, notes))
    return tables


def _pattern(pattern: str, rate: float) -> str:
    return "complete data" if pattern == "complete" else f"{pattern} missing at {rate:.0%}"


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in text).strip("-")


def _section(part: pd.DataFrame) -> Section:
    expected = sorted(part["seed"].unique().tolist())
    recipe = [column for column in part.columns if column.startswith("recipe.")]
    identity = [c for c in (*IDENTITY, *recipe) if c not in (*APART, *SECTION)]
    rows = []
    for _, cells in part.groupby(identity, sort=False, dropna=False):
        done = cells[cells["status"] == "done"]
        row = Row(
            label=_label(cells.iloc[0], part, identity),
            mean={s: _over_seeds(done, s).mean() for s in SCORES},
            std={s: _over_seeds(done, s).std(ddof=1) for s in SCORES},
            cost={c: _over_seeds(done, c).mean() for c in COSTS},
            seeds=len(done),
            family=max(cells["family"]),
        )
        missing = sorted(set(expected) - set(done["seed"]))
        if missing:
            failed = cells[cells["status"] == "failed"]
            why = f" ({'; '.join(sorted(set(failed['error'])))})" if len(failed) else " (not run)"
            row.note = f"no result for seed {', '.join(map(str, missing))}{why}; not compared"
        rows.append(row)
    rows.sort(key=lambda row: (row.family not in FAMILIES, _place(row.family), row.label))
    whole = [row for row in rows if not row.note]
    for score in SCORES:
        known = [row.mean[score] for row in whole if row.mean[score] == row.mean[score]]
        for row in whole:
            if known and row.mean[score] == max(known):
                row.best.add(score)
    return Section("", rows, expected)


def _place(family: str) -> str:
    return str(FAMILIES.index(family)) if family in FAMILIES else family


def _over_seeds(done: pd.DataFrame, column: str) -> pd.Series:
    return pd.to_numeric(done[column]) if column in done else pd.Series(dtype=float)


def _label(first: pd.Series, part: pd.DataFrame, identity: list[str]) -> str:
    """The method's name, its axes, and every field in which the section holds other cells of the method."""
    label = str(first["method"])
    same = part[part["method"] == first["method"]]
    shown = []
    if not pd.isna(first["rank"]):
        shown.append(f"r={int(first['rank'])}")
    if not pd.isna(first["blocks"]):
        shown.append(f"blocks {_ranges(str(first['blocks']))}")
    for name in identity:
        if name in ("method", "rank", "blocks"):
            continue
        if same[name].nunique(dropna=False) > 1 or (name == "impute" and part[name].nunique() > 1):
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


def _caption(source: str, backbone: str, weights: str, split: str, group: pd.DataFrame) -> str:
    what = {"real": "Real data.", "twin": "Embedded twins: drawn by this project, not patients."}[source]
    seeds = ", ".join(map(str, sorted(group["seed"].unique().tolist())))
    devices = "; ".join(sorted({_hardware(h) for h in group["hardware"]}))
    rates = sorted({f"{rate:.0%}" for rate in group["test_rate"].dropna()}) if "test_rate" in group else []
    return (
        f"{what} F1-macro x 100 on the test split, mean ± standard deviation over seeds {seeds}; tested on complete "
        f"data and with image, text or both missing at {' or '.join(rates) or 'the training rate'}. Best mean of a "
        f"section in bold. Split by {split}; backbone {backbone} ({weights}). Share: trained parameters in % of the "
        "model (adapter; adapter + classifier; all, pooler included). GFLOPs a sample, multiply-add = 2: forward "
        f"pass; training step (forward + backward). Step: median ms. Device: {devices}."
    )


def _hardware(raw: str) -> str:
    import json

    device, threads, workers, *ways = json.loads(raw)
    return ", ".join([device, f"{workers} cells at once, {threads} thread{'s' if threads > 1 else ''} each", *ways])

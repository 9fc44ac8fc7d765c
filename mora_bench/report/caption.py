"""The caption of a table: its scores, data, split, masks, networks and devices."""

import json
from collections.abc import Iterable

import pandas as pd

from mora_bench.cells.cell import OFFICIAL, OLDER_DRAWS, SCORING_VERSION
from mora_bench.cells.missing import COMPLETE, EACH
from mora_bench.missing.masks import patterns
from mora_bench.report.columns import marks
from mora_bench.report.layout import brought, by_number
from mora_bench.report.measures import Measure, heading
from mora_bench.report.row import Row
from mora_bench.report.training_notes import cut_short, ended_early, in_precision
from mora_bench.tasks.named import task_of
from mora_bench.text import number_of, percent

#: The input of the classifier by readout, in words.
READ = {
    "pooler": "the pooler's output",
    "mean": "the mean of the last block's tokens instead of the pooler's output",
    "labels": "one attention per label over the last block's tokens instead of the pooler's output",
}

#: The sides of a split, in the order in which a caption gives their sizes.
SIDES = ("train", "val", "test")


def caption(common: dict, group: pd.DataFrame, shown: tuple[Measure, ...], rows: Iterable[Row]) -> str:
    """The caption of the cells of one table, and of its rows; `common` are the fields that they share."""
    origin = {"real": "Real data.", "twin": "Embedded twins: drawn by this project, not patients."}[common["source"]]
    networks = group[group["trained"]] if group["trained"].any() else group
    seeds = ", ".join(map(str, sorted(networks["seed"].unique().tolist())))
    devices = "; ".join(sorted({_hardware(h) for h in networks["hardware"]}))
    rates = sorted({percent(rate) for rate in group["test_rate"].dropna()})
    version = [f"scores of version {common['scored']}, not {SCORING_VERSION}"] * (common["scored"] != SCORING_VERSION)
    # The rate stands before the bracket.
    protocol = ", ".join(filter(None, [group["tested_besides_rate"].iloc[0], *version]))
    tested = f" ({protocol})" if protocol else ""
    task = task_of(common["task"])
    backbone = f"backbone {common['backbone']} ({common['weights']})" if group["on_backbone"].any() else "no network"
    kind = "" if common["task"] == "multi-label" else f" Task: {task.question}."
    apart = f", seed s tests fold s of {common['folds']}" if common["folds"] else ""
    apart = f", {common['pool']} separate test samples for each seed" if common["pool"] else apart
    split = f"Split by {common['split']}"
    if common["split"] == OFFICIAL:
        split, apart = "Split as published", ", the same for all seeds: intervals do not cover who was tested"
    backbone += in_precision(networks)
    older = f"{OLDER_DRAWS.capitalize()}: this version draws other splits and masks. " if common["older_draws"] else ""
    missing, drawn = _missing(group, common["modalities"].split(","))
    order = " / ".join(measure.metric.brief for measure in shown)
    spread = "mean ± standard deviation" if len(shown) == 1 else f"in each cell in this order ({order}); means"
    projected = "projection" in group and group["projection"].notna().any()
    included = "pooler and projection of pictures" if projected else "pooler"
    apart_from = ", without the picture network, which runs once per picture" if projected else ""
    return (
        f"{older}{origin}{kind} {heading(shown)} on the test split, {spread} over "
        f"seeds {seeds}; tested on complete data and with {missing} at "
        f"{' or '.join(rates) or 'the training rate'}{tested}{drawn}.{marks(group, shown)}"
        f"{cut_short(group)}{ended_early(rows)} "
        f"{split}{apart}{_sizes(group)}; {backbone}{_pictures(networks)}{_read(networks)}{_dropped(networks)}. "
        "Share: trained parameters in % of the model without its adapter (adapter; adapter + classifier; all, "
        f"{included} included). "
        f"GFLOPs per sample, multiply-add = 2{apart_from}: forward pass; training step (forward + backward). "
        f"Step: median ms. Device: {devices}."
    )


def _sizes(group: pd.DataFrame) -> str:
    """The number of samples on each side of a data set, a range where seeds differ."""
    columns = [f"samples.{side}" for side in SIDES]
    if not {*columns} <= {*group}:
        return ""
    known = group.dropna(subset=columns)
    phrases = [
        f"{dataset} {' / '.join(map(span, cells[columns].min(), cells[columns].max()))}"
        for dataset, cells in known.groupby("dataset")
    ]
    return f"; samples for training / validation / testing: {', '.join(phrases)}" if phrases else ""


def _pictures(networks: pd.DataFrame) -> str:
    """The size of pictures where the network sees them."""
    known = networks[networks["pictures"] != ""]
    phrases = [
        f"{dataset} {' or '.join(sorted(set(cells['pictures'])))}"
        for dataset, cells in known.groupby("dataset", sort=True)
    ]
    return f"; pictures as it sees them, at most (height x width): {'; '.join(phrases)}" if phrases else ""


def span(low: float, high: float) -> str:
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _missing(group: pd.DataFrame, modalities: list[str]) -> tuple[str, str]:
    """The modalities missing under the patterns that are columns, in words; and how a sample loses one where each is
    missing in turn, unless a mask that was brought says it."""
    asked = [p for p in patterns(modalities) if p != COMPLETE]
    # Files from before a pattern was tested do not know it; of cells that all failed nothing is known.
    known = [p for p in asked if f"score {p}" in group] or asked
    *first, last = [p for p in known if "+" not in p]
    wording = "both" if len(modalities) < 3 else "in turn"
    drawn = f" ({wording}: each affected sample loses one modality, drawn at random)"
    drawn *= last == EACH and not any(map(brought, group["test_mechanism"]))
    if len(modalities) < 3:
        return f"{', '.join(first)} or {last} missing", drawn
    numbers = " or ".join(name.removeprefix("any ") for name in by_number(known))
    means = (
        f", with each missing in turn, and with any {numbers} missing (means over all sets of so many; each set: CSV)"
    )
    return f"{' or '.join(first)} missing{means if numbers else ''}", drawn


def _read(networks: pd.DataFrame) -> str:
    """The input of the classifier, where it is not the one that the backbone was published with."""
    if "recipe.readout" not in networks:
        return ""
    asked = sorted(set(networks["recipe.readout"].dropna()) - {""})
    rows = "" if len(set(networks["recipe.readout"].dropna())) == 1 else " where a row says so"
    return f"; the classifier reads {' or '.join(READ[name] for name in asked)}{rows}" if asked else ""


def _dropped(networks: pd.DataFrame) -> str:
    """The modality dropout of steps beyond the mask, where there is any."""
    shares = set(networks["recipe.modality_dropout"].dropna()) if "recipe.modality_dropout" in networks else set()
    asked = sorted(shares - {0.0})
    rows = "" if len(shares) == 1 else " where a row says so"
    dropouts = " or ".join(f"{share:g}" for share in asked)
    return f"; modality dropout {dropouts} beyond the training mask{rows}" if asked else ""


def timed_apart(hardware: Iterable[str]) -> str:
    """Why step times of cells cannot be compared; "" if they can."""
    known = [json.loads(raw) for raw in set(hardware)]
    reasons = ["ran on different hardware or with different numbers of workers"]
    reasons *= len({tuple(one[:3]) for one in known}) > 1
    ways = sorted({" and ".join(one[3:]) or "one by one" for one in known})
    reasons += [f"were trained in different ways ({'; '.join(ways)})"] * (len(ways) > 1)
    return " and ".join(reasons)


def _hardware(raw: str) -> str:
    device, threads, workers, *ways = json.loads(raw)
    return ", ".join([device, f"{number_of(workers)} at once, {number_of(threads, 'thread')} each", *ways])

"""The notes below a table, about its cells."""

from statistics import fmean

import pandas as pd

from mora_bench.report.caption import span
from mora_bench.report.measures import Measure
from mora_bench.report.section import SD_OVER_DRAWS

#: The score in which a class without samples counts as 0.
COUNTS_ABSENT = "f1_macro"
#: The method that trains pooler and classifier alone.
HEAD = "head"
#: How the column of tables is called that says how far draws of what is missing lie apart.
OVER_DRAWS = "SD over draws"


def absences(group: pd.DataFrame, shown: tuple[Measure, ...]) -> list[str]:
    """Modalities that no sample has, and classes that no test sample has."""
    if "absent" not in group:
        return []
    notes = []
    for dataset, cells in group.dropna(subset=["absent"]).groupby("dataset"):
        names = sorted({name for names in cells["absent"] for name in names.split(",") if name})
        notes += [f"{dataset}: {name} is absent from all test samples." for name in names]
        lacking: dict[str, list[float]] = {}
        for lacks in cells.get("lacks", []):
            for name, share in lacks.items() if isinstance(lacks, dict) else []:
                lacking.setdefault(name, []).append(share)
        notes += [
            f"{dataset}: {100 * fmean(shares):.0f} % of test samples have no {name} in the data, also under 'complete'."
            for name, shares in lacking.items()
        ]
        empty = cells[cells["empty_classes"] > 0].drop_duplicates("seed").sort_values("seed")
        for seed, count, classes in empty[["seed", "empty_classes", "classes"]].itertuples(index=False):
            sentence = f"{dataset}, seed {seed}: {count:.0f} of {classes:.0f} classes have no test sample"
            # Means of other scores are taken over the classes that there are.
            metric = next((measure.metric for measure in shown if measure.name == COUNTS_ABSENT), None)
            capped = f", so {metric.title} cannot exceed {metric.shown(1 - count / classes)}" if metric else ""
            notes.append(f"{sentence}{capped}.")
    return notes


def weighting(group: pd.DataFrame) -> list[str]:
    """The data sets whose training samples are drawn by weights, and what they are worth."""
    notes = []
    for dataset, cells in group.dropna(subset=["worth"]).groupby("dataset"):
        count, worth = (span(cells[name].min(), cells[name].max()) for name in ("samples.train", "worth"))
        notes.append(
            f"{dataset}: training draws samples in proportion to the weights of its table; {count} training samples "
            f"tell as much as {worth} of equal weight (Kish's effective size). Every score counts each sample once."
        )
    return notes


def unread(group: pd.DataFrame) -> list[str]:
    """What of its texts a backbone does not read; baselines on words read them whole."""
    rows = group.loc[group["on_backbone"], ["dataset", "backbone", "texts"]].drop_duplicates()
    return [f"{dataset}: {what} ({backbone})." for dataset, backbone, what in rows.itertuples(index=False) if what]


def embedders(group: pd.DataFrame) -> list[str]:
    """The share of adapters that every method trains: what `head`, which has no adapter, trains as one."""
    if "share_adapter" not in group:
        return []
    rows = group.loc[(group["method"] == HEAD) & (group["share_adapter"] > 0), ["dataset", "share_adapter"]]
    return [
        f"{dataset}: adapter % counts what every method trains for contents that the backbone does not know "
        f"(embedders, a row that tells a second text or picture apart): {share:.3f} % here, as {HEAD} shows."
        for dataset, share in rows.groupby("dataset")["share_adapter"].mean().items()
    ]


def gaps(group: pd.DataFrame) -> list[str]:
    """The share of each signal that was measured, and that is left where gaps are taken."""
    rows = group[["dataset", "signals"]].drop_duplicates()
    return [f"{dataset}: {what}." for dataset, what in rows.itertuples(index=False) if what]


def abstentions(group: pd.DataFrame) -> list[str]:
    rows = group[["method", "abstains"]].drop_duplicates()
    return [f"{method} abstains {why}." for method, why in rows.itertuples(index=False) if why]


def remarks(group: pd.DataFrame) -> list[str]:
    rows = group[["method", "remark"]].drop_duplicates()
    return [f"{method} {remark}." for method, remark in rows.itertuples(index=False) if remark]


def adapting(group: pd.DataFrame) -> list[str]:
    """How rows that adapt at test do so."""
    rows = group[["method", "adapts"]].drop_duplicates()
    return [
        f"{method} adapts at test: it {how}, without labels." for method, how in rows.itertuples(index=False) if how
    ]


def drawing(group: pd.DataFrame) -> list[str]:
    """The rows that draw what is missing, and how far their draws lie apart."""
    if SD_OVER_DRAWS not in group:
        return []
    methods = ", ".join(sorted(group.loc[group[SD_OVER_DRAWS].notna(), "method"].unique()))
    return [
        f"{OVER_DRAWS} ({methods}): the standard deviation of a probability over draws of what is missing, in "
        "percentage points, mean over test samples and labels; samples that lack nothing count, with 0."
    ]


def uncounted(group: pd.DataFrame) -> list[str]:
    """The parts that the GFLOPs of each method leave out, because they could not be counted."""
    if "uncounted" not in group:
        return []
    rows = group[["method", "uncounted"]].dropna().drop_duplicates()
    return [
        f"GFLOPs of {', '.join(methods)} do not include {what}, which could not be counted."
        for what, methods in rows.groupby("uncounted", sort=False)["method"]
        if what
    ]


def aligned(group: pd.DataFrame) -> list[str]:
    """The number of samples on which projections were aligned that then stayed frozen, by dataset."""
    if "pairs" not in group:
        return []
    notes = []
    for dataset, cells in group[group["pairs"] > 0].groupby("dataset"):
        counts = sorted({f"{cells['pairs'].min():.0f}", f"{cells['pairs'].max():.0f}"}, key=int)
        notes.append(
            f"{dataset}: the projection of pictures was fitted once on {' to '.join(counts)} complete training "
            "samples, without labels, and then frozen; it does not count as trained."
        )
    return notes

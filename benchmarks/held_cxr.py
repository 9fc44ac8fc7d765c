"""What the tables of Indiana CXR hold: texts that repeat, absences and lengths that tell its labels."""

from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from held_counts import Sheet, auroc, facts, forest_auroc, percent, share

from mora_bench.data import splits
from mora_bench.data.readers import cxr

#: What stands for a word that was taken out.
REMOVED = "XXXX"
#: A label, and the word by which reports name it, or deny it.
WORDS = {
    "Pleural Effusion": "effusion", "Airspace Disease": "airspace disease", "Cardiomegaly": "cardiomegaly",
    "Opacity": "opacit", "Nodule": "nodul", "Pulmonary Atelectasis": "atelecta", "Scoliosis": "scoliosis",
}  # fmt: skip


class Cxr:
    """Both tables as published."""

    def __init__(self, root: Path):
        self.root = root
        published = cxr.published(root)
        self.reports, self.projections = published.reports, published.projections
        self.texts = pd.Series(cxr.texts(self.reports))
        self.targets = cxr.targets(self.reports) == 1
        self.normal = (self.reports["Problems"] == "normal").to_numpy()

    def empty(self, column: str) -> np.ndarray:
        return (self.reports[column].str.strip() == "").to_numpy()

    def films(self, view: str) -> np.ndarray:
        """How many films of a view each report has."""
        counts = Counter(self.projections["uid"][self.projections["projection"] == view])
        return np.array([counts[uid] for uid in self.reports["uid"]])


@lru_cache(maxsize=1)
def read(root: Path) -> Cxr:
    return Cxr(root)


def absent(root: Path) -> Sheet:
    data = read(root)
    findings, impression = data.empty("findings"), data.empty("impression")
    kinds = {
        "all": np.ones(len(data.texts), bool), "without findings": findings, "without impression": impression,
        "without either": findings & impression, "with both": ~findings & ~impression,
        f"with {REMOVED}": data.texts.str.contains(REMOVED).to_numpy(),
        "indexed by nobody (No Indexing)": (data.reports["Problems"] == "No Indexing").to_numpy(),
        "none of the 20 labels": ~data.targets.any(1),
    }  # fmt: skip
    rows = [
        [name, str(selected.sum()), percent(int(selected.sum()), len(selected)), share(data.normal[selected])]
        for name, selected in kinds.items()
    ]
    return Sheet(("reports", "count", "of all", "normal among them"), rows)


def lengths(root: Path) -> Sheet:
    data = read(root)
    letters = data.texts.str.len().to_numpy()
    rows = [["normal (shorter)", str(data.normal.sum()), auroc(data.normal, -letters)]]
    rows += [
        [f"{label} (longer)", str(truth.sum()), auroc(truth, letters)]
        for label, truth in zip(cxr.LABELS, data.targets.T, strict=True)
    ]
    return Sheet(("label", "reports", "AUROC of the number of letters"), rows)


def repeats(root: Path) -> Sheet:
    data, table = read(root), cxr.read(root)
    texts = data.texts[data.texts != ""]
    sizes = texts.value_counts()
    sizes = sizes[sizes > 1]
    problems = data.reports["Problems"]
    other = sum(problems[data.texts == text].nunique() > 1 for text in sizes.index)
    words = table.modalities["text"].values
    known, alike = [], []
    for fold in range(10):
        parts = splits.split(table.group_tokens, data="cxr real", unit="patient", seed=fold, folds=10)
        of_text: dict[str, set[bytes]] = {}
        for row in parts["train"].tolist():
            of_text.setdefault(words[row], set()).add(table.targets[row].tobytes())
        known += [words[row] in of_text for row in parts["test"].tolist()]
        alike += [table.targets[row].tobytes() in of_text[words[row]] for row in parts["test"] if words[row] in of_text]
    return facts([
        ("reports with a text", len(texts)),
        ("reports that share their whole text with another patient's", percent(int(sizes.sum()), len(texts))),
        ("texts that repeat", len(sizes)),
        ("reports of the text that repeats most", int(sizes.max())),
        ("normal among those of a text that repeats", share(data.normal[data.texts.isin(sizes.index)])),
        ("repeated texts of other Problems", int(other)),
        ("test rows whose text stands in training, ten folds by patient", share(np.array(known))),
        ("of them, rows whose labels a training row of that text has", share(np.array(alike))),
    ])  # fmt: skip


def films(root: Path) -> Sheet:
    data = read(root)
    frontal, lateral = data.films("Frontal"), data.films("Lateral")
    kinds = {
        "no frontal film (left out)": frontal == 0, "one frontal film": frontal == 1,
        "two to four frontal films": frontal > 1, "no lateral film": lateral == 0,
        "both views": (frontal > 0) & (lateral > 0),
    }  # fmt: skip
    rows = [[name, str(selected.sum()), share(data.normal[selected])] for name, selected in kinds.items()]
    return Sheet(("reports with", "count", "normal among them"), rows)


def problems(root: Path) -> Sheet:
    data = read(root)
    counts = Counter(name.strip() for names in data.reports["Problems"] for name in names.split(";"))
    folded = Counter(name.lower() for name in counts)
    twice = [name for name in counts if folded[name.lower()] > 1]
    ours = [name for name in twice if name not in cxr.LABELS and name.lower() in map(str.lower, cxr.LABELS)]
    return facts([
        ("distinct Problems", len(counts)),
        ("of them twice by case", ", ".join(f"{name} ({counts[name]})" for name in sorted(twice))),
        ("reports that lack one of the 20 labels by case alone", sum(counts[name] for name in ours)),
        ("reports of no indexing, which count as lacking all labels", counts["No Indexing"]),
    ])  # fmt: skip


def names(root: Path) -> Sheet:
    """What the uid and the names of the frontal films tell."""
    data = read(root)
    first = data.projections[data.projections["projection"] == "Frontal"].drop_duplicates("uid")
    frame = data.reports[["uid"]].reset_index().merge(first, on="uid")
    rows_, uid = frame["index"].to_numpy(), frame["uid"].astype(int).to_numpy()
    series = pd.factorize(frame["filename"].str.extract(r"IM-\d+-(.*?)\.dcm")[0])[0]
    asked = {"normal": data.normal, "two to four frontal films": data.films("Frontal") > 1}
    asked |= {
        label: data.targets[:, cxr.LABELS.index(label)] for label in ("Lung", "Opacity", "Cardiomegaly", "Deformity")
    }
    rows = [
        [name, forest_auroc(truth[rows_], uid[:, None]), forest_auroc(truth[rows_], np.eye(series.max() + 1)[series])]
        for name, truth in asked.items()
    ]
    return Sheet(("of", "AUROC of the uid", "of the series number in the file's name"), rows)


def named(root: Path) -> Sheet:
    data = read(root)
    rows = []
    for label, word in WORDS.items():
        hits = data.texts.str.lower().str.contains(word).to_numpy()
        truth = data.targets[:, cxr.LABELS.index(label)]
        rows.append(
            [label, word, share(hits[truth]), share(hits[~truth]), percent(int((hits & truth).sum()), int(hits.sum()))]
        )
    headers = (
        "label",
        "word",
        "in reports with the label",
        "without it",
        "with the label, of those with the word",
    )
    return Sheet(headers, rows)


TABLES = {
    "cxr-absent": absent, "cxr-length": lengths, "cxr-films": films, "cxr-repeats": repeats, "cxr-problems": problems,
    "cxr-named": named, "cxr-names": names,
}  # fmt: skip

"""What the table of ODIR-5K holds: words, numbers and absences that tell its labels."""

import re
from collections import Counter
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from held_counts import Sheet, auroc, facts, forest_auroc, percent, share
from mora_baselines.linear import Linear
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import chi2

from mora_bench.data import splits
from mora_bench.data.readers import frames, odir
from mora_bench.data.readers.odir_same_eyes import GROUPS
from mora_bench.data.table import Table
from mora_bench.tasks.multilabel import MultiLabel

#: Keywords that say nothing of a label, and the words by which the others name one.
SILENT = {
    "normal fundus", "lens dust", "low image quality", "optic disk photographically invisible",
    "anterior segment image", "no fundus image", "image offset",
}  # fmt: skip
NAMED = {
    "glaucoma": "G", "cataract": "C", "age-related": "A", "hypertensive": "H", "myopi": "M", "diabetic": "D",
    "proliferative": "D",
}  # fmt: skip
#: Kaggle's table, and the comma of the keywords of 954 eyes.
KAGGLE, WIDE = "full_df.csv", "，"  # noqa: RUF001
#: IDs in a block.
BLOCK = 500
#: How often patients are split, to see what a split parts.
SEEDS = 100
#: Words that are left, and the inverse strength of the regressions' penalty, as the competitor `tfidf` has it.
TERMS, STRENGTH = 12, 100.0


class Odir:
    """The public table, and its reader's."""

    def __init__(self, root: Path):
        self.root = root
        self.frame = frames.frame(odir.find(root) or root, odir.COLUMNS)
        self.targets = self.frame[list(odir.LABELS)].to_numpy().astype(int)
        self.left, self.right = (list(self.frame[name]) for name in (odir.LEFT_WORDS, odir.RIGHT_WORDS))
        self.ids = self.frame["ID"].astype(int).to_numpy()

    @cached_property
    def table(self) -> Table:
        return odir.read(self.root)

    @cached_property
    def pictures(self) -> np.ndarray:
        """How many pictures each patient has."""
        return np.array([sum(eye is not None for eye in pair) for pair in self.table.modalities["image"].values])

    def having(self, label: str) -> np.ndarray:
        return self.targets[:, odir.LABELS.index(label)] == 1


@lru_cache(maxsize=1)
def read(root: Path) -> Odir:
    return Odir(root)


def labels_of(text: str, comma: str = f"[,{WIDE}]") -> set[str]:
    """The labels that the keywords of an eye name; none is that of a normal one."""
    labels: set[str] = set()
    for keyword in filter(None, map(str.strip, re.split(comma, text))):
        if keyword not in SILENT:
            labels |= {label for word, label in NAMED.items() if word in keyword} or {"O"}
    return labels


def wrong(data: Odir, comma: str = f"[,{WIDE}]") -> np.ndarray:
    """Where the rule is wrong, bool [patients, labels]."""
    predicted = [labels_of(a, comma) | labels_of(b, comma) or {"N"} for a, b in zip(data.left, data.right, strict=True)]
    return np.array([[label in labels for label in odir.LABELS] for labels in predicted]) != (data.targets == 1)


def rule(root: Path) -> Sheet:
    data = read(root)
    both, ascii_ = wrong(data), wrong(data, ",")
    words = {label: " or ".join(word for word, meaning in NAMED.items() if meaning == label) for label in odir.LABELS}
    words |= {"N": "no other keyword", "O": "any other keyword"}
    rows = [
        [label, words[label], str(data.targets[:, c].sum()), str(both[:, c].sum()), str(ascii_[:, c].sum())]
        for c, label in enumerate(odir.LABELS)
    ]
    cells = f"{both.size:,}"
    rows.append(["all", f"of {cells} labels", str(data.targets.sum()), str(both.sum()), str(ascii_.sum())])
    return Sheet(("label", "has it where a keyword holds", "patients", "wrong", 'wrong if split at "," alone'), rows)


def texts(root: Path) -> Sheet:
    data = read(root)
    keywords = data.table.modalities["text"].values
    again = []
    for fold in range(10):
        parts = _split(data, fold, folds=10)
        known = {keywords[row] for row in parts["train"]}
        again += [keywords[row] in known for row in parts["test"]]
    counts = data.targets.sum(1)
    eyes = [*data.left, *data.right]
    return facts([
        ("patients", len(keywords)),
        ("distinct texts", len(set(keywords))),
        ("distinct texts of an eye", len(set(eyes))),
        ("test texts that stand in training, ten folds by patient", share(np.array(again))),
        ('eyes whose keywords are split by the full-width comma', sum(WIDE in eye for eye in eyes)),
        ('eyes whose keywords are split by ","', sum("," in eye for eye in eyes)),
        ("patients with more than one label", int((counts > 1).sum())),
        ("patients with N and another", int((data.having("N") & (counts > 1)).sum())),
        ("patients whose two eyes have other labels", share(np.array(
            [labels_of(a) != labels_of(b) for a, b in zip(data.left, data.right, strict=True)]
        ))),
        ("patients with one picture", int((data.pictures == 1).sum())),
        ("of them, labels that only the absent eye's keywords name", _unseen(data)),
    ])  # fmt: skip


def _unseen(data: Odir) -> str:
    """Of patients with one picture those with a label that the pictured eye does not have."""
    unseen = []
    for row in np.flatnonzero(data.pictures == 1):
        pictured, absent = data.left[row], data.right[row]
        if data.table.modalities["image"].values[row][0] is None:
            pictured, absent = absent, pictured
        unseen.append(bool(labels_of(absent) - labels_of(pictured)))
    return share(np.array(unseen))


def terms(root: Path) -> Sheet:
    """What a dozen words leave of the F1 of counting all of them: of each label in turn the next that tells it most."""
    data = read(root)
    scores = []
    for seed in range(3):
        parts = _split(data, seed)
        texts_ = [[data.table.modalities["text"].values[row] for row in parts[name]] for name in ("train", "test")]
        words = TfidfVectorizer(sublinear_tf=True, min_df=2).fit(texts_[0])
        train, test = map(words.transform, texts_)
        wanted, held = (data.table.targets[parts[name]] for name in ("train", "test"))
        orders = [np.argsort(-chi2(train > 0, column)[0], kind="stable") for column in wanted.T]
        few = list(dict.fromkeys(chain.from_iterable(zip(*orders, strict=True))))[:TERMS]
        scores.append([_f1(train, wanted, test, held), _f1(train[:, few], wanted, test[:, few], held)])
    rows = [[str(seed), *(f"{100 * value:.1f}" for value in pair)] for seed, pair in enumerate(scores)]
    return Sheet(("seed", "F1-macro x 100 of all words", f"of {TERMS} words"), rows)


def _f1(train: Any, wanted: np.ndarray, test: Any, held: np.ndarray) -> float:
    logits = MultiLabel().logits(Linear(STRENGTH).fit(train, wanted).predict(test))
    return MultiLabel().scores(held, logits)["f1_macro"]


def ids(root: Path) -> Sheet:
    data = read(root)
    cut = int(0.8 * len(data.ids))
    rows = []
    for label in odir.LABELS:
        truth = data.having(label)
        first, last = (percent(int(part.sum()), len(part)) for part in (truth[:cut], truth[cut:]))
        rows.append([label, forest_auroc(truth, data.ids[:, None]), first, last])
    return Sheet(("label", "AUROC of the ID", "of the first 80 % of rows", "of the last 20 %"), rows)


def blocks(root: Path) -> Sheet:
    data = read(root)
    wide = np.array([WIDE in a + b for a, b in zip(data.left, data.right, strict=True)])
    rows = []
    for start in range(0, int(data.ids.max()) + 1, BLOCK):
        inside = (data.ids >= start) & (data.ids < start + BLOCK)
        counted = (data.having("N"), data.having("D"), data.having("O"), wide, data.pictures == 2)
        shares = [percent(int(column[inside].sum()), int(inside.sum())) for column in counted]
        rows.append([f"{start} to {start + BLOCK - 1}", str(inside.sum()), *shares])
    return Sheet(("IDs", "patients", "N", "D", "O", "with a full-width comma", "with both pictures"), rows)


def same_eyes(root: Path) -> Sheet:
    data = read(root)
    where = {id: row for row, id in enumerate(data.frame["ID"])}
    groups = [[where[id] for id in group if id in where] for group in GROUPS]
    groups = [rows for rows in groups if len(rows) > 1]

    def differ(*names: str) -> int:
        return sum(len({tuple(data.frame.loc[row, list(names)]) for row in rows}) > 1 for rows in groups)

    parted = {True: 0, False: 0}
    for seed in range(SEEDS):
        for joined in parted:
            sides = _split(data, seed, joined=joined)
            side_of = {row: name for name, members in sides.items() for row in members.tolist()}
            parted[joined] += sum(len({side_of[row] for row in rows}) > 1 for rows in groups)
    return facts([
        ("groups of the list, two of them likely", len(groups)),
        ("patients in them", sum(map(len, groups))),
        ("groups of other labels", differ(*odir.LABELS)),
        ("groups of other keywords", differ(odir.LEFT_WORDS, odir.RIGHT_WORDS)),
        ("groups of other sex", differ(odir.SEX)),
        ("groups of other age", differ(odir.AGE)),
        (f"a group is parted by a split by ID, {SEEDS} seeds", percent(parted[False], SEEDS * len(groups))),
        ("and by ours", percent(parted[True], SEEDS * len(groups))),
    ])  # fmt: skip


def _split(data: Odir, seed: int, folds: int = 0, joined: bool = True) -> dict[str, np.ndarray]:
    tokens = data.table.group_tokens if joined else data.table.tokens
    return splits.split(tokens, data="odir real", unit="patient", seed=seed, folds=folds)


def parts(root: Path) -> Sheet:
    data = read(root)
    rows = []
    for count in (2, 1, 0):
        targets = data.targets[data.pictures == count]
        rows.append([str(count), str(len(targets)), *(percent(n, len(targets)) for n in targets.sum(0).tolist())])
    areas = [auroc(data.having(label), -data.pictures) for label in odir.LABELS]
    rows.append(["AUROC of having fewer", str(len(data.ids)), *areas])
    return Sheet(("pictures", "patients", *odir.LABELS), rows)


def ages(root: Path) -> Sheet:
    data = read(root)
    age = data.frame[odir.AGE].astype(int).to_numpy()
    one, myopic = age == 1, data.having("M")
    return facts([
        ("patients whose age is 1", int(one.sum())),
        ("the next youngest", int(age[~one].min())),
        ("M among those of age 1", share(myopic[one])),
        ("M among all others", share(myopic[~one])),
        ("AUROC of the age for C, without those of age 1", auroc(data.having("C")[~one], age[~one])),
        ("AUROC of the age for G, without those of age 1", auroc(data.having("G")[~one], age[~one])),
    ])  # fmt: skip


def kaggle(root: Path) -> Sheet:
    data = read(root)
    file = data.root / "odir" / KAGGLE if (data.root / "odir" / KAGGLE).is_file() else next(data.root.rglob(KAGGLE))
    eyes = frames.frame(file, (*odir.COLUMNS, "labels", "filename"))
    both = eyes.drop_duplicates("ID").merge(data.frame, on="ID", suffixes=("", " there"))
    columns = [name for name in odir.COLUMNS[1:] if (both[name] != both[f"{name} there"]).any()]
    eye_labels = eyes["labels"].str.extract(r"'(\w)'")[0]
    stray = np.array([row[label] != "1" for (_, row), label in zip(eyes.iterrows(), eye_labels, strict=True)])
    words = eyes[odir.LEFT_WORDS].where(eyes["filename"] == eyes[odir.LEFT], eyes[odir.RIGHT_WORDS])
    pairs = Counter(
        ("+".join(sorted(labels_of(text))), label)
        for text, label in zip(words, eye_labels, strict=True)
        if len(labels_of(text)) > 1
    )
    dust = pd.Series([*data.left, *data.right]).str.contains("lens dust")
    return facts([
        ("eyes", len(eyes)),
        ("patients", eyes["ID"].nunique()),
        ("columns of a patient that differ from the xlsx", len(columns)),
        ("eyes whose label is none of the patient's", int(stray.sum())),
        ("of them N: the healthy eye of an ill patient", int((stray & (eye_labels == "N")).sum())),
        ("eyes whose keywords name two labels or more, of which one is given", sum(pairs.values())),
        ("of D and O, those that get D", pairs["D+O", "D"]),
        ("of D and O, those that get O", pairs["D+O", "O"]),
        ('eyes with "lens dust" in the xlsx', int(dust.sum())),
        ('eyes with "lens dust" that Kaggle kept', int(words.str.contains("lens dust").sum())),
    ])  # fmt: skip


TABLES = {
    "odir-rule": rule, "odir-terms": terms, "odir-texts": texts, "odir-id": ids, "odir-blocks": blocks,
    "odir-same-eyes": same_eyes, "odir-parts": parts, "odir-age": ages, "odir-kaggle": kaggle,
}  # fmt: skip

"""How much of a text a frozen backbone leaves for a classifier: a logistic regression on what comes out at each place.

    python benchmarks/what_is_read.py cxr /path/to/data small 128

Prints F1-macro x 100 of the test samples of seed 0 (C chosen on validation), of features of texts on complete data.
"""

import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from tabulate import tabulate

from mora_bench import campaign
from mora_bench.backbones.tokens import Tokens
from mora_bench.data.samples import Samples, View
from mora_bench.data.sides import sides
from mora_bench.methods.network import BLOCKS, Beginning, Model
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training import facts
from mora_bench.training.cell import build, samples

STRENGTHS = (1, 10, 100, 1000, 10_000)
BATCH = 32
PLACES = ("what the classifier reads", "last block, mean over the text", "embeddings, mean over the text")


def mean(streams: tuple[Tokens, ...], text: int) -> np.ndarray:
    """The mean token of the text, [B, D]."""
    tokens = next(own for own in streams if (own.modality == text).any())
    own = (tokens.modality == text)[..., None]
    return ((tokens.x * own).sum(1) / own.sum(1)).numpy()


@torch.no_grad()
def read(model: Model, data: Samples, rows: np.ndarray, text: int) -> Iterator[list[np.ndarray]]:
    """Features at each of PLACES, batch by batch in the order of `rows`."""
    for at in np.split(rows, range(BATCH, len(rows), BATCH)):
        batch = data.batch(at, data.present[at])
        first = model._run(batch, 0, BLOCKS)
        last = model._run(first, BLOCKS, BLOCKS + model.backbone.depth)
        assert isinstance(first, Beginning)
        pooled = model.backbone.pool(last.streams, model.pooler).numpy()
        yield [pooled, mean(last.streams, text), mean(first.streams, text)]


def counts(data: Samples, rows: np.ndarray, text: int) -> sparse.csr_matrix:
    """1 + log of how often each word piece stands in each text."""
    content = data.contents[text]
    found = sparse.lil_matrix((len(rows), int(content.ids.max()) + 1))
    for i, row in enumerate(rows):
        pieces, often = np.unique(content.ids[content.bounds[row] : content.bounds[row + 1]], return_counts=True)
        found[i, pieces] = 1 + np.log(often)
    return found.tocsr()


def best(features: dict[str, np.ndarray], targets: dict[str, np.ndarray]) -> tuple[float, float, float]:
    """Validation and test F1-macro, and test AUROC, of the strength that validates best."""
    task, found = MultiLabel(), (-1.0, 0.0, 0.0)
    for strength in STRENGTHS:
        logits = {name: np.full(targets[name].shape, -9.0) for name in ("val", "test")}
        for c in np.flatnonzero(targets["train"].min(0) < targets["train"].max(0)):
            model = LogisticRegression(C=strength, max_iter=300).fit(features["train"], targets["train"][:, c])
            for name, own in logits.items():
                own[:, c] = model.decision_function(features[name])
        validated, test = task.score(targets["val"], logits["val"]), task.scores(targets["test"], logits["test"])
        if validated > found[0]:
            found = validated, test["f1_macro"], test["auroc"]
    return found


def main(dataset: str, root: str, backbone: str, max_text: str) -> None:
    grid = campaign.preset(
        "quick", datasets=(dataset,), methods=("head",), floors=("none",), missing=("complete",), seeds=(0,),
        backbone=(backbone,), data_root=Path(root), overrides={},
    )  # fmt: skip
    grid = replace(grid, recipe=replace(grid.recipe, max_text=int(max_text)))
    place = campaign.runtime(grid)
    (cell,) = campaign.plan(grid, place).cells
    data = samples(dataset, backbone, int(max_text), place)
    split = sides(cell, data.table)
    training = split["train"]
    model = build(
        cell, data, View(data, training.rows, facts.presence_of(cell, "train", training)), torch.device("cpu")
    )
    text = data.table.kinds.index("text")
    shown = {name: side.rows[side.natural[:, text]] for name, side in split.items()}
    targets = {name: data.table.targets[rows] for name, rows in shown.items()}
    found = {
        name: [np.concatenate(p) for p in zip(*read(model.eval(), data, rows, text), strict=True)]
        for name, rows in shown.items()
    }
    lines = []
    for k, place_ in enumerate(PLACES):
        center, scale = found["train"][k].mean(0), found["train"][k].std(0) + 1e-6
        width = np.sqrt(len(center))
        lines.append([place_, *best({n: (own[k] - center) / scale / width for n, own in found.items()}, targets)])
    pieces = {name: counts(data, rows, text) for name, rows in shown.items()}
    weights = TfidfTransformer().fit(pieces["train"])
    lines.append(
        ["counts of its word pieces (TF-IDF)", *best({n: weights.transform(p) for n, p in pieces.items()}, targets)]
    )
    body = [[name, *(f"{100 * value:.1f}" for value in values)] for name, *values in lines]
    headers = ["logistic regression on", "validation F1", "test F1", "test AUROC"]
    print(f"{dataset}, {Path(backbone.partition(',')[0]).name}, texts of at most {max_text} tokens, seed 0\n")
    print(tabulate(body, headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    torch.set_num_threads(1)
    main(*sys.argv[1:])

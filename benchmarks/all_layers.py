"""How much of what a frozen network's layers hold its pooled features hold: logistic regressions on complete twins.

    python benchmarks/all_layers.py BACKBONE ... [--datasets odir cxr] [--seeds 0 1 2] [--pool 500]

`pooled` is what a classifier is given before its own pooler (after the last norm); `embeddings` the mean of the tokens
that are there before block 0, a bag of words and patches; `all` are this mean and the token that is pooled, of the
embeddings and of every block (probes.py has them one by one). Split and test samples are those of
`grid --pool`. Features are standardised on training samples; the penalty is the best of five by validation mAP.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from regressions import fitted

from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.load import load, resolve
from mora_bench.backbones.tokens import Tokens
from mora_bench.cells.runtime import Runtime, default_cache
from mora_bench.data import cache, datasets, splits
from mora_bench.data.samples import Samples
from mora_bench.tasks.multilabel import MultiLabel

TEXT, BATCH = 128, 64
STRENGTHS = (3.0, 10.0, 30.0, 100.0, 300.0)
SHOWN = ("f1_macro", "f1_macro_tuned", "auroc", "map")
Parts = dict[str, np.ndarray]


@torch.no_grad()
def features(backbone: Backbone, samples: Samples, rows: np.ndarray) -> Parts:
    """float [n, D] each: `pooled`, `embeddings` and `all`."""
    pieces: dict[str, list[torch.Tensor]] = {"pooled": [], "embeddings": [], "all": []}
    for at in np.split(rows, range(BATCH, len(rows), BATCH)):
        batch = samples.batch(at, samples.present[at])
        streams = backbone.join(backbone.embed(batch), batch.present)
        seen = [part for tokens in streams for part in (tokens.x[:, 0], mean(tokens))]
        for i in range(backbone.depth):
            streams = tuple(backbone.block(At(s, i), tokens) for s, tokens in enumerate(streams))
            seen += [part for tokens in streams for part in (tokens.x[:, 0], mean(tokens))]
        last = [backbone.norm(s, tokens.x[:, 0]) for s, tokens in enumerate(streams)]
        for name, parts in zip(pieces, (last, seen[1 : 2 * len(streams) : 2], seen), strict=True):
            pieces[name].append(torch.cat(parts, 1))
    return {name: torch.cat(parts).numpy() for name, parts in pieces.items()}


def mean(tokens: Tokens) -> torch.Tensor:
    """Of the tokens that are there, [B, D]."""
    mask = tokens.mask[..., None].float()
    return (tokens.x * mask).sum(1) / mask.sum(1)


def probe(sides: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Scores on the test side x 100; `sides`: features and targets of the training, validation and test side."""
    task = MultiLabel()
    features, targets = (
        dict(zip(("train", "val", "test"), column, strict=True)) for column in zip(*sides, strict=True)
    )
    logits = max(fitted(features, targets, STRENGTHS), key=lambda fit: task.scores(targets["val"], fit["val"])["map"])
    tuned = task.tuned((targets["val"], logits["val"]), targets["test"], logits["test"])
    scores = task.scores(targets["test"], logits["test"]) | tuned
    return {name: 100 * scores[name] for name in SHOWN}


def sides_of(name: str, dataset: str, seed: int, pool: int) -> list[tuple[Parts, np.ndarray]]:
    """Features and targets of the training, validation and test side."""
    spec, folder = resolve(name, TEXT), default_cache()
    table, known = datasets.fingerprinted(dataset, Runtime(out=folder, cache=folder))
    decoded = cache.prepare(table, known, spec.rules, folder, 1)
    cut = splits.split(
        table.group_tokens, data=f"{dataset} twin", unit="patient", seed=seed, shares=splits.WITHOUT_TEST
    )
    drawn = datasets.pool(dataset, seed, pool)
    tested = cache.prepare(drawn, datasets.of_pool(known, seed, pool), spec.rules, folder, 1)
    backbone = load(spec, table.shape, TEXT, 0)
    chosen = [(decoded, cut["train"]), (decoded, cut["val"]), (tested, np.arange(pool))]
    return [(features(backbone, samples, rows), samples.table.targets[rows]) for samples, rows in chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbones", nargs="+")
    parser.add_argument("--datasets", nargs="+", default=["odir", "cxr"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--pool", type=int, default=500)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| backbone | twin | features |", " | ".join(SHOWN), "|\n|---|---|---|" + "---|" * len(SHOWN))
    for name in options.backbones:
        for dataset in options.datasets:
            sides = [sides_of(name, dataset, seed, options.pool) for seed in options.seeds]
            for part in ("pooled", "embeddings", "all"):
                scores = [probe([(parts[part], y) for parts, y in seed]) for seed in sides]
                means = [f"{np.mean([of_seed[score] for of_seed in scores]):.1f}" for score in SHOWN]
                print(f"| {Path(name).name} | {dataset} | {part} |", " | ".join(means), "|", flush=True)


if __name__ == "__main__":
    main()

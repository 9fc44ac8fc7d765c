"""A sceptic's test: where labels are shuffled, nobody can know anything of the test side, unless test labels leak.

    python benchmarks/shuffled_labels.py --preset quick --seeds 0 1 2 3 4 --out results/shuffled

Takes the options of `grid`; real data need `--folds 10`, as the presets have it. Whole rows of labels are permuted, in
another way for each seed: among the samples that train and validate, and among those that test. Prints, for each
dataset, row and test, the mean AUROC over seeds, its standard error, and P by a t-test against 0.5 after Holm over all
lines. Ends with 1 if one is told from 0.5. A row with equal scores in all seeds (`always`) is 0.5 or is told.

Test labels are shuffled, too, because with the true ones 0.5 is not what to expect of an honest row. A rare label gives
few words a large weight and many a small one of the other sign; so samples with unusual words, which ill patients have
more of, mostly rank below the others, whatever the shuffled label was.

This file is also the plug-in that holds the shuffled datasets: odir-shuffled-0 is for seed 0.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats
from tabulate import tabulate

from mora_bench import campaign
from mora_bench.cli.grid import asked
from mora_bench.data import datasets
from mora_bench.data.contract import Dataset
from mora_bench.data.splits import split
from mora_bench.data.table import Table
from mora_bench.report.frame import IDENTITY
from mora_bench.report.labels import label
from mora_bench.report.write import read
from mora_bench.seeds import rng
from mora_bench.statistics.holm import adjusted

FOLDS = 10
SEEDS = 10


def permuted(table: Table, seed: int) -> np.ndarray:
    """The targets, rows in another order: those of the training and validation sides among themselves, and those of the
    test side; a twin's test samples are a table of their own."""
    parts = [np.arange(len(table))]
    if table.source == "real":
        drawn = split(table.group_tokens, data=f"{table.name} real", unit="patient", seed=seed, folds=FOLDS)
        parts = [np.concatenate([drawn["train"], drawn["val"]]), drawn["test"]]
    targets = table.targets.copy()
    for number, rows in enumerate(parts):
        targets[rows] = targets[rng("shuffled", seed, number, len(rows)).permutation(rows)]
    return targets


def shuffled(dataset: Dataset, seed: int) -> Dataset:
    """A dataset whose labels are shuffled for one seed."""

    def change(table: Table) -> Table:
        table = replace(table, name=f"{table.name}-shuffled-{seed}")
        return replace(table, targets=permuted(table, seed))

    return dataset.seen_as(f"{dataset.title}, labels shuffled for seed {seed}", change)


if __name__ != "__main__":
    for number in range(SEEDS):
        globals()[f"ODIR_SHUFFLED_{number}"] = shuffled(datasets.ODIR, number)
        globals()[f"CXR_SHUFFLED_{number}"] = shuffled(datasets.CXR, number)


def lines(frame: pd.DataFrame) -> list[tuple]:
    """(dataset, row, tested, seeds, mean AUROC, its deviation over seeds, P of a t-test against 0.5), a line each."""
    frame = frame.assign(dataset=frame["dataset"].str.replace(r"-shuffled-\d+$", "", regex=True))
    rows: list[tuple] = []
    # The seeds of a row are on data that are shuffled in other ways; nothing else may differ.
    fields = [name for name in (*IDENTITY, *frame.filter(like="recipe.")) if name in frame]
    fields = [name for name in fields if name not in ("dataset", "data", "drawn")]
    for dataset, of_dataset in frame.groupby("dataset"):
        kinds = of_dataset[[*fields, "trained"]].drop_duplicates()
        for _, group in of_dataset.groupby(fields, dropna=False):
            rows += _tests(str(dataset), label(group.iloc[0], kinds, fields), group)
    return rows


def _tests(dataset: str, row: str, group: pd.DataFrame) -> Iterator[tuple]:
    for tested in ("complete", "both"):
        scores = group[f"score {tested}"].to_numpy(float)
        chance = 1.0 if np.allclose(scores, 0.5) else stats.ttest_1samp(scores, 0.5).pvalue
        yield dataset, row, tested, len(scores), scores.mean(), scores.std(ddof=1), chance


def main(arguments: list[str]) -> int:
    grid, preset, runtime = asked([*arguments, "--plugin", __file__], "grid")
    cells = []
    for seed in grid.seeds:
        names = tuple(f"{name}-shuffled-{seed}" for name in grid.datasets)
        seed_grid, seed_preset = (replace(base, datasets=names, seeds=(seed,)) for base in (grid, preset))
        cells += campaign.plan(seed_grid, runtime, seed_preset).cells
    for number, (cell, record) in enumerate(campaign.run(cells, runtime, grid.engine), 1):
        print(f"{number} of {len(cells)}: {cell.label}: {record.status}", file=sys.stderr)
    tests = lines(read(runtime.out, "auroc").cells)
    p_values = adjusted(np.array([line[-1] for line in tests]))
    body = [
        [*line[:4], f"{100 * line[4]:.1f}", f"{100 * line[5] / line[3] ** 0.5:.1f}", f"{p:.3f}"]
        for line, p in zip(tests, p_values, strict=True)
    ]
    headers = ("dataset", "row", "tested", "seeds", "AUROC x 100", "standard error", "P (Holm)")
    print(tabulate(body, headers, tablefmt="github", disable_numparse=True))
    return int(any(p < 0.05 for p in p_values))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Which readout validates best: the same small grid once for each, compared on validation samples alone.

    python benchmarks/choose_readout.py small odir cxr
    python benchmarks/choose_readout.py fused:minilm,lite0 odir --data-root DATA --epochs 6

Prints F1-macro and AUROC x 100 of the validation split under the training pattern, mean over seeds, for each method,
and the readout that is best on the mean over methods. A folder a readout lies in --out; what is there is not run again.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from mora_bench import campaign
from mora_bench.backbones import load as backbones
from mora_bench.cells.missing import EACH
from mora_bench.cells.recipe import READOUTS
from mora_bench.errors import UserError
from mora_bench.plan.grid import Grid
from mora_bench.records.schema import Scores
from mora_bench.records.store import Store

SCORES = ("f1_macro", "auroc")


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone")
    parser.add_argument("datasets", nargs="+")
    parser.add_argument("--methods", nargs="+", default=["head", "lora", "mora"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--out", type=Path, default=Path("results/readouts"))
    return parser.parse_args()


def grid_of(options: argparse.Namespace, readout: str) -> Grid:
    """The preset's grid with one readout."""
    grid = campaign.preset(
        options.preset, datasets=tuple(options.datasets), methods=tuple(options.methods), floors=("none",),
        seeds=tuple(options.seeds), backbone=(options.backbone,), data_root=options.data_root,
        out=options.out / (readout or "published"),
    )  # fmt: skip
    recipe = replace(grid.recipe, readout=readout)
    return replace(grid, recipe=recipe if options.epochs is None else replace(recipe, epochs=options.epochs))


def validated(grid: Grid) -> Iterator[dict[str, object]]:
    """Validation scores of each cell of a grid, which is run.

    Raises:
        UserError: a cell failed.
    """
    runtime = campaign.runtime(grid)
    cells = campaign.plan(grid, runtime).cells
    for cell, record in campaign.run(cells, runtime, engine=grid.engine):
        print(cell.label, record.status, flush=True)
    store = Store(runtime.out)
    for cell in cells:
        scores = store.scores_of(cell)
        if not isinstance(scores, Scores):
            raise UserError(f"{store.record_file(cell)}: {cell.label} has no scores; it says why.")
        validation = scores.val[EACH].scores
        yield {"dataset": cell.dataset, "method": cell.method} | {name: 100 * validation[name] for name in SCORES}


def main() -> None:
    options = asked()
    published = backbones.resolve(options.backbone, 128).readout
    rows = []
    for readout in ("", *(name for name in READOUTS if name not in ("", "pooler", published))):
        name = readout or f"{published} (as published)"
        rows += [row | {"readout": name} for row in validated(grid_of(options, readout))]
    means = pd.DataFrame(rows).groupby(["dataset", "readout", "method"], sort=False).mean()
    table = means.unstack("method").round(1)
    table.columns = [f"{method}, {score}" for score, method in table.columns]
    print("\n" + tabulate(table.reset_index(), "keys", tablefmt="github", showindex=False))
    over = means.groupby(["dataset", "readout"], sort=False).mean()
    for dataset in options.datasets:
        best = {score: over.loc[dataset][score].idxmax() for score in SCORES}
        print(f"{dataset}: best on validation by F1-macro {best['f1_macro']}, by AUROC {best['auroc']}")


if __name__ == "__main__":
    main()

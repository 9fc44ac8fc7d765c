"""A preset from the best recipes of a search."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from mora_bench.cells.cell import Cell
from mora_bench.cells.recipe import Recipe
from mora_bench.cells.runtime import Runtime
from mora_bench.plan.grid import Grid

#: The fields of a grid that a preset of a search repeats, and those that it repeats where they are not the default: all
#: that says what is trained and tested, so that what the search left out is what is tested.
REPEATED = ("datasets", "methods", "missing", "rates", "seeds", "folds", "pool", "backbone", "impute")
CHANGED = (
    "floors", "mechanism", "strength", "gaps", "test_gaps", "mask_unit", "test_mechanism", "test_rate", "blocks",
    "knobs", "split",
)  # fmt: skip


def as_preset(grid: Grid, best: Mapping[tuple[str, str], Mapping[str, Any]], heading: str) -> str:
    """TOML of a preset: the grid, with the best values for (dataset, method) as overrides.

    Args:
        best: recipe fields, and "rank" where the method reads it.
        heading: the first line, without #.
    """
    lines = [f"# {heading}"]
    lines += [
        f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}"
        for name, value in ((name, getattr(grid, name)) for name in (*REPEATED, *CHANGED))
        if name in REPEATED or value != getattr(Grid(), name)
    ]
    lines += [f"tuned_for = {json.dumps(list(grid.seeds))}", "", "[recipe]"]
    changed = {f.name: getattr(grid.recipe, f.name) for f in fields(Recipe)}
    lines += [f"{name} = {_toml(value)}" for name, value in changed.items()]
    overrides = {owner: values for owner, values in grid.overrides.items() if values}
    tuned = {f"{dataset}/{method}": values for (dataset, method), values in best.items()}
    for owner, values in (overrides | tuned).items():
        lines += ["", f"[overrides.{json.dumps(owner)}]"]
        lines += [f"{name} = {_toml(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def found_before(preset: Mapping[str, Any], grid: Grid, searched: Collection[tuple[str, str]]) -> list[str]:
    """What the preset of an earlier search, as TOML gives it, holds recipes of and this search does not look for, as
    DATASET/METHOD; `grid` is this search's."""
    overrides = preset.get("overrides", {})
    now = {*grid.overrides, *(f"{dataset}/{method}" for dataset, method in searched)}
    return sorted(owner for owner in overrides if "/" in owner and owner not in now)


def chosen_on_tests(grid: Grid, cells: Sequence[Cell], runtime: Runtime) -> list[str]:
    """A sentence for each real dataset of which a seed tests samples that the search behind the preset trained or
    validated on; none where there was no search."""
    trained: dict[str, list[Cell]] = {}
    for cell in cells if grid.tuned_for else ():
        # A pool is no part of what a search reads.
        if cell.recipe and not cell.pool:
            trained.setdefault(cell.dataset, []).append(cell)
    sentences = []
    for name, of_data in trained.items():
        seen = _tested_beyond(of_data, grid.tuned_for, runtime)
        if seen:
            sentences.append(
                f"{name}: {_seeds(seen)} test{'s' * (len(seen) == 1)} samples on which the recipes of this preset were "
                f"chosen: `tune` kept apart those of {_seeds(grid.tuned_for)}. Report these alone, or tune again with "
                "all --seeds that are to be reported."
            )
    return sentences


def _tested_beyond(cells: Sequence[Cell], kept_apart: Sequence[int], runtime: Runtime) -> list[int]:
    """The seeds of a dataset's cells that test a sample which none of those that were kept apart tests."""
    from mora_bench.data import datasets, sides

    table = datasets.table_of(cells[0].dataset, runtime)
    seeds = dict.fromkeys([*kept_apart, *(cell.seed for cell in cells)])
    tested = {seed: {*sides.sides(cells[0].with_seed(seed), table)["test"].rows.tolist()} for seed in seeds}
    apart = {row for seed in kept_apart for row in tested[seed]}
    return [seed for seed, rows in tested.items() if rows - apart]


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _toml(value: Any) -> str:
    """A number, a truth or a text in TOML."""
    if isinstance(value, float):
        return f"{value:.6g}" if "e" in f"{value:.6g}" or "." in f"{value:.6g}" else f"{value:.6g}.0"
    return json.dumps(value)

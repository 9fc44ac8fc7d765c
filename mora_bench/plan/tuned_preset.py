"""A preset from the best recipes of a search."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mora_bench.cells.recipe import Recipe
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
    lines += ["", "[recipe]"]
    changed = {f.name: getattr(grid.recipe, f.name) for f in fields(Recipe)}
    lines += [f"{name} = {_toml(value)}" for name, value in changed.items()]
    overrides = {owner: values for owner, values in grid.overrides.items() if values}
    tuned = {f"{dataset}/{method}": values for (dataset, method), values in best.items()}
    for owner, values in (overrides | tuned).items():
        lines += ["", f"[overrides.{json.dumps(owner)}]"]
        lines += [f"{name} = {_toml(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A number, a truth or a text in TOML."""
    if isinstance(value, float):
        return f"{value:.6g}" if "e" in f"{value:.6g}" or "." in f"{value:.6g}" else f"{value:.6g}.0"
    return json.dumps(value)

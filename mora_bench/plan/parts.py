"""The parts of a grid, and whether they name what there is."""

from dataclasses import fields, replace

from mora_bench import registry
from mora_bench.cells.cell import NONE
from mora_bench.errors import UserError
from mora_bench.plan.grid import Grid
from mora_bench.plan.presets import part_of

#: Stands for every name of a group.
ALL = "all"


def parts(grid: Grid, preset: Grid) -> list[tuple[Grid, Grid]]:
    """The parts of a grid, each with the same part of its preset; the grid itself if it has none. What was given as a
    flag, and so differs from the preset, beats what a part says."""
    if not grid.parts:
        return [(grid, preset)]
    flags = {f.name: getattr(grid, f.name) for f in fields(Grid) if getattr(grid, f.name) != getattr(preset, f.name)}
    recipe = {n: v for n, v in vars(grid.recipe).items() if v != getattr(preset.recipe, n)}
    found = []
    for number, changed in enumerate(grid.parts, 1):
        base = part_of(preset, changed, f"preset {grid.preset}, part {number}")
        found.append((replace(base, **flags | {"recipe": replace(base.recipe, **recipe)}), base))
    return found


def check_names(grid: Grid) -> None:
    """Refuse unknown names of any kind, in a grid and its parts, before slow imports.

    Raises:
        UserError: the first unknown name, with the known ones.
    """
    for part, _ in parts(grid, grid):
        _check_names(part)


def _check_names(grid: Grid) -> None:
    for name in grid.datasets:
        registry.check(registry.DATASETS, name)
    for name in grid.after:
        registry.check(registry.DATASETS, name, also=[""])
    for name in grid.methods:
        registry.check(registry.METHODS, name, also=[ALL, *registry.names(registry.PREDICTORS)])
    if NONE in grid.floors and len(grid.floors) > 1:
        raise UserError(f"--floors {' '.join(grid.floors)}: none stands alone. Leave it out, or the others.")
    for name in grid.floors:
        registry.check(registry.PREDICTORS, name, also=[ALL, NONE])
    for name in grid.impute:
        registry.check(registry.IMPUTERS, name, also=[ALL])
    for name in [*grid.mechanism, *([grid.test_mechanism] if grid.test_mechanism else [])]:
        registry.check(registry.MECHANISMS, name.partition(":")[0])
    registry.check(registry.ENGINES, grid.engine, also=["auto"])
    datasets, methods = registry.names(registry.DATASETS), registry.names(registry.METHODS)
    owners = [*datasets, *methods]
    for owner in grid.overrides:
        dataset, slash, method = owner.partition("/")
        if owner not in owners and not (slash and dataset in datasets and method in methods):
            raise UserError(
                f"preset {grid.preset}: [overrides.{owner}] is neither a dataset nor a method nor DATASET/METHOD; "
                f"known: {', '.join(owners)}.{registry.did_you_mean(owner, owners)}"
            )

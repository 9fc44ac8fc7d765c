"""The parts of a grid, and whether every name in them is known."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mora_bench import registry
from mora_bench.cells.cell import NONE
from mora_bench.cells.missing import Gaps
from mora_bench.errors import UserError
from mora_bench.plan.given import given, given_of_recipe
from mora_bench.plan.grid import AS_TRAINED, Grid
from mora_bench.plan.presets import part_of

#: Stands for every name of a group.
ALL = "all"


def parts(grid: Grid, preset: Grid) -> list[tuple[Grid, Grid]]:
    """The parts of a grid, each with the same part of its preset; the grid itself if it has none. A value given as
    a flag beats the part's."""
    if not grid.parts:
        return [(grid, preset)]
    flags = {name: getattr(grid, name) for name in given(grid, preset)}
    recipe = {name: getattr(grid.recipe, name) for name in given_of_recipe(grid, preset)}
    pairs = []
    for number, changed in enumerate(grid.parts, 1):
        base = part_of(preset, changed, f"preset {grid.preset}, part {number}")
        pairs.append((replace(base, **flags | {"recipe": replace(base.recipe, **recipe)}), base))
    return pairs


def check_names(grid: Grid) -> None:
    """Refuse unknown names of any kind, in a grid and its parts, before slow imports.

    Raises:
        UserError: every unknown name, with the known ones.
    """
    wrong = dict.fromkeys(problem for part, _ in parts(grid, grid) for problem in _unknown(part))
    if wrong:
        raise UserError("\n".join(wrong))


def _unknown(grid: Grid) -> Iterator[str]:
    """One sentence for each unknown name."""
    mechanisms = [*grid.mechanism, *([grid.test_mechanism] if grid.test_mechanism else [])]
    gaps = [text for text in (*grid.gaps, *grid.test_gaps) if text != AS_TRAINED]
    groups: list[tuple[str, Iterable[str], list[str]]] = [
        (registry.DATASETS, grid.datasets, []),
        (registry.DATASETS, grid.after, [""]),
        (registry.METHODS, grid.methods, [ALL, *registry.names(registry.PREDICTORS)]),
        (registry.PREDICTORS, grid.floors, [ALL, NONE]),
        (registry.IMPUTERS, grid.impute, [ALL]),
        (registry.MECHANISMS, (name.partition(":")[0] for name in mechanisms), []),
        (registry.GAPS, (Gaps.of(text).mechanism for text in gaps), [NONE]),
        (registry.ENGINES, (grid.engine,), ["auto"]),
        (registry.TRACKERS, grid.track, []),
    ]
    for group, names, extras in groups:
        for name in names:
            try:
                registry.check(group, name, extras)
            except UserError as error:
                yield str(error)
    if NONE in grid.floors and len(grid.floors) > 1:
        yield f"--floors {' '.join(grid.floors)}: none stands alone. Leave it out, or the others."
    datasets, methods = registry.names(registry.DATASETS), registry.names(registry.METHODS)
    owners = [*datasets, *methods]
    for owner in grid.overrides:
        dataset, slash, method = owner.partition("/")
        if owner not in owners and not (slash and dataset in datasets and method in methods):
            yield (
                f"preset {grid.preset}: [overrides.{owner}] is neither a dataset nor a method nor DATASET/METHOD; "
                f"known: {', '.join(owners)}.{registry.did_you_mean(owner, owners)}"
            )

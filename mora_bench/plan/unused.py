"""Options that were given and that no cell of a plan reads."""

from collections.abc import Callable, Sequence
from dataclasses import fields

from mora_bench.cells.cell import OFFICIAL, Cell
from mora_bench.cells.recipe import Recipe
from mora_bench.missing import masks
from mora_bench.plan.grid import Grid


def _graded(cell: Cell) -> bool:
    """Whether one of a cell's mechanisms has a strength."""
    return any(masks.mechanism(missing.mechanism)[0].graded for missing in (cell.mechanism, cell.test_missing))


def _trained(cell: Cell) -> bool:
    return cell.recipe is not None


#: By the field of a grid: which cells read it, and why the others do not.
READERS: dict[str, tuple[Callable[[Cell], bool], str]] = {
    "ranks": (lambda cell: cell.rank is not None, "no method of this grid has a rank"),
    "blocks": (lambda cell: cell.blocks is not None, "no method of this grid goes into blocks"),
    "lrs": (_trained, "nothing in this grid is trained as a network"),
    "impute": (_trained, "only networks are given what an imputer fills in"),
    "after": (_trained, "only networks are adapted to one dataset after another"),
    "strength": (_graded, "no cell loses anything by a mechanism that has a strength"),
    "folds": (
        lambda cell: cell.source == "real" and cell.split != OFFICIAL,
        "only real data without an official split have folds",
    ),
    "pool": (lambda cell: cell.source == "twin", "only synthetic data have a pool of test samples"),
}


def unused(grid: Grid, preset: Grid, cells: Sequence[Cell]) -> list[str]:
    """A sentence for each option that differs from the preset's and that no cell reads, such as ranks of the head."""
    given = {name: name.replace("_", "-") for name in READERS if getattr(grid, name) != getattr(preset, name)}
    sentences = [
        f"--{option} changes nothing: {READERS[name][1]}"
        for name, option in given.items()
        if not any(map(READERS[name][0], cells))
    ]
    # Texts are cut for baselines that read the frozen backbone, too.
    recipe = [f.name for f in fields(Recipe) if f.name != "max_text"]
    changed = [name for name in recipe if getattr(grid.recipe, name) != getattr(preset.recipe, name)]
    if changed and not any(map(_trained, cells)):
        options = " ".join(f"--recipe.{name.replace('_', '-')}" for name in changed)
        sentences.append(f"{options} change{'s' * (len(changed) == 1)} nothing: {READERS['lrs'][1]}")
    return sentences

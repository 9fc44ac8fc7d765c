"""Options that were given and that no cell of a plan reads."""

from collections.abc import Callable, Sequence

from mora_bench.cells.cell import OFFICIAL, Cell
from mora_bench.missing import masks
from mora_bench.plan.given import given, given_of_recipe
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
    """A sentence for each option that was given and that no cell reads, such as ranks of the head."""
    sentences = [
        f"--{name.replace('_', '-')} changes nothing: {READERS[name][1]}"
        for name in given(grid, preset)
        if name in READERS and not any(map(READERS[name][0], cells))
    ]
    # Texts are cut for baselines that read the frozen backbone, too.
    changed = [name for name in given_of_recipe(grid, preset) if name != "max_text"]
    if changed and not any(map(_trained, cells)):
        options = " ".join(f"--recipe.{name.replace('_', '-')}" for name in changed)
        sentences.append(f"{options} change{'s' * (len(changed) == 1)} nothing: {READERS['lrs'][1]}")
    return sentences

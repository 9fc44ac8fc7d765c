"""The options that were given beside a preset: what differs from it, and what was typed although it says the same."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Self

from mora_bench.cells.recipe import Recipe
from mora_bench.plan.grid import Grid

#: What stands before the name of a recipe's option.
OF_RECIPE = "recipe."


@dataclass(frozen=True)
class TypedBeside(Grid):
    """A preset's grid, and what was typed beside it.

    Attributes:
        typed: fields of the grid and of its recipe, as `rates` and `recipe.lr`.
    """

    typed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, preset: Grid, arguments: Iterable[str]) -> Self:
        """From a preset and a command line, whose options have been checked."""
        return cls(**vars(preset), typed=frozenset(_names(arguments)))


def _names(arguments: Iterable[str]) -> Iterator[str]:
    """The fields that options name: `--recipe.no-decay-norms` sets `recipe.decay_norms`."""
    for argument in arguments:
        if argument.startswith("--"):
            before, dot, name = argument[2:].partition("=")[0].replace("-", "_").rpartition(".")
            yield before + dot + name.removeprefix("no_")


def given(grid: Grid, preset: Grid) -> list[str]:
    """The fields of a grid, its recipe aside, that were given as options."""
    return [name for name in _given(Grid, grid, preset, _typed(preset)) if name != "recipe"]


def given_of_recipe(grid: Grid, preset: Grid) -> list[str]:
    """The fields of a grid's recipe that were given as options."""
    typed = {name.removeprefix(OF_RECIPE) for name in _typed(preset) if name.startswith(OF_RECIPE)}
    return _given(Recipe, grid.recipe, preset.recipe, typed)


def _typed(preset: Grid) -> Collection[str]:
    return preset.typed if isinstance(preset, TypedBeside) else ()


def _given(kind: type, ours: object, theirs: object, typed: Collection[str]) -> list[str]:
    """The fields of a kind that were typed, or that differ."""
    names = [f.name for f in fields(kind)]
    return [name for name in names if name in typed or getattr(ours, name) != getattr(theirs, name)]

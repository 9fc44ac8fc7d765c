"""The recipe's projection on backbones that have one, and on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mora_bench.cells.recipe import ALIGNED, Recipe
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from mora_bench.backbones.contract import Spec


def check(recipe: Recipe, specs: Sequence[Spec]) -> None:
    """Raise UserError if a projection is to be aligned and no backbone has one."""
    if recipe.projection == ALIGNED and specs and not any(spec.projection for spec in specs):
        names = ", ".join(spec.name for spec in specs)
        raise UserError(
            f"recipe.projection {ALIGNED}: {names} has no projection; expected a fused backbone, such as "
            "fused:minilm,lite0. Leave it out, or name one in --backbone."
        )


def settled(recipe: Recipe, spec: Spec) -> Recipe:
    """The recipe of a cell on a backbone: where there is no projection, the cell is the same whatever it says."""
    return recipe if spec.projection else replace(recipe, projection="trained")

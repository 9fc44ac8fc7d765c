"""A recipe as a cell holds it: what a backbone or task cannot do is refused, and two ways to say the same are one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mora_bench.cells.recipe import Recipe
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from mora_bench.backbones.contract import Spec


def settled(recipe: Recipe, spec: Spec) -> tuple[Recipe, str]:
    """The recipe on a backbone, and why it may be the same as that of another point; "" if nothing was changed.

    Raises:
        UserError: the backbone has no such readout.
    """
    if recipe.readout == "labels" and recipe.decay_norms:
        return replace(recipe, decay_norms=False), "with labels there is no norm for recipe.decay_norms"
    if not recipe.readout:
        return recipe, ""
    if recipe.readout == spec.readout:
        return replace(recipe, readout=""), f"{spec.name} is read by the {spec.readout} anyway"
    if recipe.readout == "pooler":
        raise UserError(
            f"recipe.readout pooler: {spec.name} was published without a pooler, its features are the mean of the "
            "tokens that are there. Leave it out (that mean), or give labels."
        )
    return recipe, ""

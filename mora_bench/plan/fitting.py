"""A recipe as a cell holds it: what a backbone or task cannot do is refused, and two ways to say the same are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING

import numpy as np

from mora_bench.cells.recipe import ALIGNED, FEWEST_ALIGNED, Recipe
from mora_bench.data.table import PICTURES
from mora_bench.errors import UserError
from mora_bench.tasks.named import task_of

if TYPE_CHECKING:
    from mora_bench.backbones.spec import Spec
    from mora_bench.data.table import Table
    from mora_bench.tasks.contract import Task


def fitting(recipe: Recipe, spec: Spec, table: Table) -> tuple[Recipe, str]:
    """The recipe on a backbone and a dataset, and why it may be the same as that of another point; "" if nothing was
    changed.

    Raises:
        UserError: the backbone has no such readout, the dataset's task no class weights or no such loss, or the dataset
            too few samples to align a projection on.
    """
    if recipe.loss:
        _check_loss(recipe, table)
    if recipe.class_weights != "none" and not weighs(type(task_of(table.task))):
        raise UserError(
            f"recipe.class_weights {recipe.class_weights}: the task {table.task!r} of {table.name} has no "
            "class weights. Leave it out, or extend the task: `loss` takes `weights`, `balanced`, `prior` return them."
        )
    if recipe.class_weights != "none" and table.weights:
        raise UserError(
            f"recipe.class_weights {recipe.class_weights}: {table.name} has a weight for each sample, which would "
            "count on top of that. Leave one of them out."
        )
    if recipe.projection == ALIGNED and not spec.projection:
        return fitting(replace(recipe, projection="trained"), spec, table)[0], f"{spec.name} has no projection"
    if spec.projection:
        pictured = table.having(*PICTURES)
        if not pictured.any() and recipe.projection != ALIGNED:
            # Frozen, because then what stands before a method's first block is computed once.
            why = f"{table.name} has no picture for the projection of {spec.name}, which stays frozen"
            return fitting(replace(recipe, projection=ALIGNED), spec, table)[0], why
        if pictured.any() and recipe.projection == ALIGNED:
            _check_alignable(table, pictured)
    if spec.pooled_only and recipe.readout in ("mean", "labels"):
        raise UserError(
            f"recipe.readout {recipe.readout}: layers of {spec.name} run behind the last block, and its pooler alone "
            "reads them. Leave the option out."
        )
    if recipe.readout == "labels" and recipe.decay_norms:
        return replace(recipe, decay_norms=False), "with labels there is no norm for recipe.decay_norms"
    if not recipe.readout:
        return recipe, ""
    if recipe.readout == spec.readout:
        return replace(recipe, readout=""), f"{spec.name} is read by the {spec.readout} anyway"
    if recipe.readout == "pooler":
        raise UserError(
            f"recipe.readout pooler: {spec.name} has no pooler; its features are the mean of the present tokens. Leave "
            "the option out to use this mean, or give labels."
        )
    return recipe, ""


def _check_loss(recipe: Recipe, table: Table) -> None:
    """Raise UserError if a dataset's task has no such loss, or what else the recipe says does not go with it."""
    losses = task_of(table.task).losses
    if recipe.loss not in losses:
        raise UserError(
            f"recipe.loss {recipe.loss}: the task {table.task!r} of {table.name} has "
            f"{'one of: ' + ', '.join(losses) if losses else 'its own loss alone'}. Leave the option out."
        )
    if losses[recipe.loss].proportional and recipe.readout == "labels":
        raise UserError(
            f"recipe.loss {recipe.loss} has one risk for all horizons, and recipe.readout labels reads features for "
            "each of them. Leave one of them out."
        )
    if recipe.class_weights != "none":
        raise UserError(f"recipe.loss {recipe.loss} knows no class weights: leave recipe.class_weights out.")


def _check_alignable(table: Table, pictured: np.ndarray) -> None:
    """Raise UserError if too few samples of a dataset have both a text and a picture, whatever a mask leaves."""
    both = int((table.having("text") & pictured).sum())
    if both < FEWEST_ALIGNED:
        raise UserError(
            f"recipe.projection {ALIGNED}: {both} samples of {table.name} have both a text and a picture, expected "
            f"{FEWEST_ALIGNED} or more among those that train. Give --recipe.projection trained."
        )


def check_projection(recipe: Recipe, specs: Sequence[Spec]) -> None:
    """Raise UserError if a projection is to be aligned and no backbone has one."""
    if recipe.projection == ALIGNED and specs and not any(spec.projection for spec in specs):
        names = ", ".join(spec.name for spec in specs)
        raise UserError(
            f"recipe.projection {ALIGNED}: {names} has no projection; expected a fused backbone, such as "
            "fused:minilm,lite0. Leave it out, or name one in --backbone."
        )


def weighs(task: type[Task]) -> bool:
    """Whether a task defines class weights, and its loss takes them."""
    from mora_bench.tasks.contract import Task as Contract

    declared = task.balanced is not Contract.balanced and task.prior is not Contract.prior
    return declared and "weights" in signature(task.loss).parameters

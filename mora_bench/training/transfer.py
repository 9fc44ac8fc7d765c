"""Goes on from another dataset: the parameters that a method trained there, but its classifier's, start it here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from mora_bench.cells.cell import Cell
from mora_bench.cells.missing import Missing
from mora_bench.cells.runtime import Runtime
from mora_bench.data import datasets
from mora_bench.errors import UserError
from mora_bench.methods.network import Model
from mora_bench.missing import masks
from mora_bench.plan.data_axes import known_of
from mora_bench.plan.recipes import watched_of

#: Prefix of the parameters that are not carried over: the classes are others.
OF_THE_HEAD = "head."


def before(cell: Cell, runtime: Runtime) -> Cell:
    """The cell that `cell` comes after: the same in everything but its dataset, and itself trained anew.

    Raises:
        UserError: its data are not those that were planned on.
    """
    name, _, planned = cell.after.partition(" ")
    table, fingerprint = datasets.fingerprinted(name, runtime)
    if fingerprint != planned:
        raise UserError(f"{name} is not the data that {cell.label} was planned on. Plan again.")
    missing = cell.mechanism
    mechanism = masks.settled(Missing(missing.mechanism, missing.strength, missing.unit), name, known_of(table))
    # Its test samples are not asked for; how many a twin draws apart decides how the others are split.
    pool = cell.pool if datasets.get(name).more is not None else 0
    return replace(
        cell,
        pool=pool,
        dataset=name,
        data=fingerprint,
        modalities=table.names,
        task=table.task,
        watched="" if cell.recipe is None else watched_of(table.task, cell.recipe),
        mechanism=mechanism,
        after="",
    )


def carry_over(sources: Sequence[Model], models: Sequence[Model]) -> None:
    """Copy what the trained `sources` trained into `models`, which must train the same but for the classifier.

    Raises:
        UserError: they do not, for instance because a modality brings its own embedder; or nothing else trains.
    """
    for source, model in zip(sources, models, strict=True):
        theirs, ours = _without_head(source.trained()), _without_head(model.trained())
        if not ours:
            raise UserError("--after: nothing to transfer, because this method trains only the classifier.")
        shapes = [
            {name: tuple(parameter.shape) for name, parameter in parameters.items()} for parameters in (theirs, ours)
        ]
        if shapes[0] != shapes[1]:
            odd = sorted(set(shapes[0].items()) ^ set(shapes[1].items()))[0][0]
            raise UserError(f"--after: cannot transfer: {odd} differs in shape, or exists in only one of the networks.")
        with torch.no_grad():
            for name, parameter in ours.items():
                parameter.copy_(theirs[name])


def _without_head(trained: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value for name, value in trained.items() if not name.startswith(OF_THE_HEAD)}

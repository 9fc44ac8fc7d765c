"""Hands the labels of training samples to the methods that say that they read them."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from mora_bench.backbones.tokens import Part
from mora_bench.data.batch import Batch
from mora_bench.data.samples import View
from mora_bench.methods.network import Model
from mora_bench.tasks.contract import Task
from mora_bench.training.probe import steady


def fit_labelled(model: Model, training: View, batches: Iterable[Batch], task: Task, device: torch.device) -> None:
    """Call `Method.fit_labelled` of a method that reads labels; of any other method nothing happens.

    Args:
        training: the training side, as its mask shows it; batches: its samples, in its order.
    """
    if model.method.reads_labels:
        known = steady(model, training, device)
        model.method.fit_labelled(_labelled(model, training, batches, task), known)


def _labelled(
    model: Model, training: View, batches: Iterable[Batch], task: Task
) -> Iterator[tuple[list[Part], Tensor, Tensor]]:
    labels = torch.from_numpy(task.truth(training.targets.numpy())).float()
    start = 0
    with torch.no_grad():
        for batch in batches:
            stop = start + len(batch)
            yield model.embed(batch), batch.present, labels[start:stop].to(batch.present.device)
            start = stop

"""The subject of checks of methods and imputers: a small network and a few samples that have every modality."""

import copy
import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import Backbone
from mora_bench.cells.recipe import Recipe
from mora_bench.data.batch import Batch
from mora_bench.data.cache import prepare
from mora_bench.data.samples import Samples, View
from mora_bench.data.twins import tables as twins
from mora_bench.methods.contract import Axes, Method
from mora_bench.methods.imputer import Dummy, Imputer
from mora_bench.methods.network import Model, Shortcuts
from mora_bench.plan.blocks import parse_blocks
from mora_bench.tasks.contract import Task
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training.cell import embedders
from mora_bench.training.checkpoint import Checkpoint
from mora_bench.training.labelled import fit_labelled
from mora_bench.training.loop import train
from mora_bench.training.probe import settle

CPU = torch.device("cpu")
MAX_TEXT = 64
SHORT = Recipe(epochs=1, batch=8, lr=3e-3, validate_every=1, warmup=0.1, max_text=MAX_TEXT)
#: The samples for training and for validation.
TRAINING, VALIDATION = slice(0, 16), slice(16, 24)


@dataclass(frozen=True)
class Watched:
    """A trained model, and what there was before: the parameters as they began, the names of those that were declared
    to train, the names of the backbone's parameters by their id, and the backbone's state as it was handed over."""

    model: Model
    start: dict[str, torch.Tensor]
    declared: set[str]
    of_backbone: dict[int, str]
    backbone_state: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Subject:
    """A method with an imputer, and the data that they are checked on.

    Attributes:
        method, imputer: the classes.
        samples: at least 24 small samples that have every modality.
        backbone: makes the same backbone afresh.
        recipe, task: a short training, whose readout the model has.
    """

    method: type[Method]
    imputer: type[Imputer]
    samples: Samples
    backbone: Callable[[], Backbone]
    recipe: Recipe = SHORT
    task: Task = dataclasses.field(default_factory=MultiLabel)

    def model(self, given: Backbone | None = None, axes: Axes | None = None, spare: bool = True) -> Model:
        """A new, untrained model with a fitted imputer; the same on every call. `given`: its backbone, else a new one;
        `spare`: whether to skip what may be skipped."""
        model = self.unfitted(given, axes)
        self.fit(model, self.all_of_training, CPU)
        if spare:
            fresh = given is None and axes is None
            model.shortcuts = self.shortcuts if fresh else settle(model, self.training, CPU)
        return model

    def unfitted(self, given: Backbone | None = None, axes: Axes | None = None) -> Model:
        """As `model`, before its imputer and method are fitted; it skips nothing."""
        backbone = given or self.backbone()
        torch.manual_seed(0)
        imputer = self.imputer(backbone)
        method = self.method(backbone, axes or own_axes(self.method, backbone))
        brought = embedders(self.training, backbone)
        outputs, readout = self.task.outputs(len(self.samples.table.labels)), self.recipe.readout
        return Model(backbone, method, imputer, outputs, 1, brought, readout)

    @property
    def all_of_training(self) -> Batch:
        return self.training.batch(np.arange(len(self.training)))

    def fit(self, model: Model, batch: Batch, device: torch.device) -> None:
        """Fit a model's imputer and method to the training samples, as a cell does; both are on the device."""
        with torch.no_grad():
            model.imputer.fit([(model.embed(batch), batch.present)])
            model.method.fit([(model.embed(batch), batch.present)])
        fit_labelled(model, self.training, [batch], self.task, device)

    @cached_property
    def shortcuts(self) -> Shortcuts:
        """What a new model may skip; as the model, the same on every call."""
        return settle(self.model(spare=False), self.training, CPU)

    @cached_property
    def evaluated(self) -> Model:
        """The trained model that rules share, in evaluation mode; they leave it as it is."""
        model = self.model()
        self.train(model)
        return model.eval()

    @cached_property
    def again(self) -> Watched:
        """A second training, which must give what that of `evaluated` gave."""
        backbone = self.backbone()
        state = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
        of_backbone = {id(p): name for name, p in backbone.named_parameters()}
        model = self.model(backbone)
        start = {name: p.detach().clone() for name, p in model.named_parameters()}
        watched = Watched(model, start, set(model.trained()), of_backbone, state)
        self.train(model)
        return watched

    def take_again(self) -> Watched:
        """The second training for a rule that changes its model; the next rule that asks gets a new one."""
        watched = self.again
        del self.__dict__["again"]
        return watched

    def train(self, model: Model, checkpoint: Checkpoint | None = None) -> None:
        train([model], self.training, self.validation, [self.recipe], 0, CPU, self.task, checkpoint=checkpoint)

    def answers(self) -> np.ndarray:
        """The trained model's logits of the validation samples, float [N, K]."""
        model = self.evaluated
        with torch.no_grad():
            return model(self.validation.batch(np.arange(len(self.validation)))).numpy()

    @property
    def training(self) -> View:
        return self._view(TRAINING)

    @property
    def validation(self) -> View:
        return self._view(VALIDATION)

    def _view(self, part: slice) -> View:
        """Samples that show each pattern of presence in turn, complete first: a third each for text and image."""
        rows = np.arange(VALIDATION.stop)
        modalities = len(self.samples.contents)
        present = np.ones((len(rows), modalities), bool)
        for m in range(modalities):
            present[rows % (modalities + 1) == m + 1, m] = False
        return View(self.samples, rows[part], present[part])


def own_axes(method: type[Method], backbone: Backbone) -> Axes:
    """The method's own rank, blocks and knobs on this backbone."""
    blocks = parse_blocks(str(method.reads["blocks"]), backbone.depth) if "blocks" in method.reads else ()
    return Axes(int(method.reads.get("rank", 0)), blocks)


def example(kind: Any, others: bool = False) -> Subject:
    """The subject of a method alone, or of an imputer with MoRA, on 24 patients of the ODIR twin, or on `others`."""
    rows = range(VALIDATION.stop, 2 * VALIDATION.stop) if others else range(VALIDATION.stop)
    if issubclass(kind, Imputer):
        return subject(registry.get(registry.METHODS, "mora"), kind, rows=rows)
    fit = (net for net in ("small", "small-dual") if not kind.unfit(backbones.resolve(net, MAX_TEXT)))
    return subject(kind, backbone=next(fit, "small"), rows=rows)


def subject(
    method: type[Method],
    imputer: type[Imputer] = Dummy,
    backbone: str = "small",
    rows: range = range(VALIDATION.stop),
) -> Subject:
    """The subject on a backbone and 24 patients of the ODIR twin."""
    spec = backbones.resolve(backbone, MAX_TEXT)
    table = twins.odir(rows)
    with tempfile.TemporaryDirectory() as folder:
        samples = in_memory(prepare(table, "check", spec.rules, Path(folder)))
    loaded = backbones.load(spec, table.shape, MAX_TEXT, 0)
    return Subject(method, imputer, samples, lambda: copy.deepcopy(loaded))


def in_memory(samples: Samples) -> Samples:
    """A copy of the samples in memory, because mapped files may be deleted."""
    contents = []
    for content in samples.contents:
        arrays = {n: np.array(v) for n, v in vars(content).items() if isinstance(v, np.ndarray)}
        contents.append(dataclasses.replace(content, **arrays))
    return dataclasses.replace(samples, contents=tuple(contents))

"""The rules of methods and imputers about what they may not see."""

import dataclasses

import numpy as np
import torch

from mora_bench.checks.rules import expect, some
from mora_bench.checks.subject import Subject
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.contract import Content
from mora_bench.data.presence import pattern_presence
from mora_bench.methods.network import Model

#: Flat arrays of content; a change of their values changes no sample's shape.
FLAT = ("pixels", "ids", "values")


def absent(subject: Subject) -> None:
    """What a sample lacks never reaches its logits: noise or another patient's data in its place change no bit."""
    model, samples, rows = subject.evaluated, subject.samples, np.arange(6)
    for lacking, name in enumerate(model.backbone.modalities):
        present = np.ones((6, len(samples.contents)), bool)
        present[:, lacking] = False
        with torch.no_grad():
            logits = model(samples.batch(rows, present))
        for description, other in _others(samples.contents[lacking], rows).items():
            contents = (*samples.contents[:lacking], other, *samples.contents[lacking + 1 :])
            mixed = dataclasses.replace(samples, contents=contents)
            with torch.no_grad():
                same = torch.equal(logits, model(mixed.batch(rows, present)))
            expect(same, f"{description} in the {name} of samples that have none changed their logits")


def _others(content: Content, rows: np.ndarray) -> dict[str, Content]:
    """The same modality with other content: every flat array replaced by noise, by its rolled values, or by NaN."""
    rng = np.random.default_rng(0)
    names = [n for n in FLAT if hasattr(content, n)]
    shuffled, noise = {}, {}
    for name in names:
        values = getattr(content, name)
        shuffled[name] = np.roll(values, 997 if values.dtype == np.uint8 else 7, axis=0)
        if np.issubdtype(values.dtype, np.integer):
            high = 256 if values.dtype == np.uint8 else int(values.max()) + 1
            noise[name] = rng.integers(5, high, values.shape, values.dtype)
        else:
            noise[name] = rng.normal(size=values.shape).astype(values.dtype)
    replacements = {"noise": noise, "other patients' data": shuffled}
    replacements["NaN"] = {n: np.full(getattr(content, n).shape, np.nan, np.float32) for n in names if n != "ids"}
    others = {
        description: dataclasses.replace(content, **arrays) for description, arrays in replacements.items() if arrays
    }
    return others | {"noise of its kind": content.noised(rows, rng)}


def hidden(subject: Subject) -> None:
    """What the training mask hides changes no bit of what is learned, by `fit` or by training."""
    view, samples = subject.training, subject.samples
    rng = np.random.default_rng(0)
    contents = tuple(c.noised(view.rows[~view.present[:, m]], rng) for m, c in enumerate(samples.contents))
    other = dataclasses.replace(subject, samples=dataclasses.replace(samples, contents=contents))
    first, second = subject.evaluated, other.evaluated
    ours, theirs = first.trained(), second.trained()
    moved = [name for name, parameter in ours.items() if not torch.equal(parameter, theirs[name])]
    expect(not moved, f"noise where the training mask hides something changed {some(moved)}")
    batch = subject.validation.batch(np.arange(6))
    with torch.no_grad():
        same = torch.equal(first(batch), second(batch))
    expect(same, "noise where the training mask hides something changed the logits: what was fitted saw it")


def own_label(subject: Subject) -> None:
    """Where a method reads labels of training samples, a sample's own label there changes nothing of its logits.

    Not in training and not afterwards, whatever part of what it showed it shows.
    """
    if not subject.method.reads_labels:
        return
    view, table = subject.training, subject.samples.table
    for at in range(2 * view.present.shape[1] + 1):
        targets = table.targets.copy()
        targets[view.rows[at]] = 1 - targets[view.rows[at]]
        samples = dataclasses.replace(subject.samples, table=dataclasses.replace(table, targets=targets))
        models = (
            moved_at_random(subject.model()),
            moved_at_random(dataclasses.replace(subject, samples=samples).model()),
        )
        for shown in _parts(view.present[at]):
            batch = subject.samples.batch(view.rows[[at]], shown[None])
            for training in (True, False):
                ours, theirs = (_logits(model, batch, training) for model in models)
                expect(
                    torch.equal(ours, theirs),
                    f"the label of a training sample changed its own logits {'in' if training else 'after'} training: "
                    "leave a sample out of what it reads",
                )


def _parts(present: np.ndarray) -> list[np.ndarray]:
    """Every part of what a sample shows that is not empty, bool [M] each."""
    patterns = pattern_presence(len(present))
    return [pattern for pattern in patterns if not (pattern & ~present).any()]


@torch.no_grad()
def moved_at_random(model: Model) -> Model:
    """The model after a random change of what trains, because what starts at zero lets nothing through."""
    generator = torch.Generator().manual_seed(0)
    for parameter in model.trained().values():
        parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model


@torch.no_grad()
def _logits(model: Model, batch: Batch, training: bool) -> torch.Tensor:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return model.train(training)(batch)

"""The rules of methods and imputers about what they may not see."""

import dataclasses
from typing import Any

import numpy as np
import torch

from mora_bench.checks.rules import expect, some
from mora_bench.checks.subject import Subject
from mora_bench.data.modalities.contract import Content

#: Flat arrays of content; a change of their values changes no sample's shape.
FLAT = ("pixels", "ids", "values")


def absent(subject: Subject) -> None:
    """What a sample lacks never reaches its logits: noise or another patient's data in its place change no bit."""
    model = subject.trained().eval()
    samples, rows = subject.samples, np.arange(6)
    for lacking, name in enumerate(model.backbone.modalities):
        present = np.ones((6, len(samples.contents)), bool)
        present[:, lacking] = False
        for what, other in _others(samples.contents[lacking]).items():
            contents = (*samples.contents[:lacking], other, *samples.contents[lacking + 1 :])
            mixed = dataclasses.replace(samples, contents=contents)
            with torch.no_grad():
                same = torch.equal(model(samples.batch(rows, present)), model(mixed.batch(rows, present)))
            expect(same, f"{what} in the {name} of samples that have none changed their logits")


def _others(content: Content) -> dict[str, Content]:
    """The same modality with other content: every flat array replaced by noise, by its rolled values, or by NaN."""
    rng = np.random.default_rng(0)
    names = [n for n in FLAT if hasattr(content, n)]
    shuffled, noise = {}, {}
    for name in names:
        values = getattr(content, name)
        shuffled[name] = np.roll(values, 997 if values.dtype == np.uint8 else 7, axis=0)
        high = 256 if values.dtype == np.uint8 else int(values.max()) + 1
        whole = np.issubdtype(values.dtype, np.integer)
        noise[name] = rng.integers(5, high, values.shape, values.dtype) if whole else rng.normal(size=values.shape)
    found = {"noise": noise, "other patients' data": shuffled}
    found["NaN"] = {n: np.full(getattr(content, n).shape, np.nan, np.float32) for n in names if n != "ids"}
    return {what: dataclasses.replace(content, **arrays) for what, arrays in found.items() if arrays}


def hidden(subject: Subject) -> None:
    """What the training mask hides changes no bit of what is learned, by `fit` or by training."""
    view, samples = subject.training, subject.samples
    contents = tuple(_replaced(content, view.rows[~view.present[:, m]]) for m, content in enumerate(samples.contents))
    other = dataclasses.replace(subject, samples=dataclasses.replace(samples, contents=contents))
    first, second = subject.trained().eval(), other.trained().eval()
    ours, theirs = first.trained(), second.trained()
    moved = [name for name, parameter in ours.items() if not torch.equal(parameter, theirs[name])]
    expect(not moved, f"noise where the training mask hides something changed {some(moved)}")
    batch = subject.validation.batch(np.arange(6))
    with torch.no_grad():
        same = torch.equal(first(batch), second(batch))
    expect(same, "noise where the training mask hides something changed the logits: what was fitted saw it")


def _replaced(content: Any, rows: np.ndarray) -> Content:
    """The same content with noise in the given rows, if its layout is known."""
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {}
    if hasattr(content, "bounds"):
        ids = found["ids"] = np.array(content.ids)
        for row in rows:
            part = slice(content.bounds[row], content.bounds[row + 1])
            ids[part] = rng.integers(5, int(ids.max()) + 1, len(ids[part]))
    elif hasattr(content, "starts"):
        pixels = found["pixels"] = np.array(content.pixels)
        for row in rows:
            part = slice(content.starts[row], content.starts[row] + 3 * int(np.prod(content.sizes[row])))
            pixels[part] = rng.integers(0, 256, len(pixels[part]))
    elif hasattr(content, "values"):
        values = found["values"] = np.array(content.values)
        values[rows] = rng.normal(size=values[rows].shape)
    return dataclasses.replace(content, **found)

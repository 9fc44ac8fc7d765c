"""Nothing that a training run may not see changes what an imputer puts in place of a missing training value."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import load, make_model

from mora_bench import registry
from mora_bench.data.samples import View
from mora_bench.training.cell import observed

CPU = torch.device("cpu")
TRAIN, OTHERS = np.arange(40), np.arange(40, 60)


def hidden_mask():
    """A third of the training samples lacks the text, a third the image."""
    present = np.ones((len(TRAIN), 2), bool)
    present[::3, 0] = False
    present[1::3, 1] = False
    return present


def altered(toy, what: str):
    """The same samples with other content where `what` says."""
    text, image = toy.contents
    pixels, ids = np.array(image.pixels), np.array(text.ids)
    present = hidden_mask()
    rows = {"hidden": np.arange(0), "others": OTHERS, "labels": np.arange(0)}[what]
    no_text = TRAIN[~present[:, 0]] if what == "hidden" else rows
    no_image = TRAIN[~present[:, 1]] if what == "hidden" else rows
    for row in no_text:
        ids[text.bounds[row] + 1 : text.bounds[row + 1] - 1] = 7
    for row in no_image:
        height, width = image.sizes[row]
        pixels[image.starts[row] : image.starts[row] + height * width * 3] ^= 255
    targets = 1 - toy.table.targets if what == "labels" else toy.table.targets
    contents = (dataclasses.replace(text, ids=ids), dataclasses.replace(image, pixels=pixels))
    return dataclasses.replace(toy, contents=contents, table=dataclasses.replace(toy.table, targets=targets))


def imputed(name, samples, folder):
    backbone = load(folder)
    torch.manual_seed(0)
    model = make_model("mora", backbone, impute=name)
    view = View(samples, TRAIN, hidden_mask())
    model.imputer.fit(observed(model, view, 16, CPU))
    batch = view.batch(np.arange(len(TRAIN)))
    with torch.no_grad():
        return model.imputer.fill(model.backbone.embed(batch), batch.present)


@pytest.mark.parametrize("what", ["hidden", "others", "labels"])
@pytest.mark.parametrize("name", registry.names(registry.IMPUTERS))
def test_imputed_training_values_know_nothing_of(name, what, folder, toy):
    other = altered(toy, what)
    if what != "labels":
        (text, image), (own_text, own_image) = other.contents, toy.contents
        assert (image.pixels != own_image.pixels).any()
        assert (text.ids != own_text.ids).any()
    for a, b in zip(imputed(name, toy, folder), imputed(name, other, folder), strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.mask, b.mask)


@pytest.mark.parametrize("name", ["mean", "knn1", "knn5", "regression", "prototypes"])
def test_they_do_know_what_the_training_mask_shows(name, folder, toy):
    """The test above would pass for an imputer that learns nothing."""
    text, image = toy.contents
    ids = np.array(text.ids)
    for row in TRAIN[2::3]:
        ids[text.bounds[row] + 1 : text.bounds[row + 1] - 1] = 7
    shown = dataclasses.replace(toy, contents=(dataclasses.replace(text, ids=ids), image))
    same = [
        torch.equal(a.x, b.x) for a, b in zip(imputed(name, toy, folder), imputed(name, shown, folder), strict=True)
    ]
    assert not all(same)

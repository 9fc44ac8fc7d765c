"""What a network's logits hang on besides the sample is found out and named."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RECIPE, settled, thirds, tiny_backbone
from torch import nn

from mora_bench.checks.subject import CPU
from mora_bench.methods.contract import Axes, Method
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model
from mora_bench.tasks.multilabel import MultiLabel
from mora_bench.training.loop import train
from mora_bench.training.probe import CLOSE
from mora_bench.training.unsteady import CHANCE, OTHERS, PADDING, owner, unsteady

PLACES = np.arange(8)


class Plain(Method):
    """It adds a trained bias behind block 2."""

    title, source = "plain", "this test"
    first_block = 2

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.bias = nn.Parameter(torch.zeros(backbone.width))

    def block(self, at, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(self.changed(out) + self.bias)

    def changed(self, tokens):
        return tokens.x


class DropsOut(Plain):
    """Dropout that forgets whether it is training."""

    def changed(self, tokens):
        return nn.functional.dropout(tokens.x, 0.1)


class Centres(Plain):
    """It subtracts the mean over the batch."""

    def changed(self, tokens):
        return tokens.x - tokens.x.mean(0)


class SeededNoise(Plain):
    """Noise that is the same each time, by the place in the batch."""

    def changed(self, tokens):
        return tokens.x + 0.1 * torch.randn(tokens.x.shape, generator=torch.Generator().manual_seed(0))


class Averages(Plain):
    """It adds the mean over tokens, padding among them."""

    def changed(self, tokens):
        return tokens.x + tokens.x.mean(1, keepdim=True)


class AveragesWell(Plain):
    """It adds the mean over tokens, padding left out."""

    def changed(self, tokens):
        there = tokens.mask[..., None]
        return tokens.x + (tokens.x * there).sum(1, keepdim=True) / there.sum(1, keepdim=True)


@pytest.fixture
def view(toy):
    return thirds(toy, np.arange(12))


@pytest.fixture
def model_of(toy):
    backbone = tiny_backbone(vocab_size=int(toy.contents[0].ids.max()) + 1)
    return lambda kind: Model(backbone, kind(backbone, Axes()), Dummy(backbone), 8, head_seed=1)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (Plain, ""),
        (AveragesWell, ""),
        (DropsOut, CHANCE),
        (Centres, OTHERS),
        (SeededNoise, OTHERS),
        (Averages, PADDING),
    ],
)
def test_each_cause_is_told_from_the_others(kind, cause, model_of, view):
    assert unsteady(model_of(kind).eval(), view, PLACES, CPU, CLOSE) == cause


def test_training_names_the_cause_and_not_the_first_block(model_of, view):
    model = settled(model_of(DropsOut), view)
    message = f"from those of the whole network after training: DropsOut {CHANCE}."
    with pytest.raises(RuntimeError, match=re.escape(message)):
        train([model], view, view, [replace(RECIPE, epochs=1)], 0, CPU, MultiLabel())


def test_an_imputer_is_named_beside_the_method(model_of):
    model = model_of(Plain)
    assert owner(model) == "Plain"
    model.imputer = type("Guesses", (Dummy,), {})(model.backbone)
    assert owner(model) == "Plain with Guesses"

"""FLOPs against closed forms; the clock; the parameter shares."""

import numpy as np
import pytest
import torch
from conftest import TINY, make_model, settled, thirds, tiny_backbone

from mora_bench.data.batch import Batch
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.training.cost import StepClock
from mora_bench.training.flops import forward_flops, step_flops


def closed_form(text, patches, depth, width, inner, patch, classes, prompts=0, prompted=(), lean=True):
    """2 x multiply-adds of ViLT's forward pass for one sample: patches, blocks, pooler, classifier.

    Lean: of the last block all keys and values, but query, output and feed-forward of [CLS] alone.
    """
    total = patches * 3 * patch**2 * width
    tokens = text + 1 + patches
    for i in range(depth):
        tokens += prompts if i in prompted else 0
        queries = 1 if lean and i == depth - 1 else tokens
        total += 2 * tokens * width**2 + queries * (2 * width**2 + 2 * width * inner) + 2 * queries * tokens * width
    total += width**2 + 2 * width**2 + 2 * width * classes
    return 2 * total


def batch(text=9, rows=2, columns=4):
    words = TextInputs(torch.ones(1, text, dtype=torch.long), torch.ones(1, text, dtype=torch.bool))
    image = ImageInputs(torch.zeros(1, 3, rows * 16, columns * 16), torch.tensor([[rows, columns]]))
    return Batch((words, image), torch.ones(1, 2, dtype=torch.bool))


@pytest.fixture
def model_of(toy):
    """Makes a model with what may be spared found out."""
    view = thirds(toy, np.arange(6))
    vocabulary = int(toy.contents[0].ids.max()) + 1
    return lambda name: settled(make_model(name, tiny_backbone(vocab_size=vocabulary)), view)


@pytest.mark.parametrize("text", [2, 9, 40])
@pytest.mark.parametrize(("name", "extra"), [("head", {}), ("full", {}), ("map", {"prompts": 16, "prompted": (0, 1)})])
def test_forward_is_the_closed_form_by_both_counters(name, extra, text, model_of):
    model = model_of(name)
    expected = closed_form(text, 8, 3, TINY["hidden_size"], TINY["intermediate_size"], 16, 8, **extra)
    assert forward_flops(model, batch(text)).flops == expected
    assert step_flops(model, batch(text))["forward"] == expected


def test_moras_branch_costs_two_thin_products_and_the_choice_of_ups(model_of):
    plain, mora = (model_of(name) for name in ("head", "mora"))
    tokens, width, rank, blocks = 9 + 9, 32, 2, 2
    branch = 2 * blocks * (2 * tokens * width * rank + 2 * rank * width)
    assert forward_flops(mora, batch()).flops - forward_flops(plain, batch()).flops == branch


def test_vilt_b32_forward_is_the_published_order():
    """384 x 384 and 40 tokens: 33.37 G by torch's counter without classifier (shared knowledge of the field)."""
    flops = closed_form(40, 144, 12, 768, 3072, 32, 8, lean=False) / 1e9
    assert flops == pytest.approx(33.37, rel=0.002)


def test_backward_depends_on_where_training_begins(model_of):
    costs = {name: step_flops(model_of(name), batch()) for name in ("head", "mora", "full")}
    convolution = 2 * 8 * 3 * 16**2 * 32
    # Twice the forward pass, but nobody needs the gradient of the pixels.
    assert costs["full"]["backward"] == 2 * costs["full"]["forward"] - convolution
    assert costs["full"]["begin"] == 0
    # MoRA reads the first block's input and output, and changes neither: both are computed once.
    tokens, width, inner = 9 + 9, TINY["hidden_size"], TINY["intermediate_size"]
    block = 2 * (tokens * (4 * width**2 + 2 * width * inner) + 2 * tokens**2 * width)
    assert costs["mora"]["begin"] == convolution + block
    # Frozen weights need no gradient of their own, and nothing before the first branch needs any: less than half.
    assert 0.25 < costs["mora"]["backward"] / costs["full"]["backward"] < 0.5
    assert costs["head"]["backward"] < 0.02 * costs["full"]["backward"]


def test_clock_drops_the_warm_up():
    clock = StepClock(torch.device("cpu"))
    clock._pairs = [(0.0, 1.0)] * 10 + [(0.0, 0.002)] * 40
    read = clock.read(5)
    assert read["step_ms"] == pytest.approx(2)
    assert read["epoch_s"] == pytest.approx(0.01)
    assert (read["steps_warmup"], read["steps_timed"]) == (10, 40)


def test_clock_times_the_body():
    clock = StepClock(torch.device("cpu"))
    for _ in range(5):
        with clock.step():
            np.linalg.svd(np.eye(50))
    assert clock.read(1)["step_ms"] > 0

"""What a dual encoder costs: parameter counts of CLIP ViT-B/32 by closed forms, FLOPs of a small one."""

import msgspec
import pytest
import torch
from conftest import MODALITIES, dual_inputs, make_model, tiny_clip
from transformers import CLIPConfig, CLIPModel

from mora_bench import registry
from mora_bench.backbones.clip import Clip
from mora_bench.backbones.layout import PictureSpec
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.methods.contract import Axes
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model, Shortcuts
from mora_bench.training.cost import parameters
from mora_bench.training.flops import forward_flops, step_flops

BLOCKS, SIX = tuple(range(12)), tuple(range(6))
WIDTHS, BOTH = (512, 768), 512 + 768
#: Both projections, to 512.
PROJECTIONS = BOTH * 512


def counted(name, axes, modalities=MODALITIES):
    with torch.device("meta"):
        seen = PictureSpec(ImageRule(224, 373, 32), [0.5] * 3, [0.5] * 3)
        backbone = Clip(CLIPModel(CLIPConfig()), modalities, seen)
        method = registry.get(registry.METHODS, name)(backbone, axes)
        model = Model(backbone, method, Dummy(backbone), 8, head_seed=0)
    return msgspec.to_builtins(parameters(model))


def test_the_model_is_the_published_one():
    """151,277,313 parameters; the temperature, one of them, does not run here. The classifier reads 1,024 features."""
    counts = counted("full", Axes())
    head = (1024 * 2048 + 2048) + 2 * 2048 + (2048 * 8 + 8)
    assert counts["trained"] == {
        "adapter": 0,
        "pooler": PROJECTIONS,
        "head": head,
        "backbone": 151_277_313 - 1 - PROJECTIONS,
    }


def dcp():
    """Of 12 tokens: two states per modality, six rounds of norm and bottleneck per modality, three patterns' common
    ones of 512 with a bottleneck per modality, an attention layer per modality."""
    total = 2 * 12 * BOTH + 3 * 12 * 512
    for width in WIDTHS:
        total += 6 * (2 * BOTH + (BOTH * 80 + 80) + (80 * width + width))
        total += (512 * 32 + 32) + (32 * width + width)
        total += 4 * (width**2 + width)
    return total


@pytest.mark.parametrize(
    ("name", "axes", "adapter"),
    [
        ("head", Axes(), 0),
        # One down per tower, one up per modality and tower.
        ("mora", Axes(4, (0,)), 4 * BOTH * (1 + 2)),
        ("mora-separate", Axes(4, (0,)), 4 * BOTH * (2 + 2)),
        ("mora-shared", Axes(4, (0,)), 4 * BOTH * (1 + 1)),
        ("lora", Axes(8, BLOCKS), 12 * 2 * 8 * 2 * BOTH),
        ("dora", Axes(8, BLOCKS), 12 * 2 * (8 * 2 + 1) * BOTH),
        ("ia3", Axes(blocks=BLOCKS), 12 * (1 + 1 + 4) * BOTH),
        ("case-lora", Axes(8, BLOCKS), 3 * 12 * 2 * 8 * 2 * BOTH),
        ("map", Axes(blocks=SIX), 3 * 6 * 16 * BOTH),
        ("msp", Axes(blocks=SIX), 2 * 6 * 16 * BOTH),
        ("dcp", Axes(blocks=SIX), dcp()),
        # A common factor; two factors of each of two projections; their two magnitudes each.
        ("mora-zhao", Axes(4, (10, 11)), 2 * BOTH * (4 + 2 * 2 * 4 + 2 * 2)),
    ],
)
def test_adapters_have_their_closed_forms(name, axes, adapter):
    counts = counted(name, axes)
    assert counts["all"]["adapter"] == adapter
    assert counts["trained"]["pooler"] == PROJECTIONS


def test_moras_share_with_three_modalities_grows_by_one_up_per_tower():
    eyes = {"left": "image", "right": "image", "keywords": "text"}
    assert counted("mora", Axes(4, (0,)), eyes)["all"]["adapter"] == 4 * BOTH * (1 + 3)


def tower(tokens, width, inner, depth, lean):
    total = 0
    for i in range(depth):
        queries = 1 if lean and i == depth - 1 else tokens
        total += 2 * tokens * width**2 + queries * (2 * width**2 + 2 * width * inner) + 2 * queries * tokens * width
    return total


@pytest.mark.parametrize("lean", [False, True])
@pytest.mark.parametrize("text", [2, 9, 40])
def test_forward_is_the_closed_form_by_both_counters(text, lean):
    model = make_model("head", tiny_clip())
    model.shortcuts = Shortcuts(lean=lean)
    patches, batch = 8, dual_inputs([(2, 4)], [text])
    expected = patches * 3 * 16**2 * 48 + tower(text, 32, 64, 3, lean) + tower(1 + patches, 48, 64, 3, lean)
    expected += (32 + 48) * 24 + 48 * 96 + 96 * 8
    assert forward_flops(model, batch).flops == 2 * expected
    assert step_flops(model, batch)["forward"] == 2 * expected


def test_moras_branch_costs_two_thin_products_per_tower_and_the_choice_of_ups():
    batch = dual_inputs([(2, 4)], [9])
    plain, mora = (forward_flops(make_model(name, tiny_clip()), batch).flops for name in ("head", "mora"))
    rank, blocks = 2, 2
    branch = sum(2 * tokens * width * rank + 2 * rank * width for tokens, width in ((9, 32), (1 + 8, 48)))
    assert mora - plain == 2 * blocks * branch

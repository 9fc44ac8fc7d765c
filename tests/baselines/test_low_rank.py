"""Low-rank baselines against `peft` on transformers' own ViLT, or against a sample-by-sample reference."""

from dataclasses import replace

import pytest
import torch
from conftest import (
    dual_inputs,
    joined,
    make_model,
    pooled,
    random_inputs,
    through,
    tiny_backbone,
    tiny_clip,
    tiny_siglip,
)
from mora_baselines.case_lora import CaseLora
from mora_baselines.mora_zhao import MoraZhao
from peft import IA3Config, LoraConfig, get_peft_model

from mora_bench import registry
from mora_bench.backbones.contract import At
from mora_bench.backbones.load import resolve
from mora_bench.backbones.tokens import Tokens
from mora_bench.errors import UserError
from mora_bench.methods.contract import Axes, Place

LINEAR = ["query", "key", "value", "attention.output.dense", "intermediate.dense", "output.dense"]
KEY_VALUE = ("attention.attention.key", "attention.attention.value")
CONFIGS = {
    "lora": LoraConfig(
        r=4, lora_alpha=4, target_modules=["query", "value"], layers_to_transform=[0, 2], layers_pattern="layer"
    ),
    "lora-all": LoraConfig(
        r=4, lora_alpha=4, target_modules=LINEAR, layers_to_transform=[0, 2], layers_pattern="layer"
    ),
    "dora": LoraConfig(
        r=4,
        lora_alpha=4,
        target_modules=["query", "value"],
        layers_to_transform=[0, 2],
        layers_pattern="layer",
        use_dora=True,
    ),
    "ia3": IA3Config(
        target_modules=[f"layer.{i}.{name}" for i in (0, 2) for name in (*KEY_VALUE, "output.dense")],
        feedforward_modules=[f"layer.{i}.output.dense" for i in (0, 2)],
    ),
}


def moved_alike(ours, wrapped):
    """What trains of our network and of peft's, by the same names, moved at random to the same values."""
    mine = {n: p for n, p in ours.named_parameters() if p.requires_grad}
    peft = {n.removeprefix("base_model.model."): p for n, p in wrapped.named_parameters() if p.requires_grad}
    assert mine.keys() == peft.keys()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for n, p in mine.items():
            p.add_(torch.randn(p.shape, generator=generator) * 0.1)
            peft[n].copy_(p)
    return mine, peft


@pytest.mark.parametrize("name", CONFIGS)
def test_equals_peft_on_transformers_own_vilt(name):
    """In double precision, where other processors round alike to far below the tolerance."""
    ours, theirs = tiny_backbone().double(), tiny_backbone().double()
    method = registry.get(registry.METHODS, name)(ours, Axes(4, (0, 2)))
    method.attach(ours)
    vilt = get_peft_model(theirs.vilt, CONFIGS[name]).double()
    ours.vilt.double()
    mine, peft = moved_alike(ours.vilt, vilt)
    inputs = random_inputs()
    text, image = inputs.inputs
    image = replace(image, pixels=image.pixels.double())
    out = pooled(ours, replace(inputs, inputs=(text, image)))
    expected = vilt(
        input_ids=text.ids,
        attention_mask=text.mask.long(),
        pixel_values=image.pixels,
        pixel_mask=torch.ones(3, 32, 64),
    ).pooler_output
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-12)
    out.pow(2).sum().backward()
    expected.pow(2).sum().backward()
    for n, p in mine.items():
        torch.testing.assert_close(p.grad, peft[n].grad, rtol=1e-9, atol=1e-12)


def test_case_wise_lora_uses_each_samples_own_update():
    backbone = tiny_backbone()
    method = CaseLora(backbone, Axes(2, (0, 2)))
    torch.nn.init.normal_(method.up["all"], std=0.1)
    tokens = joined(backbone, [[True, True], [True, False], [False, True]])
    method.attach(backbone)
    got = through(backbone, method, tokens).x
    method.detach(backbone)
    # Patterns in order: text only, image only, complete.
    for row, case in enumerate([2, 0, 1]):
        changed = tiny_backbone()
        with torch.no_grad():
            for k, block in enumerate((0, 2)):
                attention = changed.layer(At(0, block)).attention.attention
                for t, linear in enumerate((attention.query, attention.value)):
                    linear.weight += method.up["all"][case, k, t] @ method.down["all"][case, k, t]
        one = {name: part[row : row + 1] for name, part in vars(tokens).items()}
        torch.testing.assert_close(got[row : row + 1], through(changed, None, Tokens(**one)).x, rtol=0, atol=1e-5)


def test_case_wise_lora_starts_as_the_frozen_backbone_and_leaves_no_hook():
    backbone = tiny_backbone()
    method = CaseLora(backbone, Axes(2, (0,)))
    tokens = joined(backbone, [[True, True], [True, False], [False, True]])
    before = through(backbone, None, tokens).x
    method.attach(backbone)
    torch.testing.assert_close(through(backbone, method, tokens).x, before, rtol=0, atol=0)
    method.detach(backbone)
    assert not any(module._forward_hooks for module in backbone.modules())


CLIP_LINEAR = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]
IN_CLIP = {
    "lora": LoraConfig(r=4, lora_alpha=4, target_modules=["q_proj", "v_proj"], layers_to_transform=[0, 2]),
    "lora-all": LoraConfig(r=4, lora_alpha=4, target_modules=CLIP_LINEAR, layers_to_transform=[0, 2]),
    "dora": LoraConfig(
        r=4, lora_alpha=4, target_modules=["q_proj", "v_proj"], layers_to_transform=[0, 2], use_dora=True
    ),
    "ia3": IA3Config(
        target_modules=[
            f"layers.{i}.{name}" for i in (0, 2) for name in ("self_attn.k_proj", "self_attn.v_proj", "mlp.fc2")
        ],
        feedforward_modules=[f"layers.{i}.mlp.fc2" for i in (0, 2)],
    ),
}


@pytest.mark.parametrize("name", IN_CLIP)
def test_equals_peft_on_transformers_own_clip(name):
    ours, theirs = tiny_clip(), tiny_clip()
    method = registry.get(registry.METHODS, name)(ours, Axes(4, (0, 2)))
    method.attach(ours)
    clip = get_peft_model(theirs.net, IN_CLIP[name])
    mine, peft = moved_alike(ours.net, clip)
    batch = dual_inputs([(2, 4), (2, 4), (2, 4)], [5, 9, 2])
    streams = ours.join(ours.embed(batch), batch.present)
    for i in range(ours.depth):
        streams = tuple(ours.block(At(s, i), tokens) for s, tokens in enumerate(streams))
    pooler = torch.nn.ModuleDict({"text": ours.net.text_projection, "image": ours.net.visual_projection})
    out = ours.pool(streams, pooler)
    text, image = batch.inputs
    mean, std = (torch.tensor(v)[:, None, None] for v in ([0.48, 0.46, 0.41], [0.27, 0.26, 0.28]))
    encoded = clip(
        input_ids=text.ids,
        attention_mask=text.mask.long(),
        pixel_values=((image.pixels + 1) / 2 - mean) / std,
        interpolate_pos_encoding=True,
    )
    expected = torch.cat([encoded.text_model_output.pooler_output, encoded.vision_model_output.pooler_output], -1)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-5)
    out.pow(2).sum().backward()
    expected.pow(2).sum().backward()
    for n, p in mine.items():
        torch.testing.assert_close(p.grad, peft[n].grad, rtol=1e-4, atol=1e-4)


def by_hand(weight, update, magnitude):
    """A column at a time."""
    moved = weight + update
    columns = [magnitude[0, i] * moved[:, i] / moved[:, i].pow(2).sum().sqrt() for i in range(weight.shape[1])]
    return torch.stack(columns, 1)


def test_mora_of_zhao_et_al_is_its_formula():
    """Two towers of unlike width, each moved by the other's factor, for both projections of both blocks."""
    backbone = tiny_clip().double()
    method = MoraZhao(backbone, Axes(2, (1, 2), {"alpha": 0.3})).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in method.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator).double())
    factors = {tower: factor.detach() for tower, factor in method.common.items()}
    assert {tower: factor.shape for tower, factor in factors.items()} == {"text": (2, 32, 2), "image": (2, 48, 2)}
    for tower, other in (("text", "image"), ("image", "text")):
        s = backbone.towers.index(tower)
        for k, block in enumerate((1, 2)):
            for t, role in enumerate(("query", "key")):
                frozen = backbone.network.get_submodule(backbone.linear(At(s, block), role)).weight
                gram = sum(torch.outer(row, row) for row in factors[other][k])
                common = factors[tower][k] @ gram @ factors[tower][k].T
                specific = (method.down[tower][k, t] @ method.up[tower][k, t]).T
                expected = by_hand(frozen, 0.3 * common, method.magnitudes[tower][k, t, 0])
                expected = expected + by_hand(frozen, 0.3 * specific, method.magnitudes[tower][k, t, 1])
                got = method.weight(frozen, Place(tower, k), t)
                torch.testing.assert_close(got, expected, rtol=0, atol=1e-12)


def test_mora_of_zhao_et_al_runs_its_weight_and_starts_at_the_frozen_one_and_another():
    backbone = tiny_clip()
    model = make_model("head", backbone)
    batch = dual_inputs([(2, 4), (2, 2)], [5, 9])
    before = model(batch)
    method = MoraZhao(backbone, Axes(2, (1, 2), {"alpha": 0.0}))
    layer = backbone.network.get_submodule(backbone.linear(At(0, 1), "query"))
    # Without either update the weight is twice the frozen one.
    torch.testing.assert_close(method.weight(layer.weight, Place("text", 0), 0), 2 * layer.weight)
    method.attach(backbone)
    x = torch.randn(3, 32)
    torch.testing.assert_close(layer(x), 2 * (x @ layer.weight.T) + layer.bias)
    assert not torch.allclose(model(batch), before)
    method.detach(backbone)
    assert torch.equal(model(batch), before)


def test_mora_of_zhao_et_al_wants_two_encoders():
    with pytest.raises(UserError, match="couples two encoders"):
        MoraZhao(tiny_backbone(), Axes(2, (1, 2)))
    with pytest.raises(UserError, match="no block"):
        MoraZhao(tiny_siglip(), Axes(2, (2,)))
    assert registry.get(registry.METHODS, "mora-zhao").unfit(resolve("small", 64))
    assert not registry.get(registry.METHODS, "mora-zhao").unfit(resolve("small-dual", 64))

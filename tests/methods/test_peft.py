"""MoRA through peft: where its branches are is named, and what is not there or was not tested is refused."""

import pytest
import torch
from conftest import TINY, tiny_backbone, tiny_clip
from peft import PeftModel, get_peft_model
from transformers import (
    BertConfig,
    BertModel,
    BridgeTowerConfig,
    BridgeTowerModel,
    LxmertConfig,
    LxmertModel,
    SwinConfig,
    SwinModel,
    T5Config,
    T5Model,
    ViltConfig,
    ViltForQuestionAnswering,
)

from mora_bench.methods.peft import MoraConfig, MoraLayer

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def bert():
    return BertModel(BertConfig(**SMALL, vocab_size=99))


def swin():
    return SwinModel(
        SwinConfig(image_size=32, patch_size=4, embed_dim=16, depths=[2, 2], num_heads=[2, 2], window_size=4)
    )


def t5():
    return T5Model(T5Config(d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=2, vocab_size=99))


def lxmert():
    layers = {"l_layers": 2, "x_layers": 2, "r_layers": 2}
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "visual_feat_dim": 8}
    return LxmertModel(LxmertConfig(vocab_size=99, **layers, **sizes))


def bridgetower():
    vision = {"hidden_size": 64, "num_hidden_layers": 2, "image_size": 32, "patch_size": 16}
    text = SMALL | {"hidden_size": 64, "vocab_size": 99}
    sizes = SMALL | {"hidden_size": 64}
    return BridgeTowerModel(BridgeTowerConfig(**sizes, text_config=text, vision_config=vision))


def layers(model) -> list[str]:
    return [name for name, module in model.base_model.model.named_modules() if isinstance(module, MoraLayer)]


@pytest.mark.parametrize(
    ("make", "blocks", "layer_names"),
    [
        (lambda: tiny_backbone().vilt, [0, 2], ["encoder.layer.0", "encoder.layer.2"]),
        (
            lambda: tiny_clip().net,
            [1],
            ["text_model.encoder.layers.1", "vision_model.encoder.layers.1"],
        ),
        (
            lambda: ViltForQuestionAnswering(ViltConfig(**TINY, vocab_size=99, num_labels=2)),
            [1],
            ["vilt.encoder.layer.1"],
        ),
    ],
)
def test_the_blocks_found_are_named(make, blocks, layer_names, tmp_path):
    model = get_peft_model(make(), MoraConfig(blocks=blocks))
    assert model.base_model.blocks == layers(model) == layer_names
    model.save_pretrained(tmp_path)
    assert PeftModel.from_pretrained(make(), tmp_path).base_model.blocks == layer_names


@pytest.mark.parametrize("blocks", [[7], [0, 7], [-1]])
def test_a_block_that_is_not_there_is_refused(blocks):
    with pytest.raises(ValueError, match=rf"blocks \[{blocks[-1]}\] are not there: encoder\.layer has 0 to 2\."):
        get_peft_model(tiny_backbone().vilt, MoraConfig(blocks=blocks))
    with pytest.raises(ValueError, match=r"blocks \[\] are not there"):
        get_peft_model(tiny_backbone().vilt, MoraConfig(blocks=[]))


@pytest.mark.parametrize(
    ("make", "name", "lists"),
    [
        (bridgetower, "bridgetower", "cross_modal_text_layers"),
        (lxmert, "lxmert", r"encoder\.layer \(2 LxmertLayer\), encoder\.x_layers \(2 LxmertXLayer\)"),
        (swin, "swin", r"encoder\.layers \(2 SwinStage\), encoder\.layers\.0\.blocks \(2 SwinLayer\)"),
        (t5, "t5", r"encoder\.block \(2 T5Block\)"),
        (bert, "bert", r"encoder\.layer \(2 BertLayer\)"),
        (lambda: torch.nn.Sequential(torch.nn.Linear(2, 2)), "Sequential", "none"),
    ],
)
def test_a_network_that_was_not_tested_is_refused_and_told_what_to_name(make, name, lists):
    message = rf"MoRA was tested on vilt, clip, not on {name}\..*MoraConfig\(towers=\[\.\.\.\]\).*{lists}"
    with pytest.raises(ValueError, match=message):
        get_peft_model(make(), MoraConfig())


def test_a_tower_that_is_named_is_taken():
    model = get_peft_model(bert(), MoraConfig(blocks=[1], towers=["encoder.layer"], modalities=["text"])).eval()
    assert model.base_model.blocks == layers(model) == ["encoder.layer.1"]
    words, present = torch.ones(2, 4, dtype=torch.long), torch.ones(2, 1, dtype=torch.bool)
    with torch.no_grad():
        plain = model(input_ids=words, present=present).last_hidden_state
        model.get_parameter("base_model.model.encoder.layer.1.mora_branch.default.up").normal_()
        moved = model(input_ids=words, present=present).last_hidden_state
        none = model(input_ids=words, present=~present).last_hidden_state
    assert (moved - plain).abs().max() > 0.1
    torch.testing.assert_close(none, plain)


def test_what_is_named_and_is_no_list_of_blocks_is_refused():
    def put(model, *towers):
        return get_peft_model(model, MoraConfig(towers=list(towers), modalities=["image"]))

    with pytest.raises(ValueError, match=r"the tower encoder\.layers is not there\. Lists of modules: encoder\.layer "):
        put(bert(), "encoder.layers")
    with pytest.raises(ValueError, match=r"the tower block stands for encoder\.block, decoder\.block"):
        put(t5(), "block")
    with pytest.raises(ValueError, match="T5Block has no LayerNorm, so the width of its tokens is not known"):
        put(t5(), "encoder.block")
    stages = put(swin(), "encoder.layers")
    with pytest.raises(ValueError, match=r"SwinStage makes \[1, 16, 32\] of \[1, 64, 16\]; a block keeps the shape"):
        stages(pixel_values=torch.zeros(1, 3, 32, 32), present=torch.ones(1, 1, dtype=torch.bool))


def test_adapters_by_sample_are_refused_instead_of_dropped():
    model = get_peft_model(tiny_backbone().vilt, MoraConfig(r=2))
    present = torch.ones(2, 2, dtype=torch.bool)
    inputs = {"input_ids": torch.full((2, 4), 5), "pixel_values": torch.zeros(2, 3, 64, 64), "present": present}
    assert model(**inputs, adapter_names=None).last_hidden_state.shape[0] == 2
    with pytest.raises(ValueError, match="adapter_names is not obeyed"):
        model(**inputs, adapter_names=["default", "__base__"])

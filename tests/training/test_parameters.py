"""Parameter counts of the papers, on ViLT-B/32 built without weights."""

import msgspec
import pytest
from conftest import ON_A_STREAM

from mora_bench.claims import counts
from mora_bench.methods.contract import Axes

BLOCKS, SIX = tuple(range(12)), tuple(range(6))
#: A bottleneck 768-48-768 with biases.
NARROW = (768 * 48 + 48) + (48 * 768 + 768)


def counted(name, axes, classes):
    return msgspec.to_builtins(counts.counted(name, axes, classes))


@pytest.mark.parametrize(
    ("classes", "base", "head", "trained", "share"),
    [(8, 113_547_272, 1_196_552, 1_796_360, 1.582), (20, 113_565_716, 1_214_996, 1_814_804, 1.598)],
)
def test_mora_has_the_papers_counts(classes, base, head, trained, share):
    parameters = counted("mora", Axes(4, (0,)), classes)
    assert parameters["trained"] == {"adapter": 9_216, "pooler": 590_592, "head": head, "backbone": 0}
    assert parameters["model"] - parameters["all"]["adapter"] == base
    assert sum(parameters["trained"].values()) == trained
    assert round(parameters["share_total"], 3) == share
    assert round(parameters["share_adapter"], 4) == 0.0081


@pytest.mark.parametrize(
    ("name", "axes", "adapter"),
    [
        ("head", Axes(), 0),
        ("full", Axes(), 0),
        ("map", Axes(blocks=tuple(range(6))), 3 * 6 * 16 * 768),
        ("lora", Axes(8, BLOCKS), 294_912),
        ("lora-all", Axes(8, BLOCKS), 12 * 8 * (4 * 2 * 768 + 2 * (768 + 3072))),
        # DoRA: LoRA and a magnitude for each output of q and v.
        ("dora", Axes(8, BLOCKS), 294_912 + 12 * 2 * 768),
        # IA3: a factor for each key, value and hidden unit.
        ("ia3", Axes(blocks=BLOCKS), 12 * (768 + 768 + 3072)),
        ("bitfit", Axes(blocks=BLOCKS), 0),
        ("case-lora", Axes(8, BLOCKS), 3 * 294_912),
        ("map-attention", Axes(blocks=SIX), 221_184),
        ("msp", Axes(blocks=SIX), 147_456),
        # DCP: two states of two modalities' 12 prompts; six norms and bottlenecks 1536-96-1536; 12 queries a block; six
        # norms and bottlenecks 768-48-768; three patterns' 12 common prompts; six bottlenecks 768-48-768.
        (
            "dcp",
            Axes(blocks=SIX),
            2 * 2 * 12 * 768
            + 6 * (2 * 1536 + (1536 * 96 + 96) + (96 * 1536 + 1536))
            + 6 * 12 * 768
            + 6 * (2 * 768 + NARROW)
            + 3 * 12 * 768
            + 6 * NARROW,
        ),
        # MemPrompt: for each block and modality 16 keys, 16 prompts of 16 tokens, a shared set, a bottleneck.
        ("memprompt", Axes(blocks=SIX), 6 * 2 * (16 * 768 + 16 * 16 * 768 + 16 * 768 + NARROW)),
        # SCP: 16 fixed prompts in six blocks; in the others 4, a pool of 32 keys of 64 and 32 values.
        ("scp", Axes(blocks=BLOCKS), 6 * 16 * 768 + 6 * (4 * 768 + 32 * 64 + 32 * 768)),
        # AOEPT: 16 queries a block, a norm and a gate 768-48-768 for each of two modalities and shared; a scale.
        ("aoept", Axes(blocks=SIX), 3 * (6 * 16 * 768 + 2 * 768 + NARROW) + 1),
        # RAGPT: its attention; what makes a modality's tokens, and a vector a label, come with the training samples.
        ("ragpt", Axes(blocks=(1,)), 3 * (768 * 768 + 768)),
        ("mora", Axes(4, BLOCKS), 12 * 9_216),
        ("mora-blind", Axes(4, (0,)), 9_216),
        ("mora-swapped", Axes(4, (0,)), 9_216),
        ("mora-shared", Axes(4, (0,)), 2 * 4 * 768),
        ("mora-separate", Axes(4, (0,)), 4 * 4 * 768),
        # LoRA at MoRA's own place and count.
        ("lora-block", Axes(6, (0,)), 9_216),
    ],
)
def test_adapters_have_their_closed_forms(name, axes, adapter):
    assert counted(name, axes, 8)["all"]["adapter"] == adapter


def test_map_is_221_184():
    assert counted("map", Axes(blocks=tuple(range(6))), 8)["trained"]["adapter"] == 221_184


def test_bitfit_trains_the_blocks_biases():
    # q, k, v, attention output, two of the feed-forward, two norms.
    assert counted("bitfit", Axes(blocks=BLOCKS), 8)["trained"]["backbone"] == 12 * (4 * 768 + 3072 + 768 + 2 * 768)


def test_every_method_has_a_closed_form_here():
    tested = {name for mark in test_adapters_have_their_closed_forms.pytestmark for name, *_ in mark.args[1]}
    assert tested == set(ON_A_STREAM)


def test_full_trains_everything():
    parameters = counted("full", Axes(), 8)
    assert sum(parameters["trained"].values()) == parameters["model"] == 113_547_272
    assert parameters["share_total"] == 100

"""Each control differs from MoRA in one thing, and equals it where that thing does not matter."""

import pytest
import torch
from conftest import joined, through, tiny_backbone
from mora_baselines.mora_controls import Blind, LoraBlock, SeparateDown, SharedUp, Swapped

from mora_bench.methods.contract import Axes
from mora_bench.methods.mora import Mora

PRESENT = [[True, True], [True, False], [False, True]]
COMPLETE = [[True, True]] * 3


def outputs(kind, present, training=False):
    backbone = tiny_backbone()
    torch.manual_seed(5)
    method = kind(backbone, Axes(4, (0,))).train(training)
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for branch in method.branches.values():
            branch.up.copy_(torch.randn(branch.up.shape, generator=generator))
    return through(backbone, method, joined(backbone, present)).x


def test_blind_is_mora_on_complete_samples_and_deaf_to_presence():
    assert torch.equal(outputs(Blind, COMPLETE), outputs(Mora, COMPLETE))
    assert torch.equal(outputs(Blind, PRESENT), outputs(Blind, COMPLETE))
    assert not torch.equal(outputs(Mora, PRESENT), outputs(Mora, COMPLETE))


def test_swapped_is_mora_in_training_and_on_complete_samples():
    assert torch.equal(outputs(Swapped, PRESENT, training=True), outputs(Mora, PRESENT, training=True))
    assert torch.equal(outputs(Swapped, COMPLETE), outputs(Mora, COMPLETE))
    turned = [row[::-1] for row in PRESENT]
    assert torch.equal(outputs(Swapped, PRESENT), outputs(Mora, turned))


def test_a_shared_up_cannot_tell_which_modality_is_missing():
    turned = [row[::-1] for row in PRESENT]
    assert torch.equal(outputs(SharedUp, PRESENT), outputs(SharedUp, turned))


def test_lora_around_the_block_is_one_branch_whatever_is_missing():
    assert torch.equal(outputs(LoraBlock, PRESENT), outputs(LoraBlock, COMPLETE))


@pytest.mark.parametrize("present", [PRESENT, COMPLETE])
def test_separate_downs_equal_mora_when_the_downs_are_alike(present):
    backbone = tiny_backbone()
    mora, separate = Mora(backbone, Axes(4, (0,))), SeparateDown(backbone, Axes(4, (0,)))
    with torch.no_grad():
        torch.nn.init.normal_(mora.branches["0"].up)
        separate.branches["0"].up.copy_(mora.branches["0"].up)
        separate.branches["0"].down.copy_(mora.branches["0"].down.expand(2, -1, -1))
    tokens = joined(backbone, present)
    torch.testing.assert_close(
        through(backbone, separate, tokens).x, through(backbone, mora, tokens).x, rtol=1e-5, atol=1e-5
    )

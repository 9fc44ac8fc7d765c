"""MoRA against the paper's formula, sample by sample."""

import itertools

import numpy as np
import pytest
import torch
from conftest import random_presence, tiny_backbone
from hypothesis import given, settings
from hypothesis import strategies as st

from mora_bench.backbones.contract import At
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.branch import Branch
from mora_bench.methods.contract import Axes
from mora_bench.methods.mora import Mora


def by_sample(backbone, method, tokens):
    """The released way: one sample at a time, one up-projection at a time, absent modalities left out."""
    outputs = []
    for row in range(len(tokens)):
        one = Tokens(
            tokens.x[row : row + 1], *(part[row : row + 1] for part in (tokens.mask, tokens.present, tokens.modality))
        )
        for i in range(backbone.depth):
            out = backbone.block(At(0, i), one).x
            if str(i) in method.branches:
                branch = method.branches[str(i)]
                low = torch.nn.functional.linear(one.x, branch.down)
                for m in range(tokens.present.shape[1]):
                    if tokens.present[row, m]:
                        out = out + torch.nn.functional.linear(low, branch.up[m].T)
            one = one.with_x(out)
        outputs.append(one.x)
    return torch.cat(outputs)


@given(
    seed=st.integers(0, 10_000),
    modalities=st.sampled_from([2, 3]),
    rank=st.sampled_from([1, 2, 4, 8, 16, 32]),
    blocks=st.sampled_from([c for n in (1, 2, 3) for c in itertools.combinations(range(3), n)]),
)
@settings(max_examples=25, deadline=None)
def test_equals_the_formula(seed, modalities, rank, blocks):
    backbone = tiny_backbone(seed).double()
    backbone.modalities = tuple("abc"[:modalities])
    torch.manual_seed(seed)
    method = Mora(backbone, Axes(rank, blocks)).double()
    for branch in method.branches.values():
        torch.nn.init.normal_(branch.up)
    rng = np.random.default_rng(seed)
    present = torch.from_numpy(random_presence(rng, 6, modalities))
    mask = torch.from_numpy(rng.random((6, 11)) < 0.8)
    mask[:, 0] = True
    tokens = Tokens(torch.randn(6, 11, 32).double(), mask, present, torch.zeros(6, 11, dtype=torch.int8))
    expected = by_sample(backbone, method, tokens)
    for i in range(backbone.depth):
        tokens = method.block(At(0, i), lambda t, i=i: backbone.block(At(0, i), t), tokens)
    assert (tokens.x - expected)[mask].abs().max() < 1e-10


def test_starts_as_the_frozen_backbone():
    backbone = tiny_backbone()
    method = Mora(backbone, Axes(4, (0,)))
    tokens = Tokens(
        torch.randn(2, 5, 32), torch.ones(2, 5, dtype=torch.bool), torch.ones(2, 2, dtype=torch.bool), torch.zeros(2, 5)
    )
    at = At(0, 0)
    assert torch.equal(method.block(at, lambda t: backbone.block(at, t), tokens).x, backbone.block(at, tokens).x)


def test_down_is_drawn_with_standard_deviation_one_over_rank():
    torch.manual_seed(0)
    for rank in (1, 4, 16):
        assert Branch(4096, rank, 2).down.std().item() == pytest.approx(1 / rank, rel=0.05)


def test_first_block():
    assert Mora(tiny_backbone(), Axes(1, (1, 2))).first_block == 1

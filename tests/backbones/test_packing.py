"""Leaving padding out changes no number, and the groups are the cheapest ones."""

from itertools import combinations, pairwise

import pytest
import torch
from conftest import joined, tiny_backbone
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.backbones import packing
from mora_bench.backbones.contract import At
from mora_bench.backbones.tokens import Tokens

#: What one more group costs, in tokens: nothing, and more than it can save.
FREE, DEAR = 0, 1e9


def mask_of(lengths: list[int], longest: int) -> torch.Tensor:
    """Own tokens at random places, as behind a padded text."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(len(lengths), longest, dtype=torch.bool)
    for row, length in zip(mask, lengths, strict=True):
        row[torch.randperm(longest, generator=generator)[:length]] = True
    return mask


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_every_own_token_is_packed_once_and_comes_back(lengths):
    mask = mask_of(lengths, 9)
    layout = packing.pack(mask, FREE)
    x = torch.randn(*mask.shape, 4)
    packed = layout.pack(x)
    back = layout.unpack(packed, x.shape)
    assert torch.equal(back[mask], x[mask])
    assert sum(rows * length for rows, length in layout.runs) == packed.flatten(0, -2).shape[0]
    # Rows of a group: the samples' own tokens in order, then padding.
    for part, rows, allowed in zip(layout.split(packed), layout.rows(x), layout.masks, strict=True):
        occupied = torch.ones(part.shape[:2], dtype=torch.bool) if allowed is None else allowed[:, 0, 0]
        assert occupied.sum() == sum(int((row != 0).any(-1).sum()) for row in part * occupied[..., None])
        assert len(part) == len(rows)
    restored = layout.restored(torch.cat(layout.rows(x)))
    assert torch.equal(restored, x)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=7), st.integers(0, 40))
def test_groups_are_the_cheapest(lengths, extra):
    ascending = sorted(lengths)

    def cost(groups):
        return sum(rows * longest + extra for rows, longest in groups)

    def cut(places):
        ends = [0, *places, len(ascending)]
        return [(b - a, ascending[b - 1]) for a, b in pairwise(ends)]

    every = [cut(places) for n in range(len(lengths)) for places in combinations(range(1, len(lengths)), n)]
    runs = packing._cut(ascending, extra)
    assert sum(rows for rows, _ in runs) == len(lengths)
    assert cost(runs) == min(map(cost, every))


def test_a_batch_without_padding_stays_whole_and_unmasked():
    layout = packing.pack(torch.ones(3, 5, dtype=torch.bool), FREE)
    assert (layout.runs, layout.masks, layout.at) == (((3, 5),), (None,), None)


def test_one_group_where_another_would_cost_more_than_padding():
    mask = mask_of([3, 9, 9], 9)
    layout = packing.pack(mask, DEAR)
    assert layout.runs == ((3, 9),)
    assert torch.equal(layout.masks[0][:, 0, 0], mask)


@pytest.mark.parametrize("first", [None, 1])
@pytest.mark.parametrize("prefixed", [False, True])
def test_packed_blocks_give_what_padded_ones_give(first, prefixed):
    backbone = tiny_backbone()
    tokens = joined(backbone, [[True, True]] * 6)
    mask = mask_of([14, 3, 9, 9, 14, 5], tokens.x.shape[1])
    mask[:, 0] = True
    x = tokens.x.detach().requires_grad_()
    prefix = (torch.randn(6, 4, 32), torch.randn(6, 4, 32)) if prefixed else None
    outcomes = []
    for layout in (packing.pack(mask, FREE), packing.one_run(mask)):
        x.grad = None
        packing.remember(mask, layout)
        inputs = Tokens(x, mask, tokens.present, tokens.modality)
        out = backbone.block(At(0, 1), inputs, prefix, first).x
        shown = out[:, 0] if first else out[mask]
        shown.pow(2).sum().backward()
        outcomes.append((shown, x.grad[mask], backbone.layer(At(0, 1)).output.dense.weight.grad.clone()))
        backbone.zero_grad()
    assert len(packing.pack(mask, FREE).runs) > 2
    for packed, padded in zip(*outcomes, strict=True):
        torch.testing.assert_close(packed, padded, rtol=1e-5, atol=1e-5)


def test_appended_tokens_are_packed_anew():
    backbone = tiny_backbone()
    tokens = joined(backbone, [[True, True]] * 2)
    backbone.block(At(0, 0), tokens)
    assert packing.recall(tokens.mask).runs == ((2, 15),)
    longer = tokens.append(torch.zeros(2, 3, 32))
    assert packing.recall(longer.mask) is None
    backbone.block(At(0, 0), longer)
    assert packing.recall(longer.mask).runs == ((2, 18),)


def test_a_layout_is_remembered_for_its_very_mask_until_that_is_written_into():
    mask = torch.ones(2, 3, dtype=torch.bool)
    layout = packing.pack(mask, FREE)
    packing.remember(mask, layout)
    assert packing.recall(mask) is layout
    assert packing.recall(mask.clone()) is None
    mask[1, 2] = False
    assert packing.recall(mask) is None

"""Runs a transformer block of any common form, with fused attention and next to no padding (packing.py)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from mora_bench.backbones import packing
from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Tokens


@dataclass(frozen=True)
class Block:
    """The steps of one block. Each works on packed tokens, [B, T, D] or [N, D].

    Attributes:
        before: the block's input -> what query, key and value read.
        query, key, value: linear layers.
        attended: (what the heads give, the block's input) -> the tokens after attention.
        fed: the tokens after attention -> the block's output.
        heads: of attention.
    """

    before: Callable[[Tensor], Tensor]
    query: Callable[[Tensor], Tensor]
    key: Callable[[Tensor], Tensor]
    value: Callable[[Tensor], Tensor]
    attended: Callable[[Tensor, Tensor], Tensor]
    fed: Callable[[Tensor], Tensor]
    heads: int


class Packed(Backbone):
    """A backbone whose blocks run without padding."""

    #: The cost of one more run of samples (packing.py), in multiply-adds. The lower it is, the more runs are made and
    #: the less padding is computed. Runs need lengths that are known without waiting for a device. None: one run.
    run_cost: float | None = 1_500_000

    def see_samples_apart(self, apart: bool) -> None:
        self.run_cost = None if apart else type(self).run_cost

    def run(
        self,
        block: Block,
        tokens: Tokens,
        prefix: tuple[Tensor, Tensor] | None,
        first: int | None,
        order: Tensor | None = None,
    ) -> Tokens:
        """Run one block, as `Backbone.block` says. `order`, int64 [B, T], makes it causal: a token attends to tokens
        whose number is not above its own; all attend to the prefix."""
        layout = self._layout(tokens.mask, tokens.x.shape[-1])
        if order is not None:
            layout = _causal(layout, order, first)
        x = layout.pack(tokens.x)
        y = block.before(x)
        keys, values = layout.split(block.key(y)), layout.split(block.value(y))
        if first is not None:
            x, y = (torch.cat([part[:, :first] for part in layout.split(z)]) for z in (x, y))
        query = block.query(y)
        queries = layout.split(query) if first is None else layout.by_run(query)
        prefixes = [None] * len(keys) if prefix is None else zip(*map(layout.rows, prefix), strict=True)
        runs = zip(queries, keys, values, layout.masks, prefixes, strict=True)
        y = torch.cat([_attend(block.heads, *run).reshape(-1, *y.shape[1:]) for run in runs])
        x = block.fed(block.attended(y, x))
        if first is not None:
            return tokens.first(first).with_x(layout.restored(x))
        return tokens.with_x(layout.unpack(x, tokens.x.shape))

    def _layout(self, mask: Tensor, width: int) -> packing.Packing:
        """The layout of a batch: the one remembered for its mask, or a new one. Only CPU masks are cut into runs."""
        # torch.compile would make a program for every grouping.
        if torch.compiler.is_compiling():
            return packing.one_run(mask)
        layout = packing.recall(mask)
        if layout is None:
            if self.run_cost is None or mask.device.type != "cpu":
                layout = packing.one_run(mask)
            else:
                # Linear layers make 12 D^2 multiply-adds per token.
                layout = packing.pack(mask, self.run_cost / (12 * width**2))
            packing.remember(mask, layout)
        return layout


def _attend(
    heads: int,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    prefix: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Attention of some samples: query [B, Q, D], key and value [B, T, D] -> [B, Q, D]."""
    if prefix is not None:
        key, value = torch.cat([prefix[0], key], 1), torch.cat([prefix[1], value], 1)
        mask = None if mask is None else F.pad(mask, (prefix[0].shape[1], 0), value=True)
    query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (query, key, value))
    with _kernel(query):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).flatten(2)


def _kernel(query: Tensor) -> AbstractContextManager:
    """The kernel of attention: torch's choice, but for training in half precision on a CPU.

    There the gradient of the fused kernel takes 4 to 15 times as long as that of the plain one for up to 40 tokens, and
    as long for 240 (torch 2.13, AVX-512 BF16).
    """
    half = query.dtype in (torch.bfloat16, torch.float16)
    slow = half and query.device.type == "cpu" and query.requires_grad
    return sdpa_kernel(SDPBackend.MATH) if slow else nullcontext()


def _causal(layout: packing.Packing, order: Tensor, first: int | None) -> packing.Packing:
    """A layout whose masks, bool [samples, 1, queries, keys], also hide the keys after each of the queries."""
    masks = []
    for numbers, mask in zip(layout.split(layout.pack(order[..., None])), layout.masks, strict=True):
        after = numbers[:, None, :first] >= numbers[..., 0][:, None, None]
        masks.append(after if mask is None else after & mask)
    return replace(layout, masks=tuple(masks))

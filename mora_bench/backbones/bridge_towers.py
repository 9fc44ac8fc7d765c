"""The towers of BridgeTower up to its first bridge, with an attention over pictures whose layers methods can name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.blocks import Block
from mora_bench.backbones.clip import ClipImage
from mora_bench.backbones.layout import PictureSpec
from mora_bench.backbones.pair import BertText

if TYPE_CHECKING:
    from transformers import BridgeTowerModel


class SplitAttention(nn.Module):
    """torch's attention with a linear layer each for query, key, value and output.

    torch keeps the first three in one weight and reads the weight of the fourth without calling it, so that an adapter
    on them would not run.

    Args:
        packed: whose weights are copied.
    """

    def __init__(self, packed: nn.MultiheadAttention):
        super().__init__()
        self.num_heads, width = packed.num_heads, packed.embed_dim
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))
        layers = (self.q_proj, self.k_proj, self.v_proj)
        with torch.no_grad():
            for layer, weight, bias in zip(
                layers, packed.in_proj_weight.chunk(3), packed.in_proj_bias.chunk(3), strict=True
            ):
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
        self.out_proj.load_state_dict(packed.out_proj.state_dict())
        self.train(packed.training)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
    ) -> tuple[Tensor, None]:
        """As the blocks of transformers call it: [T, B, D] -> [T, B, D], without masks.

        Raises:
            ValueError: it is given a mask.
        """
        if attn_mask is not None or key_padding_mask is not None:
            raise ValueError("BridgeTower's pictures are read without masks")
        layers = zip((self.q_proj, self.k_proj, self.v_proj), (query, key, value), strict=True)
        parts = [layer(x).transpose(0, 1).unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for layer, x in layers]
        heads = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return self.out_proj(heads).transpose(0, 1), None


def split_attention(network: BridgeTowerModel) -> BridgeTowerModel:
    """The network with `SplitAttention` in the blocks of its picture tower, in place; it computes the same."""
    for block in network.vision_model.visual.transformer.resblocks:
        if isinstance(block.attn, nn.MultiheadAttention):
            block.attn = SplitAttention(block.attn)
    return network


class BridgeText(BertText):
    """Args:
    count: blocks up to the first bridge.
    """

    def __init__(self, module: nn.Module, path: str, count: int):
        super().__init__(module, path, mean=False)
        self.count = count

    @property
    def depth(self) -> int:
        return self.count


class BridgeImage(ClipImage):
    """Args:
    count: blocks up to the first bridge; seen: the values that it is used to.
    """

    blocks = "transformer.resblocks"
    paths = {
        "query": "attn.q_proj",
        "key": "attn.k_proj",
        "value": "attn.v_proj",
        "attention_output": "attn.out_proj",
        "mlp_in": "mlp.c_fc",
        "mlp_out": "mlp.c_proj",
    }

    def __init__(self, module: nn.Module, path: str, count: int, seen: PictureSpec):
        super().__init__(module, path, seen.mean, seen.std)
        self.count = count

    @property
    def width(self) -> int:
        return self.module.embeddings.embed_dim

    @property
    def depth(self) -> int:
        return self.count

    def entered(self, x: Tensor) -> Tensor:
        return self.module.ln_pre(x)

    def steps(self, block: int) -> Block:
        layer: Any = self.layer(block)
        attention, mlp = layer.attn, layer.mlp
        return Block(
            before=layer.ln_1,
            query=attention.q_proj,
            key=attention.k_proj,
            value=attention.v_proj,
            attended=lambda heads, x: x + attention.out_proj(heads),
            fed=lambda x: x + mlp["c_proj"](mlp["gelu"](mlp["c_fc"](layer.ln_2(x)))),
            heads=attention.num_heads,
        )

    def norm(self, x: Tensor) -> Tensor:
        return self.module.ln_post(x)

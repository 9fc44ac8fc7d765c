"""Backbones of torch's own encoder layers, whose fused path in evaluation never calls what stands around a layer."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from mora_bench.api import Backbone, ImageInputs, ImageRule, Part, Spec, TextRule, concatenated
from mora_bench.backbones.vilt import SHIPPED

WIDTH, HEADS, DEPTH, PATCH = 24, 2, 2, 16


class Layer(nn.TransformerEncoderLayer):
    """torch's layer, with a layer each for query, key and value, so that methods find them."""

    prefix = None

    def __init__(self):
        super().__init__(WIDTH, HEADS, 2 * WIDTH, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        with torch.no_grad():
            # What the fused path reads: without an adapter it gives the same.
            self.self_attn.in_proj_weight.copy_(torch.cat([n.weight for n in (self.query, self.key, self.value)]))
            self.self_attn.in_proj_bias.copy_(torch.cat([n.bias for n in (self.query, self.key, self.value)]))

    def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
        keys, values, mask = self.key(x), self.value(x), key_padding_mask
        if self.prefix is not None:
            keys, values = torch.cat([self.prefix[0], keys], 1), torch.cat([self.prefix[1], values], 1)
            mask = F.pad(mask, (self.prefix[0].shape[1], 0))
        heads = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (self.query(x), keys, values))
        seen = F.scaled_dot_product_attention(*heads, attn_mask=mask[:, None, None])
        return self.self_attn.out_proj(seen.transpose(1, 2).flatten(2))


class TorchLayers(Backbone):
    title = "torch's encoder layers"
    source = "this test"
    kinds = ("text", "image")
    shipped = {"torch-layers": "two of torch's encoder layers"}
    streams = towers = ("all",)
    widths, depths = (WIDTH,), (DEPTH,)
    roles = {
        "query": "query",
        "key": "key",
        "value": "value",
        "attention_output": "self_attn.out_proj",
        "mlp_in": "linear1",
        "mlp_out": "linear2",
    }
    family = "torch-layers"

    def __init__(self, modalities):
        super().__init__()
        self.modalities = tuple(modalities)
        self.words = nn.Embedding(3000, WIDTH)
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.layers = nn.ModuleList(self.make_layer() for _ in range(DEPTH))
        self.pooler = nn.Linear(WIDTH, WIDTH)

    def make_layer(self):
        return Layer()

    @classmethod
    def describe(cls, name, folder, config, max_text):
        picture = ImageRule(32, 64, PATCH)
        rules = {"text": TextRule(SHIPPED / "tokenizer.json", max_text), "image": picture}
        return Spec(name, cls.family, "torch", depth=DEPTH, width=WIDTH, rules=rules, trained=False)

    @classmethod
    def load(cls, spec, modalities, max_text):
        return cls(modalities).eval()

    @property
    def network(self):
        return self.layers

    def embed(self, batch):
        return [
            self.picture(i) if isinstance(i, ImageInputs) else Part(self.words(i.ids), i.mask) for i in batch.inputs
        ]

    def picture(self, inputs):
        x = self.patches(inputs.pixels)
        at = [torch.arange(size, device=x.device) for size in x.shape[2:]]
        rows, columns = (inputs.grid.to(x.device)[:, k, None] for k in (0, 1))
        mask = (at[0] < rows)[:, :, None] & (at[1] < columns)[:, None]
        return Part(x.flatten(2).transpose(1, 2), mask.flatten(1))

    def join(self, parts, present):
        return (concatenated(list(enumerate(parts)), present),)

    def block(self, at, tokens, prefix=None, first=None):
        layer = self.layer(at)
        layer.prefix = prefix
        x = layer(tokens.x, src_key_padding_mask=~tokens.mask)
        layer.prefix = None
        return tokens.with_x(x) if first is None else tokens.first(first).with_x(x[:, :first])

    def query(self, at, x):
        layer = self.layer(at)
        return layer.query(layer.norm1(x))

    def norm(self, stream, x):
        return x

    def make_pooler(self):
        return copy.deepcopy(self.pooler)

    def pool(self, streams, pooler):
        return pooler(streams[0].x[:, 0]).tanh()

    @property
    def unused(self):
        return [
            *self.pooler.parameters(),
            *(p for name, p in self.layers.named_parameters() if "self_attn.in_proj" in name),
        ]

    def layer(self, at):
        return self.layers[at.block]

    def linear(self, at, role):
        return f"{at.block}.{self.roles[role]}"


class FusedLayers(TorchLayers):
    """The same with torch's fused path switched on again."""

    shipped = {"fused-layers": "two of torch's encoder layers, fused"}
    family = "fused-layers"

    @classmethod
    def load(cls, spec, modalities, max_text):
        loaded = super().load(spec, modalities, max_text)
        torch.backends.mha.set_fastpath_enabled(True)
        return loaded


class ReadLayers(TorchLayers):
    """torch's attention as it is: it reads the weight of `out_proj`, which is never called."""

    shipped = {"read-layers": "two of torch's encoder layers, as they are"}
    family = "read-layers"
    roles = TorchLayers.roles | dict.fromkeys(("query", "key", "value"), "self_attn.out_proj")

    def make_layer(self):
        return nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, dropout=0.1, batch_first=True)


class PaddedLayers(TorchLayers):
    """Its pooler reads the mean of all tokens, padding and what methods append included."""

    shipped = {"padded-layers": "two of torch's encoder layers, with a careless pooler"}
    family = "padded-layers"

    def pool(self, streams, pooler):
        return pooler(streams[0].x.mean(1)).tanh()


class LeftLayers(TorchLayers):
    """It leaves the sizes of pictures, which lie on the CPU, where they are."""

    shipped = {"left-layers": "two of torch's encoder layers, beside sizes that stay on the CPU"}
    family = "left-layers"

    def picture(self, inputs):
        part = super().picture(inputs)
        tokens = inputs.grid.prod(1)[:, None]
        return Part(part.x, part.mask & (part.mask.cumsum(1) <= tokens))


class DeafLayers(TorchLayers):
    """Its tokens attend only to those that its own embedding made."""

    shipped = {"deaf-layers": "two of torch's encoder layers that do not see what is appended"}
    family = "deaf-layers"

    def block(self, at, tokens, prefix=None, first=None):
        length = int((tokens.modality >= 0).any(0).nonzero().max()) + 1
        short = super().block(at, tokens.first(length), prefix, first)
        if first is not None:
            return short
        return tokens.with_x(torch.cat([short.x, tokens.x[:, length:]], 1))

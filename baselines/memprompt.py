"""Memory-driven prompts (Zhao et al., IJCAI 2025, doi 10.24963/ijcai.2025/274), input level.

Each prompted block has, per modality,

- a memory of 16 prompts of 16 tokens, with a key each: the modality's tokens are max-pooled, the 5 most similar keys
  (cosine) are found, and their prompts are averaged with the softmax of the similarities as weights ("generative");
- a set of 16 tokens; the sets of the modalities that a sample has are summed and pass through one bottleneck per
  modality ("shared").

All of them join the sequence and stay in it: 64 tokens per prompted block for text and image. As in the released code
(zhao-yh20/MemPrompt), the query of a missing modality uses its replacement tokens. Two things differ from that code: it
max-pools over padding, too, and what is here leaves padding out, because a sample's answer would else depend on its
batch; and its memory starts at a deviation of 0.005 (Kaiming), here keys, prompts and bottlenecks start as N(0, 0.02).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Axes, Frozen, InBlocks, Place

LENGTH = 16
MEMORY = 16
TOP = 5
REDUCTION = 16


class MemPrompt(InBlocks):
    title = "MemPrompt (padding left out)"
    source = "doi 10.24963/ijcai.2025/274"
    family = "missing-aware"
    reads = {"blocks": "first half"}

    @classmethod
    def unfit(cls, spec: Spec) -> str:
        return "" if spec.single_stream else "its memory is asked by the tokens of all modalities in one sequence"

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        ((depth, width),) = self.shape.values()
        modalities = len(backbone.modalities)
        self.keys = nn.Parameter(0.02 * torch.randn(depth, modalities, MEMORY, width))
        self.memory = nn.Parameter(0.02 * torch.randn(depth, modalities, MEMORY, LENGTH, width))
        self.shared = nn.Parameter(0.02 * torch.randn(depth, modalities, LENGTH, width))
        self.bottlenecks = nn.ModuleList(_bottleneck(width) for _ in range(depth * modalities))

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        k, modalities = place.k, tokens.present.shape[1]
        summed = torch.einsum("bm,mld->bld", tokens.present.to(tokens.x), self.shared[k])
        prompts = [bottleneck(summed) for bottleneck in self.bottlenecks[k * modalities : (k + 1) * modalities]]
        prompts += [self._retrieve(tokens, k, m) for m in range(modalities)]
        return frozen(tokens.append(torch.cat(prompts, 1)))

    def _retrieve(self, tokens: Tokens, k: int, m: int) -> Tensor:
        """[B, 16, D]: the prompts that the memory of modality m holds for these samples."""
        others = (tokens.modality != m)[..., None]
        query = tokens.x.masked_fill(others, -torch.inf).amax(1)
        # Where nothing stands in for what is missing, nothing asks: all keys are alike.
        query = query.masked_fill(others.all(1), 0)
        similarity = F.normalize(query, dim=-1) @ F.normalize(self.keys[k, m], dim=-1).T
        best, which = similarity.topk(min(TOP, MEMORY), dim=1)
        return torch.einsum("bt,btld->bld", best.softmax(1), self.memory[k, m][which])


def _bottleneck(width: int) -> nn.Sequential:
    rank = max(width // REDUCTION, 1)
    thin, wide = nn.Linear(width, rank), nn.Linear(rank, width)
    for layer in (thin, wide):
        nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(thin, nn.GELU(), wide)

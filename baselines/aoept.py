"""AOEPT: prompts from what training samples look like inside the network (Lang et al., ICML 2026).

Before training, the frozen network reads the training samples, what they lack masked out; the mean token of each
modality at the input of each prompted block is collected, and 256 cluster centres of each are kept (`fit`). A block's
prompts for a modality are learned queries plus their attention over its centres, the same for all samples; a gate
then scales their channels by the other modalities that the sample has. A sample gets the prompts of what it lacks (of
one that lacks nothing, the mean over modalities), and a shared set from all centres. Prompts are renewed at every
prompted block and stay after the last. A contrastive loss pulls a modality's gated prompts to its own tokens.

From the authors' code (Jian-Lang/AOEPT, b312905), as its CLIP version and its figure have it: the file for ViLT loads
the centres with the axes of blocks and clusters swapped. With more than two modalities, "the other" is the mean of all
others that are present, which is ours.

Collection (`collect_apart`): as released, a training sample that has several modalities is read once for each, with
that one alone in the sequence, so that its mean tokens are those of a sample that lacks the rest; `false` reads all of
them together, as the network meets the sample later. (Until version 2 this file did that, and did not say so.)

Not as released: means are over a sample's own tokens. The released code, given pictures of unequal size, also counts
those with which ViLT pads a picture to the batch's largest, so that a sample's prompts and output hang on what else is
in its batch, and on chance, because transformers draws the padding from the picture's masked patches. No output may
hang on that here, and there is no such mean that is a function of the sample alone, so it is not offered.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.methods.contract import Axes, Frozen, InBlocks, Place

LENGTH = 16
HEADS = 4
CENTRES = 256
REDUCTION = 16
#: The fewest hidden units of a gate.
LEAST = 8
CONTRAST = 0.05
#: The logarithm of the contrast's scale at the start, 100.
SCALE = 4.6052
SHARED = "shared"


class Aoept(InBlocks):
    title = "AOEPT"
    source = "ICML 2026, github.com/Jian-Lang/AOEPT"
    family = "missing-aware"
    version = 2
    reads = {"blocks": "first half", "collect_apart": True}

    @classmethod
    def unfit(cls, spec: Spec) -> str:
        return "" if spec.single_stream else "what is here is its version for one sequence of all modalities"

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        # In a tuple, because the backbone is no part of the method.
        self.of = (backbone,)
        self.blocks = axes.blocks
        self.apart = bool(axes.knobs.get("collect_apart", self.reads["collect_apart"]))
        self.modalities = len(backbone.modalities)
        width = backbone.widths[0]
        names = [*map(str, range(self.modalities)), SHARED]
        self.queries = nn.ParameterDict({n: 0.02 * torch.randn(len(axes.blocks), LENGTH, width) for n in names})
        self.norms = nn.ModuleDict({n: nn.LayerNorm(width) for n in names})
        self.gates = nn.ModuleDict({n: _gate(width) for n in names})
        self.scale = nn.Parameter(torch.tensor(SCALE))
        self.terms: list[Tensor] = []
        for m in range(self.modalities):
            # What the released code falls back to where training shows nothing of a modality.
            self.register_buffer(f"centres{m}", 0.02 * torch.randn(len(axes.blocks), 32, width))

    def fit(self, observed: Iterable[tuple[list[Part], Tensor]]) -> None:
        for m, blocks in enumerate(self.collected(observed)):
            if len(blocks[0]):
                count = min(CENTRES, *(len(rows.unique(dim=0)) for rows in blocks))
                self.register_buffer(f"centres{m}", torch.stack([_centres(rows, count) for rows in blocks]))

    def collected(self, observed: Iterable[tuple[list[Part], Tensor]]) -> list[list[Tensor]]:
        """By modality and prompted block the mean token at its input of each sample that has the modality, [n, D]."""
        seen: list[list[list[Tensor]]] = [[[] for _ in self.blocks] for _ in range(self.modalities)]
        backbone = self.of[0]
        for parts, present in self.readings(observed):
            (tokens,) = backbone.join(parts, present)
            # Padding, -1, takes the column after the last modality's.
            modality = tokens.modality.long().remainder(self.modalities + 1)
            shown = torch.cat([present, torch.zeros_like(present[:, :1])], 1).gather(1, modality)
            # The first token is what features are read off; it is no modality's content and stays.
            shown[:, 0] = True
            tokens = replace(tokens, mask=tokens.mask & shown)
            for block in range(max(self.blocks) + 1):
                if block in self.blocks:
                    means = self.means(tokens)
                    for m in range(self.modalities):
                        seen[m][self.blocks.index(block)].append(means[present[:, m], m])
                tokens = backbone.block(At(0, block), tokens)
        return [[torch.cat(rows) if rows else torch.zeros(0) for rows in blocks] for blocks in seen]

    def readings(self, observed: Iterable[tuple[list[Part], Tensor]]) -> Iterator[tuple[list[Part], Tensor]]:
        """The samples as they are read: with all their modalities, or once with each of their modalities alone."""
        for parts, present in observed:
            for m in range(self.modalities if self.apart else 0):
                has = present[:, m].nonzero().squeeze(1)
                if len(has):
                    alone = torch.zeros_like(present[has])
                    alone[:, m] = True
                    yield [part.only(has) for part in parts], alone
            if not self.apart:
                yield parts, present

    def means(self, tokens: Tokens) -> Tensor:
        """The mean token of each modality that is in the sequence, [B, M, D]."""
        membership = tokens.modality[:, None] == torch.arange(self.modalities, device=tokens.x.device)[:, None]
        membership = (membership & tokens.mask[:, None]).to(tokens.x)
        return membership @ tokens.x / membership.sum(2, keepdim=True).clamp(min=1)

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        gated, shared = self.prompts(place.k, tokens)
        lacks = (~tokens.present).to(tokens.x)
        complete = ~lacks.any(1, keepdim=True)
        weights = torch.where(complete, torch.full_like(lacks, 1 / self.modalities), lacks)
        mixed = torch.einsum("bm,bmld->bld", weights, gated)
        longer = tokens.append(torch.cat([shared, mixed], 1))
        out = frozen(longer)
        if place.k == 0:
            self.terms = []
        # One sample alone cannot be told from others.
        if self.training and torch.is_grad_enabled() and len(tokens) > 1:
            if out.x.shape != longer.x.shape:
                raise ValueError("the contrast reads all tokens of a prompted block")
            self.terms.append(self.contrast(gated.mean(2), self.means(out).detach(), tokens.present))
        return out if place.k == len(self.blocks) - 1 else out.first(tokens.x.shape[1])

    def prompts(self, k: int, tokens: Tokens) -> tuple[Tensor, Tensor]:
        """The gated prompts of each modality, [B, M, L, D], and the shared ones, [B, L, D], of the k-th block."""
        means, present = self.means(tokens), tokens.present.to(tokens.x)
        gated = []
        for m in range(self.modalities):
            others = present.clone()
            others[:, m] = 0
            count = others.sum(1, keepdim=True)
            context = torch.einsum("bm,bmd->bd", others, means) / count.clamp(min=1)
            gate = torch.where(count > 0, torch.sigmoid(self.gates[str(m)](context)), torch.ones_like(context))
            gated.append(self.proxy(str(m), k, self.get_buffer(f"centres{m}")[k]) * gate[:, None])
        centres = torch.cat([self.get_buffer(f"centres{m}")[k] for m in range(self.modalities)])
        gate = torch.sigmoid(self.gates[SHARED](means.mean(1)))
        return torch.stack(gated, 1), self.proxy(SHARED, k, centres) * gate[:, None]

    def proxy(self, name: str, k: int, centres: Tensor) -> Tensor:
        """Learned queries plus their attention over the centres [N, D] (without projections): [L, D]."""
        query = self.queries[name][k]
        q, c = (x.unflatten(1, (HEADS, -1)).transpose(0, 1)[None] for x in (query, centres))
        retrieved = F.scaled_dot_product_attention(q, c, c)[0].transpose(0, 1).flatten(1)
        return self.norms[name](retrieved + query)

    def contrast(self, prompts: Tensor, features: Tensor, present: Tensor) -> Tensor:
        """For each modality the mean loss, and whether two samples have it: [B, M, D] twice, bool [B, M] -> [2, M].

        A sample's prompts are to find its own features among those of the samples that have the modality.
        """
        a, b = (F.normalize(x, dim=2) for x in (prompts, features))
        logits = self.scale.exp() * torch.einsum("bmd,cmd->mbc", a, b)
        has = present.T
        logits = logits.masked_fill(~has[:, None], torch.finfo(logits.dtype).min / 2)
        right = logits.log_softmax(2).diagonal(dim1=1, dim2=2)
        count = has.sum(1)
        loss = -right.masked_fill(~has, 0).sum(1) / count.clamp(min=1)
        return torch.stack([loss, (count >= 2).to(loss)])

    def penalty(self) -> Tensor | float:
        """CONTRAST times the mean loss of the last training step, over blocks and modalities that can be contrasted."""
        if not self.terms:
            return 0.0
        loss, counts = torch.stack(self.terms).unbind(1)
        return CONTRAST * (loss * counts).sum() / counts.sum().clamp(min=1)


def _gate(width: int) -> nn.Sequential:
    # In a narrow network so few hidden units may all be dead.
    narrow = max(width // REDUCTION, LEAST)
    return nn.Sequential(nn.Linear(width, narrow), nn.ReLU(), nn.Linear(narrow, width))


@threadpool_limits.wrap(limits=1)
def _centres(rows: Tensor, count: int) -> Tensor:
    """Cluster centres of rows: [n, D] -> [count, D]."""
    from sklearn.cluster import KMeans

    values = rows.detach().cpu().numpy().astype(np.float64)
    clusters = KMeans(count, n_init=10, random_state=42).fit(values)
    return torch.from_numpy(clusters.cluster_centers_).to(rows)

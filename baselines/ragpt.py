"""Retrieval-augmented prompts (RAGPT, Lang et al., AAAI 2025, arXiv 2501.01120).

Before training, a memory keeps what enters block 0 of each training sample: tokens, presence, labels (`Memory`).
Then, for each sample,

- the k most similar training samples are found: for what it has, by that modality; for what it lacks, by what it has,
  among those that show what it lacks;
- what it lacks is made (`Generator`) of the mean of its neighbours' tokens, position by position, filtered along the
  sequence in the frequency domain;
- a prompter, one for all modalities, lets its tokens attend to the neighbours' tokens of the same modality, and
  averages what comes out in 6 parts, in the order of the tokens: 6 prompts a modality (`Prompter`);
- one more prompt is the mean of the neighbours' labels, each label a learned vector.

The prompts join the sequence before block 1 and stay. The parts equal the authors' code (Jian-Lang/RAGPT, 6077706) on
the same random values; docs/methods.md lists what is not as released. A training sample must not read its own label:
whatever shows all that a sample shows, with the same tokens, is none of its neighbours, in training and afterwards.
Modalities whose embeddings change in training are not looked for, made or prompted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.errors import UserError
from mora_bench.methods.contract import Axes, Frozen, Method

#: The largest 1 - cosine of two mean tokens that are one content. Rounding makes up to 1e-8 of it; two pictures of the
#: twins are 1e-4 apart.
SAME = 1e-7
#: Decimals of a similarity that count, so that rounding orders no neighbours; the first in the training set is taken.
DECIMALS = 6


class Neighbours(NamedTuple):
    """k training samples for each of B: their numbers, int64 [B, k], and which of these are neighbours, bool [B, k]."""

    rows: Tensor
    valid: Tensor


class Memory:
    """The training samples as the training mask shows them.

    It is no module: a word can be read off its token, so neither checkpoints nor saved adapters are to hold these. A
    cell that goes on makes it again from its data.

    Args:
        batches: the tokens that enter block 0.
        labels: float [N, C]; steady: bool [M], the modalities that it keeps.

    Attributes:
        modalities: the numbers of those that it keeps. By these, tokens [N, T, D], lengths [N] and means [N, D].
        shown: bool [N, M], without those that it does not keep.
    """

    def __init__(self, batches: Sequence[Tokens], labels: Tensor, steady: Tensor):
        self.labels = labels.nan_to_num(0.0)
        self.shown = torch.cat([batch.present for batch in batches]) & steady
        self.modalities: list[int] = steady.nonzero().flatten().tolist()
        self.tokens: dict[int, Tensor] = {}
        self.lengths: dict[int, Tensor] = {}
        self.means: dict[int, Tensor] = {}
        for m in self.modalities:
            rows = [
                x[(of == m) & has[m]]
                for batch in batches
                for x, of, has in zip(batch.x, batch.modality, batch.present, strict=True)
            ]
            self.tokens[m] = nn.utils.rnn.pad_sequence(rows, batch_first=True)
            self.lengths[m] = torch.tensor([len(x) for x in rows], device=labels.device)
            self.means[m] = torch.cat([mean_direction(batch, m) for batch in batches])

    def of(self, m: int, near: Neighbours) -> tuple[Tensor, Tensor]:
        """The neighbours' tokens of a modality, [B, k, T, D], and which of them are no padding, bool [B, k, T]."""
        tokens = self.tokens[m]
        places = torch.arange(tokens.shape[1], device=tokens.device)
        kept = (places < self.lengths[m][:, None])[near.rows] & near.valid[..., None]
        return tokens[near.rows], kept

    def neighbours(self, tokens: Tokens, k: int) -> tuple[dict[int, Neighbours], Neighbours]:
        """The neighbours of each sample, for each modality that the memory keeps, and by all that the sample shows."""
        shown = self.shown
        both = torch.stack([tokens.present[:, m, None] & shown[:, m] for m in self.modalities])
        near = torch.stack([mean_direction(tokens, m) @ self.means[m].T for m in self.modalities])
        has = tokens.present[:, self.modalities].T[:, :, None]
        copy = (~has | (both & (near > 1 - SAME))).all(0)
        count = both.sum(0)
        together = (near * both).sum(0) / count.clamp(min=1)
        allowed = (count > 0) & ~copy
        by_modality = {}
        for s, m in enumerate(self.modalities):
            similarity = torch.where(has[s], near[s], together)
            by_modality[m] = _nearest(similarity, allowed & shown[:, m], k)
        return by_modality, _nearest(together, allowed, k)


@torch.no_grad()
def mean_direction(tokens: Tokens, m: int) -> Tensor:
    """The mean token of a modality, of length 1, float64 [B, D]: its float32 tokens tell copies from others."""
    own = (tokens.modality == m)[..., None]
    mean = tokens.x.double().masked_fill(~own, 0).sum(1) / own.sum(1).clamp(min=1)
    return F.normalize(mean, dim=1)


def _nearest(similarity: Tensor, allowed: Tensor, k: int) -> Neighbours:
    """The k rows of the largest similarity, [B, N], among those that are allowed."""
    scores = (similarity * 10**DECIMALS).round().masked_fill(~allowed, -torch.inf)
    scores = F.pad(scores, (0, max(k - scores.shape[1], 0)), value=-torch.inf)
    best, rows = scores.sort(dim=1, descending=True, stable=True)
    rows = rows[:, :k].clamp(max=similarity.shape[1] - 1)
    return Neighbours(rows, best[:, :k] > -torch.inf)


class Generator(nn.Module):
    """Makes the tokens of a modality out of the mean of its neighbours', as released.

    Args:
        length: n, the most tokens of the modality; width: D.
    """

    def __init__(self, length: int, width: int, dropout: float):
        super().__init__()
        # Complex numbers, because optimisers and files know those badly. Released: a complex normal of variance 1.
        self.filter = nn.Parameter(torch.randn(length, width, 2) / 2**0.5)
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(dropout)
        self.linear = nn.Linear(width, width)

    def forward(self, mean: Tensor) -> Tensor:
        """[B, n, D] -> [B, n, D]."""
        spectrum = torch.fft.fft(mean, dim=1) * torch.view_as_complex(self.filter)
        filtered = torch.fft.ifft(spectrum, dim=1).real
        return self.linear(self.norm(mean + self.drop(filtered)))


class Prompter(nn.Module):
    """Makes prompts out of the attention of a sample's tokens over its neighbours', as released, with one head."""

    def __init__(self, count: int, width: int):
        super().__init__()
        self.count = count
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x: Tensor, own: Tensor, others: Tensor, kept: Tensor) -> Tensor:
        """[B, P, D], zeros where there are no neighbours.

        Args:
            x, own: tokens [B, T, D], and which of them are the modality's, bool [B, T].
            others, kept: the neighbours' tokens [B, S, D], and which of them are no padding, bool [B, S].
        """
        anybody = kept.any(1)
        visible = (kept | ~anybody[:, None])[:, None].expand(-1, x.shape[1], -1)
        attended = F.scaled_dot_product_attention(self.query(x), self.key(others), self.value(others), visible)
        return (self.parts(own).to(attended) @ attended) * anybody[:, None, None]

    def parts(self, own: Tensor) -> Tensor:
        """The share of each token in each of P means, [B, P, T]: a modality's tokens in P parts, as
        `AdaptiveAvgPool1d` cuts them."""
        place, length = own.cumsum(1) - 1, own.sum(1)[:, None]
        part = torch.arange(self.count, device=own.device)
        first, behind = part * length // self.count, -(-(part + 1) * length // self.count)
        inside = own[:, None] & (place[:, None] >= first[..., None]) & (place[:, None] < behind[..., None])
        return inside.double() / inside.sum(2, keepdim=True).clamp(min=1)


class Ragpt(Method):
    """`blocks` are those before which the prompts join; before a second one they are renewed."""

    title = "RAGPT"
    source = "arXiv 2501.01120"
    family = "missing-aware"
    remark = "reads the labels of neighbouring training samples"
    reads_labels = True
    reads = {"blocks": "1", "k": 5, "prompts": 6, "dropout": 0.2, "label_first": False}

    @classmethod
    def unfit(cls, spec: Spec) -> str:
        return "" if spec.single_stream else "its prompts join one sequence of all modalities"

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        knobs = {**self.reads, **axes.knobs}
        self.k, self.dropout = int(knobs["k"]), float(knobs["dropout"])
        self.label_first = bool(knobs["label_first"])
        if self.k < 1 or int(knobs["prompts"]) < 1 or not 0 <= self.dropout < 1:
            raise UserError(f"ragpt: k and prompts are 1 or more and dropout is in [0, 1); it got {axes.knobs}.")
        self.blocks = axes.blocks
        # In a tuple, because the backbone is no part of the method.
        self.of = (backbone,)
        self.prompter = Prompter(int(knobs["prompts"]), backbone.widths[0])
        self.generators = nn.ModuleDict()
        self.memory: Memory | None = None
        #: The label prompt and the others of the samples that run, between block 0 and the last of `blocks`.
        self.made: tuple[Tensor, Tensor] | None = None

    @property
    def first_block(self) -> int:
        return 0

    def fit_labelled(self, observed: Iterable[tuple[list[Part], Tensor, Tensor]], steady: Tensor) -> None:
        if not steady.any():
            raise UserError(
                "ragpt finds neighbours by embeddings that do not change in training, and here none is such. Leave "
                "recipe.dropout at 0, and take --recipe.projection aligned where the backbone has a projection."
            )
        tokens: list[Tokens] = []
        labels: list[Tensor] = []
        for parts, present, truth in observed:
            tokens += self.of[0].join(parts, present)
            labels.append(truth)
        self.memory = Memory(tokens, torch.cat(labels), steady)
        shown, width = self.memory.shown, self.of[0].widths[0]
        for m in self.memory.modalities:
            # Without a sample that shows it beside another modality it is never made.
            if (shown[:, m] & (shown.sum(1) > 1)).any():
                length = self.memory.tokens[m].shape[1]
                self.generators[str(m)] = Generator(length, width, self.dropout).to(shown.device)
        self.label_vectors = nn.Parameter(torch.randn(labels[0].shape[1], width, device=shown.device))

    def block(self, at: At, frozen: Frozen, tokens: Tokens) -> Tokens:
        if self.memory is None:
            return frozen(tokens)
        if at.block == 0:
            tokens = self.prepared(self.memory, tokens)
        if at.block in self.blocks:
            tokens = self.prompted(tokens, renew=at.block > self.blocks[0])
        if at.block == max(self.blocks):
            self.made = None
        return frozen(tokens)

    def prepared(self, memory: Memory, tokens: Tokens) -> Tokens:
        """The tokens with what is missing made; their prompts wait in `made`."""
        by_modality, by_all = memory.neighbours(tokens, self.k)
        tokens = self.completed(memory, tokens, by_modality)
        prompts = []
        for m, near in by_modality.items():
            others, kept = memory.of(m, near)
            prompts.append(self.prompter(tokens.x, tokens.modality == m, others.flatten(1, 2), kept.flatten(1)))
        labels = memory.labels[by_all.rows] * by_all.valid[..., None]
        mean = labels.sum(1) / by_all.valid.sum(1, keepdim=True).clamp(min=1)
        self.made = (mean @ self.label_vectors)[:, None].to(tokens.x), torch.cat(prompts, 1).to(tokens.x)
        return tokens

    def completed(self, memory: Memory, tokens: Tokens, by_modality: dict[int, Neighbours]) -> Tokens:
        """The tokens with those of missing modalities replaced by made ones; where a sample has no neighbours, they
        stay. What features are read off, the first token, stays, too, unless the label prompt stands before it."""
        pieces, masks, kinds, mask = [tokens.x], [], [tokens.modality], tokens.mask
        for name, generator in self.generators.items():
            m = int(name)
            rows, valid = by_modality[m]
            others, kept = memory.of(m, by_modality[m])
            summed = (others * kept[..., None]).sum(1)
            made = generator(summed / kept.sum(1).clamp(min=1)[..., None]).to(tokens.x)
            lengths = (memory.lengths[m][rows] * valid).sum(1) / valid.sum(1).clamp(min=1)
            lacks = (~tokens.present[:, m] & valid.any(1))[:, None]
            there = lacks & (torch.arange(made.shape[1], device=made.device) < lengths.round()[:, None])
            mask = mask & ~(lacks & (tokens.modality == m))
            if not self.label_first:
                first = lacks & (tokens.modality[:, :1] == m)
                mask = torch.cat([mask[:, :1] | first, mask[:, 1:]], 1)
                there = torch.cat([there[:, :1] & ~first, there[:, 1:]], 1)
            pieces.append(made)
            masks.append(there)
            kinds.append(torch.full_like(there, m, dtype=tokens.modality.dtype))
        mask = torch.cat([mask, *masks], 1)
        # Padding goes to the end, and what all samples have of it goes, unless asking for it would stall a GPU.
        longest = int(mask.sum(1).max()) if mask.device.type == "cpu" else mask.shape[1]
        order = (~mask).to(torch.int8).argsort(dim=1, stable=True)[:, :longest]
        x = torch.cat(pieces, 1).gather(1, order[..., None].expand(-1, -1, tokens.x.shape[2]))
        mask = mask.gather(1, order)
        modality = torch.cat(kinds, 1).gather(1, order).masked_fill(~mask, -1)
        return replace(tokens, x=x, mask=mask, modality=modality)

    def prompted(self, tokens: Tokens, renew: bool) -> Tokens:
        """The tokens with their prompts at the end, or the label prompt before them."""
        assert self.made is not None
        label, prompts = self.made
        front = [label] if self.label_first else []
        behind = torch.cat([prompts] if self.label_first else [label, prompts], 1)
        if renew:
            tokens = _between(tokens, len(front), tokens.x.shape[1] - behind.shape[1])
        longer = tokens.append(torch.cat([behind, *front], 1))
        if not front:
            return longer
        # The last token goes to the first place.
        return replace(longer, x=longer.x.roll(1, 1), mask=longer.mask.roll(1, 1), modality=longer.modality.roll(1, 1))


def _between(tokens: Tokens, start: int, stop: int) -> Tokens:
    """Tokens start to stop - 1."""
    cut = slice(start, stop)
    return replace(tokens, x=tokens.x[:, cut], mask=tokens.mask[:, cut], modality=tokens.modality[:, cut])

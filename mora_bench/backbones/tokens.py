"""The data that flow through a backbone: the embedded parts of each modality, and the tokens of a stream."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Part:
    """One modality's tokens before they are joined: x float [B, T, D], mask bool [B, T]."""

    x: Tensor
    mask: Tensor

    def only(self, rows: Tensor) -> Self:
        """Keep only the samples with the given row numbers, int64 [n]."""
        return type(self)(self.x.index_select(0, rows), self.mask.index_select(0, rows))

    def rows(self, which: Tensor) -> list[Tensor]:
        """The tokens of samples `which` (bool [B]) without padding: a list of [t, D]."""
        return [x[mask] for x, mask in zip(self.x[which], self.mask[which], strict=True)]

    def replaced(self, which: Tensor, tokens: list[Tensor]) -> Self:
        """Replace the tokens of samples `which` (bool [B]) by `tokens`, one [t, D] per sample.

        The other samples keep their tokens bit for bit.
        """
        longest = max(self.x.shape[1], *map(len, tokens))
        x = F.pad(self.x, (0, 0, 0, longest - self.x.shape[1]))
        mask = F.pad(self.mask, (0, longest - self.mask.shape[1]))
        lengths = torch.tensor([len(t) for t in tokens], device=x.device)
        at = which.nonzero().squeeze(1)
        padded = nn.utils.rnn.pad_sequence(tokens, batch_first=True).to(x)
        padded = F.pad(padded, (0, 0, 0, longest - padded.shape[1]))
        mask = mask.index_copy(0, at, torch.arange(longest, device=x.device) < lengths[:, None])
        return type(self)(x.index_copy(0, at, padded), mask)


@dataclass(frozen=True)
class Tokens:
    """The token sequence that a block of a stream reads and writes. The pooler reads token 0.

    Attributes:
        x: float [B, T, D]; values on padding are finite and meaningless.
        mask: bool [B, T], False on padding.
        present: bool [B, M], True for observed modalities. An imputed modality is not observed.
        modality: int8 [B, T], the modality of each token, as its place in `Backbone.modalities`; -1 for padding and for
            tokens that a method added.
    """

    x: Tensor
    mask: Tensor
    present: Tensor
    modality: Tensor

    def __len__(self) -> int:
        return len(self.present)

    @property
    def pattern(self) -> Tensor:
        """The pattern of presence of each sample as a number, int64 [B], as in `mora_bench.data.presence`.

        For (text, image): 0 is text only, 1 is image only, 2 is complete.
        """
        return pattern_of(self.present)

    def mean(self) -> Tensor:
        """The mean of each sample's own tokens, [B, D]: without padding, and without what a method added."""
        content = (self.modality >= 0)[..., None]
        return self.x.masked_fill(~content, 0).sum(1) / content.sum(1)

    def with_x(self, x: Tensor) -> Self:
        return replace(self, x=x)

    def append(self, x: Tensor) -> Self:
        """Append tokens x [B, P, D] to the sequence. Attention ignores order, so any place would do."""
        rows, extra = x.shape[:2]
        return replace(
            self,
            x=torch.cat([self.x, x], 1),
            mask=torch.cat([self.mask, self.mask.new_ones(rows, extra)], 1),
            modality=torch.cat([self.modality, self.modality.new_full((rows, extra), -1)], 1),
        )

    def padded(self, length: int) -> Self:
        """The same with T = `length`, at least as long as it is, by padding."""
        more = length - self.mask.shape[1]
        x, mask = F.pad(self.x, (0, 0, 0, more)), F.pad(self.mask, (0, more))
        return replace(self, x=x, mask=mask, modality=F.pad(self.modality, (0, more), value=-1))

    def first(self, count: int) -> Self:
        """Keep only the first `count` tokens. After the last block, the pooler reads `first(1)`."""
        return replace(self, x=self.x[:, :count], mask=self.mask[:, :count], modality=self.modality[:, :count])


def pattern_of(present: Tensor) -> Tensor:
    """The pattern of presence of each sample as a number, bool [B, M] -> int64 [B]; `presence.pattern_index` for
    tensors."""
    return (present * 2 ** torch.arange(present.shape[1], device=present.device)).sum(1) - 1


def concatenated(parts: list[tuple[int, Part]], present: Tensor) -> Tokens:
    """Join parts into one sequence, in order. Each comes with its modality's place in `Backbone.modalities`."""
    mask = torch.cat([part.mask for _, part in parts], 1)
    modality = torch.cat([torch.full_like(part.mask, m, dtype=torch.int8) for m, part in parts], 1)
    return Tokens(torch.cat([part.x for _, part in parts], 1), mask, present, modality.masked_fill(~mask, -1))


def texts_first(parts: Sequence[Part], kinds: Sequence[str], present: Tensor) -> Tokens:
    """Join the parts of all modalities, whose kinds are given in the same order, into one sequence that begins with a
    text's: networks of one stream read its first token."""
    order = sorted(range(len(parts)), key=lambda m: kinds[m] != "text")
    return concatenated([(m, parts[m]) for m in order], present)

"""What flows through a backbone: a batch of inputs, the parts each modality embeds to, and the joined tokens."""

from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.packing import Packing


@dataclass(frozen=True)
class Part:
    """One modality's tokens before they are joined: x float [B, T, D], mask bool [B, T]."""

    x: Tensor
    mask: Tensor

    def only(self, rows: Tensor) -> Self:
        """The samples of the given numbers, int64 [n]."""
        return type(self)(self.x.index_select(0, rows), self.mask.index_select(0, rows))

    def rows(self, which: Tensor) -> list[Tensor]:
        """The tokens of samples `which` (bool [B]) without padding: a list of [t, D]."""
        return [x[mask] for x, mask in zip(self.x[which], self.mask[which], strict=True)]

    def replaced(self, which: Tensor, tokens: list[Tensor]) -> Self:
        """Give samples `which` (bool [B]) other `tokens`, [t, D] each; the others keep theirs bit for bit."""
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
    """The sequence a block reads and writes. Token 0 is the text's [CLS], which the pooler reads.

    Attributes:
        x: float [B, T, D]; on padding it is finite and means nothing.
        mask: bool [B, T], False on padding.
        present: bool [B, M], which modalities were observed (never what an imputer put in their place).
        modality: int8 [B, T], whose token this is: an index into `MODALITIES`, or -1 for padding and for tokens that
            a method added.
        packing: how padding is left out, where that was found out already; it belongs to `mask`.
        ahead: float [B, T, D] or, where only [CLS] is read, [B, 1, D]: what the next block's frozen weights make of
            `x`, where that was computed already.
    """

    x: Tensor
    mask: Tensor
    present: Tensor
    modality: Tensor
    packing: Packing | None = None
    ahead: Tensor | None = None

    def __len__(self) -> int:
        return len(self.present)

    @property
    def pattern(self) -> Tensor:
        """Number of each sample's pattern of presence, int64 [B] in 0..2^M - 2, as `missing.pattern_presence` orders
        them: for text and image 0 is text only, 1 image only, 2 complete."""
        return (self.present * 2 ** torch.arange(self.present.shape[1], device=self.present.device)).sum(1) - 1

    def with_x(self, x: Tensor) -> Self:
        return replace(self, x=x, ahead=None)

    def append(self, x: Tensor) -> Self:
        """Add tokens x [B, P, D] behind the sequence. Attention does not see order, so their place is free."""
        rows, extra = x.shape[:2]
        return replace(
            self,
            x=torch.cat([self.x, x], 1),
            mask=torch.cat([self.mask, self.mask.new_ones(rows, extra)], 1),
            modality=torch.cat([self.modality, self.modality.new_full((rows, extra), -1)], 1),
            packing=None,
            ahead=None,
        )

    def first(self, count: int) -> Self:
        """Only the first `count` tokens. `first(1)` is [CLS]: all that the pooler reads after the last block."""
        x, mask, modality = self.x[:, :count], self.mask[:, :count], self.modality[:, :count]
        return replace(self, x=x, mask=mask, modality=modality, packing=None, ahead=None)


def join(parts: list[Part], present: Tensor) -> Tokens:
    """Concatenate the modalities' parts, in order, into one sequence."""
    mask = torch.cat([part.mask for part in parts], 1)
    modality = torch.cat([torch.full_like(part.mask, m, dtype=torch.int8) for m, part in enumerate(parts)], 1)
    return Tokens(torch.cat([part.x for part in parts], 1), mask, present, modality.masked_fill(~mask, -1))

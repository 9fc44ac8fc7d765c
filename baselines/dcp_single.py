"""Deep correlated prompts (dcp.py), ported to a network with a single stream: a reading, not the published method.

36 prompt tokens per prompted block, new ones in each block: a third correlated, a third dynamic, a third common. The
paper has two encoders; in a single stream each third serves both modalities at once:

- correlated: two sets per modality, one for when it is present and one for when it is missing. A sample takes one
  set of each modality, side by side. One layer norm and bottleneck per prompted block turn them into the first block's
  prompts, and each block's prompts into those of the next block;
- dynamic: learned queries attend to the block's input without the tokens of missing modalities; a layer norm and a
  bottleneck follow;
- common: one set per pattern of presence, passed through one bottleneck per prompted block.

Not ported: prompts of different widths for the two encoders, and zeroing the missing encoder's output feature (a single
stream has one output). How the dynamic third is drawn from the input is our reading; the common third is given to every
block.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.contract import At
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.contract import Frozen

THIRD = 12
REDUCTION = 16


def bottleneck(wide: int, out: int, rank: int) -> nn.Sequential:
    """Linear(wide, rank), GELU, Linear(rank, out)."""
    return nn.Sequential(nn.Linear(wide, rank), nn.GELU(), nn.Linear(rank, out))


class SingleStream(nn.Module):
    """The prompts of `depth` blocks.

    Args:
        modalities: M; depth: prompted blocks; width: D.
    """

    def __init__(self, modalities: int, depth: int, width: int):
        super().__init__()
        rank, side = max(width // REDUCTION, 1), modalities * width
        self.initial = nn.Parameter(0.02 * torch.randn(modalities, 2, THIRD, width))
        self.correlate = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(side), bottleneck(side, side, max(side // REDUCTION, 1))) for _ in range(depth)
        )
        self.queries = nn.Parameter(0.02 * torch.randn(depth, THIRD, width))
        self.dynamic = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), bottleneck(width, width, rank)) for _ in range(depth)
        )
        self.common = nn.Parameter(0.02 * torch.randn(2**modalities - 1, THIRD, width))
        self.share = nn.ModuleList(bottleneck(width, width, rank) for _ in range(depth))

    def block(self, at: At, k: int, frozen: Frozen, tokens: Tokens) -> Tokens:
        """The k-th prompted block."""
        prompts = [self._correlated(tokens.present, k), self._dynamic(tokens, k), self._common(tokens, k)]
        return frozen(tokens.append(torch.cat(prompts, 1))).first(tokens.x.shape[1])

    def _correlated(self, present: Tensor, k: int) -> Tensor:
        """[B, 12, D]: the correlated prompts of the k-th prompted block, averaged over modalities."""
        sides = [self.initial[m, present[:, m].long()] for m in range(present.shape[1])]
        side = torch.cat(sides, -1)
        for layer in self.correlate[: k + 1]:
            side = layer(side)
        return side.unflatten(-1, (present.shape[1], -1)).mean(-2)

    def _dynamic(self, tokens: Tokens, k: int) -> Tensor:
        # Whether each token's modality is present; -1 (padding, added tokens) reads the last column, which is False.
        known = F.pad(tokens.present, (0, 1))
        shown = known.gather(1, tokens.modality.long() % known.shape[1])
        scores = self.queries[k] @ tokens.x.mT / tokens.x.shape[-1] ** 0.5
        attention = scores.masked_fill(~shown[:, None], -torch.inf).softmax(-1)
        return self.dynamic[k](attention @ tokens.x)

    def _common(self, tokens: Tokens, k: int) -> Tensor:
        return self.share[k](self.common)[tokens.pattern]

"""MoRA: modality-aware low-rank adaptation (Shi et al., MICCAI 2024, arXiv 2408.09064).

A low-rank branch runs in parallel to a whole transformer block, over all tokens:

    out = block(x) + sum over present m of up_m(down(x))

`down` [r, D] is shared, drawn from N(0, std = 1/r); there is one `up_m` [D, r] per modality, zero at the start. The
up-projection of a missing modality is left out. No scaling, no bias. The paper's own setting is r = 4 in block 0.

If a backbone has a tower per kind of content, each tower has its own `down` and one `up` per modality. So each tower is
also told what is missing in the others.
"""

from typing import Any

from torch import Tensor, nn

from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Tokens
from mora_bench.methods.branch import Branch
from mora_bench.methods.contract import Axes, Frozen, InBlocks, Place


class Mora(InBlocks):
    title = "MoRA"
    source = "arXiv 2408.09064"
    family = "MoRA"
    reads = {"rank": 4, "blocks": "0"}
    pads_rank = True

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self.names: dict[Place, str] = {}
        self.paths: dict[str, str] = {}
        self.branches = nn.ModuleDict()
        for place, at in self.once().items():
            name = str(at.block) if len(backbone.streams) == 1 else f"{place.tower}-{at.block}"
            self.names[place], self.paths[name] = name, backbone.path(at)
            self.branches[name] = self.branch(backbone.widths[at.stream], axes.rank, len(backbone.modalities))
        self.modalities = backbone.modalities

    def branch(self, width: int, rank: int, modalities: int) -> nn.Module:
        """The branch in parallel to one block."""
        return Branch(width, rank, modalities)

    def gate(self, present: Tensor) -> Tensor:
        """The weight of each up, [B, ups], for samples with presence `present`, bool [B, M]."""
        return present

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        out = frozen(tokens)
        # The last block may return [CLS] alone.
        x = tokens.x[:, : out.x.shape[1]]
        return out.with_x(out.x + self.branches[self.names[place]](x, self.gate(tokens.present)))

    def export(self) -> tuple[Any, dict[str, Tensor]] | None:
        """The adapter as `mora_bench.methods.peft` reads it; None for variants with another branch or gate."""
        if type(self) is not Mora:
            return None
        from mora_bench.methods.peft import MoraConfig

        first: Any = next(iter(self.branches.values()))
        blocks = sorted({at.block for at in self.place})
        towers = list(dict.fromkeys(path.rpartition(".")[0] for path in self.paths.values()))
        config = MoraConfig(r=len(first.down), blocks=blocks, towers=towers, modalities=list(self.modalities))
        tensors: dict[str, Tensor] = {
            f"{self.paths[i]}.mora_branch.{name}": parameter
            for i, branch in self.branches.items()
            for name, parameter in branch.named_parameters()
        }
        return config, tensors

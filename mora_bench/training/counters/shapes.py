"""Published networks by their shapes alone, with random weights: costs depend on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from mora_bench.backbones.clip import MEAN, STD, Clip
from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.layout import PictureSpec
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.vilt import Vilt, extend_positions
from mora_bench.data.modalities.pictures import ImageRule

if TYPE_CHECKING:
    from transformers import PretrainedConfig

MODALITIES = {"text": "text", "image": "image"}
#: MiniLM-L6-H384's, whose weights sentence-transformers made known.
MINILM = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536}


@dataclass(frozen=True)
class Shape:
    """A published network.

    Attributes:
        title: what it is; family: of our backbone, "" where we have none.
        text: positions that it was published with.
        picture: sides of its pictures; patch: of their patches; 0 where it reads none.
        width, depth: features per token, blocks.
        network: makes it.
        backbone: makes a backbone of ours around it for texts of so many tokens; None if we have none.
    """

    title: str
    family: str
    text: int
    picture: int
    patch: int
    width: int
    depth: int
    network: Callable[[], nn.Module]
    backbone: Callable[[nn.Module, int], Backbone] | None = None

    def spec(self, name: str) -> Spec:
        """As methods are asked whether they run on it."""
        rule = ImageRule(self.picture, self.picture, self.patch)
        return Spec(
            name,
            self.family,
            fingerprint="",
            depth=self.depth,
            width=self.width,
            rules={"image": rule},
            trained=False,
            single_stream=self.family == "vilt",
            shallowest=self.depth if self.family == "clip" else 0,
        )


def _bert(**changes: Any) -> nn.Module:
    from transformers import BertConfig, BertModel

    return _random(BertModel, BertConfig(**changes))


def _vilt() -> nn.Module:
    from transformers import ViltConfig, ViltModel

    return _random(ViltModel, ViltConfig())


def _clip() -> nn.Module:
    from transformers import CLIPConfig, CLIPModel

    return _random(CLIPModel, CLIPConfig())


def _random(kind: Any, config: PretrainedConfig) -> nn.Module:
    return kind(config).eval()


def _as_vilt(network: Any, text: int) -> Backbone:
    extend_positions(network, text)
    return Vilt(network, MODALITIES)


def _as_clip(network: Any, text: int) -> Backbone:
    return Clip(network, MODALITIES, PictureSpec(ImageRule(224, 224, 32), MEAN, STD))


SHAPES = {
    "vilt-b32": Shape("ViLT-B/32, arXiv 2102.03334", "vilt", 40, 384, 32, 768, 12, _vilt, _as_vilt),
    "clip-b32": Shape("CLIP ViT-B/32, arXiv 2103.00020", "clip", 77, 224, 32, 512, 12, _clip, _as_clip),
    "bert-base": Shape("BERT base, arXiv 1810.04805", "", 512, 0, 0, 768, 12, _bert),
    "minilm-l6": Shape("BERT of MiniLM-L6-H384's shape", "", 512, 0, 0, 384, 6, lambda: _bert(**MINILM)),
}

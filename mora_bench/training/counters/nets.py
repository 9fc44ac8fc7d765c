"""The networks that are counted: those of a backbone, as transformers runs them, with their inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from mora_bench.backbones import grids
from mora_bench.backbones import load as backbones
from mora_bench.backbones.clip import Clip
from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.layout import number, read_json
from mora_bench.backbones.pair import Pair
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.vilt import Vilt
from mora_bench.data.batch import Batch, Inputs
from mora_bench.data.modalities.features import FeatureInputs, FeatureRule
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextInputs, TextRule
from mora_bench.errors import UserError
from mora_bench.training.counters.contract import Net, Positional
from mora_bench.training.counters.shapes import MODALITIES, SHAPES

#: The most tokens of a text, and patches of a picture, that are counted: attention holds the squares of both.
MOST, MOST_PATCHES = 2048, 4096
#: Tokens of a text where a user's backbone takes any number: ViLT's.
USUAL = 40
POSITIONS = "max_position_embeddings"


@dataclass(frozen=True)
class InputSize:
    """The size of a net's inputs: tokens of the text, sides of the picture; None: the net's own."""

    text: int | None = None
    picture: tuple[int, int] | None = None


@dataclass(frozen=True)
class CountedNet:
    """A backbone and what is counted of it.

    Attributes:
        name: as the user gave it; title: what it is.
        nets: its networks as transformers runs them.
        text, picture: the sizes of their inputs; picture is None where they read none.
        notes: what to know about that.
        backbone, spec: as we run it; None of a published network that we have no backbone of.
        batch: its inputs.
    """

    name: str
    title: str
    nets: tuple[Net, ...]
    text: int
    picture: tuple[int, int] | None
    notes: tuple[str, ...] = ()
    backbone: Backbone | None = None
    spec: Spec | None = None
    batch: Batch | None = None


def subject(name: str, asked: InputSize, attention: str | None = None) -> CountedNet:
    """The networks to count of a backbone, or a published network by its shape.

    Raises:
        UserError: unknown name, lengths that it cannot take, or an attention that it does not have.
    """
    original = _published(name, asked) if name in SHAPES else _loaded(name, asked)
    if attention is None:
        return original
    return replace(original, nets=tuple(_attending(net, attention) for net in original.nets))


def _published(name: str, asked: InputSize) -> CountedNet:
    shape = SHAPES[name]
    text = shape.text if asked.text is None else asked.text
    notes = _fitting(name, text, MOST if shape.family == "vilt" else shape.text, shape.text)
    if not shape.picture and asked.picture:
        raise UserError(f"--picture-size: {name} reads no pictures. Leave it out.")
    picture = _sides(name, asked, ImageRule(shape.picture, shape.picture, shape.patch)) if shape.picture else None
    torch.manual_seed(0)
    network: Any = shape.network()
    title = f"{shape.title}, random weights"
    if shape.backbone is None:
        return CountedNet(name, title, (_net("text", network, _words(network, text)),), text, None, notes)
    backbone = shape.backbone(network, text)
    batch = _batch(backbone, text, picture, shape.patch)
    return CountedNet(
        name, title, _plain(backbone, batch, text), text, picture, notes, backbone, shape.spec(name), batch
    )


def _loaded(name: str, asked: InputSize) -> CountedNet:
    spec = backbones.resolve(name, MOST)
    modalities = {modality: kind for modality, kind in MODALITIES.items() if kind in spec.rules}
    words, image = spec.rules.get("text"), spec.rules.get("image")
    limit = words.max_text if isinstance(words, TextRule) else MOST
    usual = limit if limit < MOST else USUAL
    if spec.family == "vilt" and spec.folder is not None:
        config = {POSITIONS: USUAL} | read_json(spec.folder, "config.json", name)
        usual = number(config, POSITIONS, spec.folder / "config.json")
    text = usual if asked.text is None else asked.text
    notes = _fitting(name, text, limit, usual)
    size = image.pixels if isinstance(image, FeatureRule) else image
    if asked.picture and not isinstance(size, ImageRule):
        raise UserError(f"--picture-size: {name} reads no pictures. Leave it out.")
    picture = _sides(name, asked, size) if isinstance(size, ImageRule) else None
    backbone = backbones.load(spec, modalities, text, seed=0)
    title = f"{spec.family}, {'its' if spec.trained else 'random'} weights"
    if isinstance(image, grids.FeatureGrid):
        assert picture is not None
        batch = _batch(backbone, text, picture, image)
        nets = (*_reading(backbone, batch, text), _seeing(image, picture))
        return CountedNet(name, title, nets, text, picture, (*notes, _beforehand(image)), backbone, spec, batch)
    batch = _batch(backbone, text, picture, size.multiple if isinstance(size, ImageRule) else 1)
    return CountedNet(name, title, _plain(backbone, batch, text), text, picture, notes, backbone, spec, batch)


def _beforehand(rule: FeatureRule) -> str:
    """A note on a backbone that reads a frozen network's features of pictures."""
    tokens = f"{rule.tokens} token{'s' * (rule.tokens > 1)} a picture"
    return (
        f"The picture network runs once per picture, before all training and prediction, and gives {tokens}; the other "
        "network, and all that is said of methods, is what a pass takes besides."
    )


def _reading(backbone: Backbone, batch: Batch, text: int) -> tuple[Net, ...]:
    """The networks that run in every pass of a backbone that reads features of pictures."""
    if isinstance(backbone, Pair):
        words: Any = backbone.network
        return (_net("text tower", words["text"], _words(words["text"], text)),)
    return (Net("text network with its projection of pictures", _AsRun(backbone, batch), _named(batch)),)


def _seeing(rule: grids.FeatureGrid, picture: tuple[int, int]) -> Net:
    """The frozen network of pictures, on one of them."""
    module = _AsTuple(grids.network(rule.source, rule.digest))
    return Net("picture network, once per picture", module, {"pixels": torch.zeros(1, 3, *picture)})


def _fitting(name: str, text: int, limit: int, usual: int) -> tuple[str, ...]:
    """Notes on a text's length; refuses one that a backbone cannot take."""
    if not 1 <= text <= min(limit, MOST):
        raise UserError(f"--text-length {text}: {name} reads texts of 1 to {min(limit, MOST)} tokens.")
    if limit > usual < text:
        return (f"Positions of texts are stretched from {usual} to {text}, as a grid with --recipe.max-text does.",)
    return ()


def _sides(name: str, asked: InputSize, rule: ImageRule) -> tuple[int, int]:
    """Height and width of the picture: a square of the backbone's own size, unless asked for."""
    if asked.picture is None:
        return rule.size(rule.shorter, rule.shorter)
    patch = rule.multiple
    if any(side < patch or side % patch for side in asked.picture) or _patches(asked.picture, patch) > MOST_PATCHES:
        height, width = asked.picture
        raise UserError(
            f"--picture-size {height} {width}: {name} reads sides that are multiples of {patch}, and at most "
            f"{MOST_PATCHES} patches."
        )
    return asked.picture


def _patches(picture: tuple[int, int], patch: int) -> int:
    return picture[0] * picture[1] // patch**2


def _batch(backbone: Backbone, text: int, picture: tuple[int, int] | None, patch: int | FeatureRule) -> Batch:
    """One complete sample, as our backbones are given it: a picture in patches, or a frozen network's features."""
    inputs: list[Inputs] = []
    for name in backbone.modalities:
        if name == "text":
            ids = torch.ones(1, text, dtype=torch.long)
            inputs.append(TextInputs(ids, torch.ones_like(ids, dtype=torch.bool)))
        elif isinstance(patch, FeatureRule):
            features = torch.zeros(1, 1, patch.tokens, patch.width)
            inputs.append(FeatureInputs(features, torch.zeros(1, 1, dtype=torch.long)))
        else:
            assert picture is not None
            sides = torch.tensor([[picture[0] // patch, picture[1] // patch]])
            inputs.append(ImageInputs(torch.zeros(1, 3, *picture), sides))
    return Batch(tuple(inputs), torch.ones(1, len(inputs), dtype=torch.bool))


def _plain(backbone: Backbone, batch: Batch, text: int) -> tuple[Net, ...]:
    """The networks of a backbone as transformers runs them; of another family, the backbone as it runs here."""
    inputs = dict(zip(backbone.modalities, batch.inputs, strict=True))
    network: Any = backbone.network
    if isinstance(backbone, Vilt):
        pixels = _pixels(inputs["image"])
        seen = {"pixel_mask": torch.ones(1, *pixels.shape[2:], dtype=torch.long)}
        return (_net("text and picture", network, _words(network, text) | {"pixel_values": pixels} | seen),)
    if isinstance(backbone, Clip):
        words = _words(network.text_model, text)
        return (_net("both towers", network, words | {"pixel_values": _pixels(inputs["image"])}),)
    if isinstance(backbone, Pair):
        words, pictures = network["text"], network["image"]
        return (
            _net("text tower", words, _words(words, text)),
            _net("image tower", pictures, {"pixel_values": _pixels(inputs["image"])}),
        )
    return (Net("as it runs here", _AsRun(backbone, batch), _named(batch)),)


def _words(network: Any, length: int) -> dict[str, Tensor]:
    """A text without padding, that ends as CLIP's do."""
    config = network.config
    ids = torch.full((1, length), next(token for token in (1, 2) if token != config.pad_token_id))
    if config.model_type.startswith("clip"):
        ids[0, -1] = config.eos_token_id
    words = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    typed = getattr(config, "type_vocab_size", 0)
    return words | ({"token_type_ids": torch.zeros_like(ids)} if typed else {})


def _net(name: str, network: Any, inputs: dict[str, Tensor]) -> Net:
    config = network.config
    seen = getattr(config, "vision_config", config)
    constants: dict[str, Any] = {}
    if "pixel_values" in inputs and config.model_type != "vilt":
        size = seen.image_size if isinstance(seen.image_size, int) else seen.image_size[0]
        if tuple(inputs["pixel_values"].shape[2:]) != (size, size) and config.model_type != "dinov2":
            constants["interpolate_pos_encoding"] = True
    module = Positional(network, tuple(inputs), constants).eval()
    return Net(f"{type(network).__name__}, {name}", module, inputs, config._attn_implementation)


def _attending(net: Net, attention: str) -> Net:
    """The same network with another implementation of attention."""
    if not isinstance(net.module, Positional):
        raise UserError("--attention: the backbone runs its own attention, not one of transformers'. Leave it out.")
    network: Any = net.module.module
    # transformers only warns where it has no choice.
    network.set_attn_implementation(attention)
    if network.config._attn_implementation != attention:
        raise UserError(
            f"--attention {attention}: transformers' {type(network).__name__} has "
            f"{network.config._attn_implementation} alone. Leave it out."
        )
    return replace(net, attention=attention)


def _pixels(inputs: Inputs) -> Tensor:
    assert isinstance(inputs, ImageInputs)
    return inputs.pixels


def _named(batch: Batch) -> dict[str, Tensor]:
    return {str(at): tensor for at, tensor in enumerate(batch.tensors())}


class _AsTuple(nn.Module):
    """A network that gives one tensor, as tools are handed networks."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return (self.module(pixels),)


class _AsRun(nn.Module):
    """A backbone of another family from inputs to features, as it runs here."""

    def __init__(self, backbone: Backbone, batch: Batch):
        super().__init__()
        self.backbone, self.pooler = backbone, backbone.make_pooler()
        self._batch = batch

    def forward(self, *tensors: Tensor, **named: Tensor) -> tuple[Tensor, ...]:
        batch = self._batch.with_tensors([*tensors, *named.values()])
        streams = self.backbone.join(self.backbone.embed(batch), batch.present)
        for block in range(self.backbone.depth):
            streams = tuple(self.backbone.block(At(s, block), tokens) for s, tokens in enumerate(streams))
        return (self.backbone.pool(streams, self.pooler),)

"""What each family of backbones costs at its published base size, by counting: the table of docs/backbones.md.

    python benchmarks/costs_of_families.py > results/reference/families/costs.md
    python benchmarks/costs_of_families.py "ViLT-B/32" "FLAVA full"

Each family's folder is made in a temporary directory with random weights in float32, one after the other: counts depend
on shapes alone. With names, only those rows. Counters are those of records (`mora_bench.training.flops` and `cost`).
Takes up to 1.3 GB of disk and 5 GB of memory at a time, and some minutes of one core.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from tabulate import tabulate
from torch import Tensor
from transformers import BertConfig, BertModel, PretrainedConfig

from mora_bench import registry
from mora_bench.backbones.openclip_folder import CONFIG as OPEN_CLIP_CONFIG
from mora_bench.backbones.openclip_folder import WEIGHTS as OPEN_CLIP_WEIGHTS
from mora_bench.backbones.vilt import SHIPPED
from mora_bench.data.batch import Batch
from mora_bench.data.samples import View
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model
from mora_bench.training.cost import parameters
from mora_bench.training.counters.methods import Settings, axes_of
from mora_bench.training.counters.nets import CountedNet, InputSize, subject
from mora_bench.training.counters.run import ours
from mora_bench.training.flops import counted
from mora_bench.training.probe import settle

#: Tokens of the text; labels of the classifier.
TEXT, CLASSES = 40, 8
#: The methods of the table, with their own ranks and blocks: MoRA of rank 4 beside block 0, LoRA of rank 8 in all.
METHODS = ("head", "mora", "lora", "full")
#: The group of parameters that no backbone has without a method.
NOT_BACKBONE = ("adapter", "head")
HEADERS = (
    "family", "picture", "tokens", "parameters, M", "forward", "`head`", "`mora`", "`lora`", "`full`",
    "MoRA's adapter, %",
)  # fmt: skip
#: Writes a folder with weights; gives what `--backbone` calls it.
Maker = Callable[[Path], str]


@dataclass(frozen=True)
class Family:
    """One row: its title, what makes its folder, and whether its projection is frozen, as an aligned one is."""

    title: str
    make: Maker
    aligned: bool = False


@dataclass(frozen=True)
class FamilyCost:
    """The cost of one complete sample.

    Attributes:
        picture: height and width in pixels; tokens: of each modality.
        parameters: of the network that runs in every pass, without classifier and adapter.
        forward: GFLOPs of its forward pass.
        steps: GFLOPs of a training step by method, without the beginning that is kept.
        share: percent of the parameters that MoRA's adapter is.
        frozen_parameters, frozen: parameters and GFLOPs of a picture network that runs once a picture; 0 without one.
    """

    picture: tuple[int, int]
    tokens: dict[str, int]
    parameters: int
    forward: float
    steps: dict[str, float]
    share: float
    frozen_parameters: int = 0
    frozen: float = 0.0


def transformers_folder(kind: str, config: PretrainedConfig, pictures: dict[str, Any] | None = None) -> Maker:
    """Makes a folder in transformers' layout: a class of its, its configuration, the settings of its pictures."""

    def make(folder: Path) -> str:
        torch.manual_seed(0)
        getattr(transformers, kind)(config).save_pretrained(folder)
        if pictures is not None:
            (folder / "preprocessor_config.json").write_text(json.dumps(pictures))
        _write_tokenizer(folder)
        return str(folder)

    return make


def open_clip_folder(text: BertConfig, image: dict[str, int], hidden: int, features: int, context: int) -> Maker:
    """Makes a folder in open_clip's layout: a BERT beside timm's plain ViT.

    Args:
        image: width, blocks, mlp (features inside), patch and side of the ViT.
        hidden, features: inside and at the end of the text's projection; context: the most tokens of a text.
    """

    def make(folder: Path) -> str:
        torch.manual_seed(0)
        words = BertModel(text, add_pooling_layer=False).state_dict()
        weights = {f"text.transformer.{name}": weight for name, weight in words.items()}
        shapes = {f"visual.trunk.{name}": shape for name, shape in _vit_shapes(**image).items()}
        shapes["visual.head.proj.weight"] = (features, image["width"])
        shapes |= {"text.proj.0.weight": (hidden, text.hidden_size), "text.proj.2.weight": (features, hidden)}
        weights |= {name: torch.randn(shape) * 0.02 for name, shape in shapes.items()}
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / OPEN_CLIP_WEIGHTS[0])
        vision = {"timm_model_name": f"vit_base_patch{image['patch']}_{image['side']}", "timm_pool": ""}
        vision |= {"timm_proj": "linear", "image_size": image["side"]}
        towers = {"hf_model_name": "bert", "hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler"}
        model = {"embed_dim": features, "vision_cfg": vision, "text_cfg": towers | {"context_length": context}}
        (folder / OPEN_CLIP_CONFIG).write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
        _write_tokenizer(folder)
        return str(folder)

    return make


def _vit_shapes(width: int, blocks: int, mlp: int, patch: int, side: int) -> dict[str, tuple[int, ...]]:
    """The shapes of timm's plain ViT by its names."""
    shapes: dict[str, tuple[int, ...]] = {"cls_token": (1, 1, width), "pos_embed": (1, (side // patch) ** 2 + 1, width)}
    shapes |= {"patch_embed.proj.weight": (width, 3, patch, patch), "patch_embed.proj.bias": (width,)}
    layers = {"attn.qkv": (3 * width, width), "attn.proj": (width, width)}
    layers |= {"mlp.fc1": (mlp, width), "mlp.fc2": (width, mlp)}
    for block in range(blocks):
        for name, shape in layers.items():
            shapes |= {f"blocks.{block}.{name}.weight": shape, f"blocks.{block}.{name}.bias": shape[:1]}
        for name in ("norm1", "norm2"):
            shapes |= {f"blocks.{block}.{name}.{part}": (width,) for part in ("weight", "bias")}
    return shapes | {"norm.weight": (width,), "norm.bias": (width,)}


def joined(kind: str, text: Maker, picture: Maker) -> Maker:
    """Makes the two folders of `fused:TEXT,PICTURE` or `pair:TEXT,IMAGE`."""
    return lambda folder: f"{kind}:{text(folder / 'text')},{picture(folder / 'picture')}"


def _write_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes((SHIPPED / "tokenizer.json").read_bytes())


def _square(side: int) -> dict[str, Any]:
    return {"size": {"height": side, "width": side}}


def _shortest(side: int) -> dict[str, Any]:
    return {"size": {"shortest_edge": side}}


def families() -> tuple[Family, ...]:
    """The rows of the table. transformers' configurations have the published sizes; DINOv2's positions are those of
    518 pixels, which its default is not."""
    bert = transformers_folder("BertModel", BertConfig())
    resnet = transformers_folder("ResNetModel", transformers.ResNetConfig(), _shortest(224))
    dino = transformers_folder("Dinov2Model", transformers.Dinov2Config(image_size=518, patch_size=14), _shortest(256))
    clip16 = transformers.CLIPConfig(vision_config={"patch_size": 16})
    efficient = {"image_processor_type": "EfficientNetImageProcessor", "rescale_factor": 1 / 127.5}
    efficient |= {"rescale_offset": True, "do_normalize": False, "include_top": False, "resample": 2}
    biomed = {"width": 768, "blocks": 12, "mlp": 3072, "patch": 16, "side": 224}
    return (
        Family("ViLT-B/32", transformers_folder("ViltModel", transformers.ViltConfig(), _shortest(384))),
        Family("FLAVA full", transformers_folder("FlavaModel", transformers.FlavaConfig(), _square(224))),
        Family(
            "BridgeTower base",
            transformers_folder("BridgeTowerModel", transformers.BridgeTowerConfig(), _shortest(288)),
        ),
        Family("CLIP ViT-B/32", transformers_folder("CLIPModel", transformers.CLIPConfig(), _shortest(224))),
        Family("CLIP ViT-B/16", transformers_folder("CLIPModel", clip16, _shortest(224))),
        Family("SigLIP base, patch 16", transformers_folder("SiglipModel", transformers.SiglipConfig(), _square(224))),
        Family("BiomedCLIP (open_clip)", open_clip_folder(BertConfig(), biomed, 640, 512, 256)),
        Family("ALIGN base", transformers_folder("AlignModel", transformers.AlignConfig(), _square(346) | efficient)),
        Family("`pair:` BERT base, DINOv2 base", joined("pair", bert, dino)),
        Family("`fused:` BERT base, ResNet-50", joined("fused", bert, resnet)),
        Family("`fused:` BERT base, ResNet-50, aligned", joined("fused", bert, resnet), aligned=True),
        Family("`fused:` BERT base, DINOv2 base", joined("fused", bert, dino)),
    )


@dataclass(frozen=True)
class OneSample:
    """A complete sample as many times as asked for, for a `View`."""

    batch_of_one: Batch
    present: np.ndarray

    def batch(self, rows: np.ndarray, present: np.ndarray) -> Batch:
        tensors = [tensor.expand(len(rows), *tensor.shape[1:]).clone() for tensor in self.batch_of_one.tensors()]
        return Batch(self.batch_of_one.with_tensors(tensors).inputs, torch.from_numpy(present))


def family_cost(backbone: str, aligned: bool = False, text: int = TEXT) -> FamilyCost:
    """The cost of a backbone: of one complete sample with a picture of the backbone's own size, a square."""
    counted_net = subject(backbone, InputSize(text))
    assert counted_net.backbone is not None
    assert counted_net.picture is not None
    assert counted_net.batch is not None
    batch = _random(counted_net.batch)
    steps, owned, share = {}, {}, 0.0
    for name in METHODS:
        model = _model(name, counted_net, aligned)
        complete = np.ones((1, len(counted_net.backbone.modalities)), bool)
        view = View(OneSample(batch, complete), np.arange(1), complete)
        kept = settle(model, view, torch.device("cpu")).constant
        flops, left_out = counted(model.train(), batch)
        if flops is None or left_out:
            raise RuntimeError(f"{backbone}, {name}: not all is counted: {left_out}")
        steps[name] = (flops.step_forward + flops.step_backward - kept * flops.step_begin) / 1e9
        held = parameters(model)
        if name == "head":
            owned, forward, tokens = held.all, flops.forward / 1e9, flops.tokens
        if name == "mora":
            share = held.share_adapter
        model.detach()
    seeing = [ours(net) for net in counted_net.nets if net.name.startswith("picture network")]
    return FamilyCost(
        picture=counted_net.picture,
        tokens=tokens,
        parameters=sum(count for owner, count in owned.items() if owner not in NOT_BACKBONE),
        forward=forward,
        steps=steps,
        share=share,
        frozen_parameters=sum(parts.parameters for parts in seeing),
        frozen=sum(2 * parts.total for parts in seeing) / 1e9,
    )


def _model(name: str, counted_net: CountedNet, aligned: bool) -> Model:
    """The network of a method, as a cell has it before it trains."""
    backbone, method = counted_net.backbone, registry.get(registry.METHODS, name)
    assert backbone is not None
    torch.manual_seed(0)
    axes = axes_of(method, backbone.depth, Settings())
    model = Model(backbone, method(backbone, axes), Dummy(backbone), CLASSES, head_seed=0)
    if aligned:
        model.freeze_projection()
    return model


def _random(batch: Batch) -> Batch:
    """The batch with contents at random, so that no two tokens are alike."""
    generator = torch.Generator().manual_seed(0)

    def drawn(tensor: Tensor) -> Tensor:
        return torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor

    return batch.with_tensors([drawn(tensor) for tensor in batch.tensors()])


def row(title: str, cost: FamilyCost) -> list[str]:
    """One line of the table; what a picture network takes once a picture stands behind a plus."""
    return [
        title,
        "{} x {}".format(*cost.picture),
        " + ".join(str(count) for count in cost.tokens.values()),
        _with_frozen(cost.parameters / 1e6, cost.frozen_parameters / 1e6),
        _with_frozen(cost.forward, cost.frozen),
        *(f"{cost.steps[name]:.3g}" for name in METHODS),
        f"{cost.share:#.3g}",
    ]


def _with_frozen(value: float, frozen: float) -> str:
    return f"{value:.1f}" + (f" + {frozen:.1f}" if frozen else "")


def main(names: list[str]) -> None:
    known = families()
    if unknown := set(names) - {family.title for family in known}:
        raise SystemExit(f"no such family: {', '.join(sorted(unknown))}; there are: {[f.title for f in known]}")
    rows = []
    for family in known:
        if names and family.title not in names:
            continue
        print(family.title, file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            rows.append(row(family.title, family_cost(family.make(Path(folder)), family.aligned)))
    versions = ", ".join(f"{name} {version(name).partition('+')[0]}" for name in ("torch", "transformers", "peft"))
    print(f"One sample: a text of {TEXT} tokens and a picture; GFLOPs; random weights; {versions}\n")
    print(tabulate(rows, HEADERS, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main(sys.argv[1:])

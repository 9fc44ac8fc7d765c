"""Toys: a tiny ViLT in a folder of its own, twins of a few dozen patients, a results folder that is temporary."""

import copy
import dataclasses
import gc
import json
import os
import time
from functools import cache as cached
from functools import wraps
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer
from transformers import (
    AlignConfig,
    AlignModel,
    AutoConfig,
    AutoModel,
    BridgeTowerConfig,
    BridgeTowerForMaskedLM,
    BridgeTowerModel,
    CLIPConfig,
    CLIPModel,
    FlavaConfig,
    FlavaForPreTraining,
    FlavaModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
    ViltConfig,
    ViltForMaskedLM,
    ViltModel,
    Wav2Vec2FeatureExtractor,
)

from mora_bench import campaign, registry
from mora_bench.backbones import load as backbones
from mora_bench.backbones.bridge_towers import split_attention
from mora_bench.backbones.bridgetower import BridgeTower
from mora_bench.backbones.clip import Clip
from mora_bench.backbones.contract import At
from mora_bench.backbones.flava import Flava
from mora_bench.backbones.layout import PictureSpec
from mora_bench.backbones.openclip_folder import CONFIG as OPEN_CLIP_CONFIG
from mora_bench.backbones.siglip import Siglip
from mora_bench.backbones.small import vocabulary
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Tokens
from mora_bench.backbones.vilt import Vilt
from mora_bench.cells.cell import Cell
from mora_bench.cells.recipe import Recipe
from mora_bench.cells.runtime import Runtime, cores
from mora_bench.checks import run as checks
from mora_bench.cli import main as cli
from mora_bench.data import datasets
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.image import ImageInputs
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextInputs
from mora_bench.data.readers.links import FOLLOW_LINKS
from mora_bench.data.samples import Samples, View
from mora_bench.data.twins import tables as twins
from mora_bench.methods.contract import Axes, Method
from mora_bench.methods.network import Model
from mora_bench.training.decoded import samples
from mora_bench.training.probe import settle

# More processes test than there are cores, so threads of linear algebra would only wait for each other.
torch.set_num_threads(1)
threadpool_limits(limits=1)
REAL = Path(__file__).parents[2] / "shared" / "data"
MODALITIES = {"text": "text", "image": "image"}
#: Whether all is tried of what by default is tried in part, because there is much of it.
EVERYTHING = "MORA_BENCH_TEST_EVERYTHING" in os.environ
#: The methods that run on a single stream, such as the toys' ViLT.
ON_A_STREAM = [
    name
    for name in registry.names(registry.METHODS)
    if not registry.get(registry.METHODS, name).unfit(Spec("vilt", "vilt", "", depth=3, width=32, rules={}))
]
#: The last token of every text of `dual_inputs`.
END = 99
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 64,
    "patch_size": 16,
    "max_position_embeddings": 64,
}


def pytest_xdist_auto_num_workers():
    """One process more than there are cores: tests of engines wait most of the time, for processes of their own."""
    return cores() + 1


def pytest_collection_modifyitems(items):
    if not REAL.is_dir():
        for item in items:
            if "real" in item.keywords:
                item.add_marker(pytest.mark.skip(reason=f"no real data at {REAL}"))


def pytest_collection_finish():
    """What was imported lives to the end; looking through it at each collection of garbage took a thirtieth."""
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def workers_of_many_tests():
    """The first test that starts a worker process says what their server imports, for all tests of this process."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        campaign.start_workers("auto")


@pytest.fixture(autouse=True)
def plugins_of_one_test(monkeypatch):
    """What a test loads, no other test knows: files of plug-ins are loaded again by every process that decodes."""
    monkeypatch.setattr(registry, "_plugins", {group: dict(plugins) for group, plugins in registry._plugins.items()})
    monkeypatch.setattr(registry, "_files", list(registry._files))


@pytest.fixture(autouse=True)
def in_this_process_alone(monkeypatch):
    """`check` starts two processes for what has a name, which takes seconds: tests/checks/test_elsewhere.py does."""
    monkeypatch.setattr(checks, "elsewhere", wraps(checks.elsewhere)(lambda registered: None))


@pytest.fixture(autouse=True)
def links_of_one_test(monkeypatch):
    """A command that may follow links leaves it allowed in its process."""
    monkeypatch.setenv(FOLLOW_LINKS, "0")


@pytest.fixture
def as_a_new_user(monkeypatch, cache, tmp_path):
    """The tests' cache, an empty working folder, and no plug-in."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])
    monkeypatch.chdir(tmp_path)
    # What a process has read it knows by paths, which lead elsewhere from another folder.
    datasets.forget()


@pytest.fixture
def in_process(monkeypatch):
    """Cells run in the test's process where no engine is asked for: workers take seconds to start."""
    monkeypatch.setattr(campaign, "engine_of", lambda name: "inline" if name == "auto" else name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    return REAL


def tiny_backbone(seed: int = 0, **changes) -> Vilt:
    """A ViLT with random weights, large enough for attention to matter."""
    torch.manual_seed(seed)
    config = ViltConfig(**(TINY | {"vocab_size": 200, "initializer_range": 0.2} | changes))
    vilt = ViltModel(config).eval()
    torch.nn.init.normal_(vilt.embeddings.position_embeddings, std=0.5)
    torch.nn.init.normal_(vilt.embeddings.cls_token, std=0.5)
    return Vilt(vilt, MODALITIES)


def tiny_clip(seed: int = 0, **changes) -> Clip:
    """A CLIP with random weights, whose towers have different widths."""
    torch.manual_seed(seed)
    shared = {"num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64, "initializer_range": 0.2}
    text = shared | {"hidden_size": 32, "vocab_size": 200, "bos_token_id": 1, "eos_token_id": END, "pad_token_id": 0}
    text |= changes
    image = shared | {"hidden_size": 48, "image_size": 64, "patch_size": 16}
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=image, projection_dim=24)).eval()
    # transformers draws some of them so small that attention would be even.
    for name, parameter in clip.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.5 if "embedding" in name else 0.2)
    seen = PictureSpec(ImageRule(32, 64, 16), [0.48, 0.46, 0.41], [0.27, 0.26, 0.28])
    return Clip(clip, MODALITIES, seen)


def tiny_siglip(seed: int = 0, **changes) -> Siglip:
    """A SigLIP with random weights, whose towers have different widths and depths."""
    torch.manual_seed(seed)
    shared = {"num_attention_heads": 2, "intermediate_size": 64}
    text = shared | {"hidden_size": 32, "vocab_size": 200, "num_hidden_layers": 2, "projection_size": 24}
    text |= {"max_position_embeddings": 80, "pad_token_id": 1, "bos_token_id": 2, "eos_token_id": 3} | changes
    image = shared | {"hidden_size": 48, "image_size": 64, "patch_size": 16, "num_hidden_layers": 3}
    siglip = SiglipModel(SiglipConfig(text_config=text, vision_config=image)).eval()
    for name, parameter in siglip.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.5 if "embedding" in name else 0.2)
        elif name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return Siglip(siglip, MODALITIES, PictureSpec(ImageRule(32, 64, 16), [0.5, 0.45, 0.4], [0.5, 0.4, 0.3]))


def tiny_align(seed: int = 0, **changes) -> AlignModel:
    """An ALIGN with random weights, whose EfficientNet makes a cell of 32 x 32 pixels."""
    torch.manual_seed(seed)
    text = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64}
    text |= {"vocab_size": 200, "max_position_embeddings": 48} | changes
    stages = {"kernel_sizes": [3, 3, 5, 3], "strides": [2, 2, 2, 2], "in_channels": [32, 16, 16, 24]}
    stages |= {"out_channels": [16, 16, 24, 40], "num_block_repeats": [1, 1, 2, 1], "expand_ratios": [1, 2, 2, 2]}
    image = stages | {"width_coefficient": 1.0, "depth_coefficient": 1.0, "hidden_dim": 64, "image_size": 64}
    align = AlignModel(AlignConfig(text_config=text, vision_config=image, projection_dim=24)).eval()
    for name, parameter in align.named_parameters():
        if parameter.ndim > 1:
            gain = parameter[0].numel() ** -0.5 if "vision" in name else 0.2
            torch.nn.init.normal_(parameter, std=0.5 if "embeddings." in name and "text" in name else gain)
        elif name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    for name, statistic in align.named_buffers():
        if name.endswith("running_mean"):
            torch.nn.init.normal_(statistic, std=0.1)
    return align


def open_clip_weights(words: int = 200, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights under the names of an open_clip checkpoint: a BERT of 128 features and a ViT of 192."""
    torch.manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {"text.proj.0.weight": (76, 128), "text.proj.2.weight": (24, 76)}
    shapes |= {"visual.head.proj.weight": (24, 192), "visual.trunk.cls_token": (1, 1, 192)}
    shapes |= {"visual.trunk.pos_embed": (1, 17, 192), "visual.trunk.patch_embed.proj.weight": (192, 3, 16, 16)}
    tables = {"word": words, "position": 48, "token_type": 2}
    shapes |= {f"text.transformer.embeddings.{name}_embeddings.weight": (n, 128) for name, n in tables.items()}
    linear, norms = {}, {"text.transformer.embeddings.LayerNorm": 128, "visual.trunk.norm": 192}
    for at in (f"text.transformer.encoder.layer.{block}." for block in range(2)):
        linear |= {f"{at}attention.{name}": (128, 128) for name in ("self.query", "self.key", "self.value")}
        linear |= {f"{at}attention.output.dense": (128, 128), f"{at}intermediate.dense": (256, 128)}
        linear |= {f"{at}output.dense": (128, 256)}
        norms |= {f"{at}attention.output.LayerNorm": 128, f"{at}output.LayerNorm": 128}
    for at in (f"visual.trunk.blocks.{block}." for block in range(3)):
        linear |= {f"{at}attn.qkv": (576, 192), f"{at}attn.proj": (192, 192)}
        linear |= {f"{at}mlp.fc1": (256, 192), f"{at}mlp.fc2": (192, 256)}
        norms |= {f"{at}norm1": 192, f"{at}norm2": 192}
    shapes |= {f"{name}.weight": shape for name, shape in linear.items()}
    weights = {name: torch.randn(shape) * (0.5 if "embed" in name else 0.1) for name, shape in shapes.items()}
    biases = {"visual.trunk.patch_embed.proj": 192} | norms | {name: shape[0] for name, shape in linear.items()}
    weights |= {f"{name}.bias": torch.randn(size) * 0.1 for name, size in biases.items()}
    weights |= {f"{name}.weight": 1 + torch.randn(size) * 0.1 for name, size in norms.items()}
    return weights | {"logit_scale": torch.tensor(2.0)}


def open_clip_config() -> dict:
    """What open_clip_config.json says of `open_clip_weights`."""
    vision = {"timm_model_name": "vit_base_patch16_64", "timm_pool": "", "timm_proj": "linear", "image_size": 64}
    text = {"hf_model_name": "a/bert", "hf_pooler_type": "cls_last_hidden_state_pooler", "hf_proj_type": "mlp"}
    return {
        "model_cfg": {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text | {"context_length": 40}},
        "preprocess_cfg": {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]},
    }


def tiny_flava(seed: int = 0, **changes) -> Flava:
    """A FLAVA with random weights, whose encoders have different widths and depths."""
    torch.manual_seed(seed)
    shared = {"num_attention_heads": 2, "intermediate_size": 64}
    text = shared | {"hidden_size": 32, "vocab_size": 200, "num_hidden_layers": 2, "max_position_embeddings": 80}
    image = shared | {"hidden_size": 48, "image_size": 64, "patch_size": 16, "num_hidden_layers": 1}
    parts = {"text_config": text | changes, "image_config": image}
    parts["multimodal_config"] = shared | {"hidden_size": 40, "num_hidden_layers": 3}
    codebook = {"num_groups": 4, "num_blocks_per_group": 1, "hidden_size": 8, "vocab_size": 16}
    config = FlavaConfig(**parts, hidden_size=40, projection_dim=24, image_codebook_config=codebook)
    flava = FlavaModel(config).eval()
    for name, parameter in flava.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.5 if "embeddings" in name or "token" in name else 0.2)
        elif name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return Flava(flava, MODALITIES, PictureSpec(ImageRule(32, 64, 16), [0.5, 0.45, 0.4], [0.5, 0.4, 0.3]))


def tiny_bridgetower(seed: int = 0, changes: dict | None = None, **text) -> BridgeTowerModel:
    """A BridgeTower with random weights, as transformers makes it: two blocks below the first bridge, three above."""
    torch.manual_seed(seed)
    shared = {"hidden_size": 64, "num_attention_heads": 2, "intermediate_size": 48}
    text = shared | {"vocab_size": 200, "num_hidden_layers": 4, "max_position_embeddings": 82} | text
    image = {"hidden_size": 128, "num_hidden_layers": 4, "image_size": 64, "patch_size": 16}
    config = shared | {"num_hidden_layers": 3, "text_config": text, "vision_config": image} | (changes or {})
    network = BridgeTowerModel(BridgeTowerConfig(**config)).eval()
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.5 if "embedding" in name else 0.15)
        elif name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return network


def bridged(network: BridgeTowerModel) -> BridgeTower:
    seen = PictureSpec(ImageRule(32, 64, 16), [0.5, 0.45, 0.4], [0.5, 0.4, 0.3])
    return BridgeTower(split_attention(network), MODALITIES, seen)


def dual_inputs(sizes: list[tuple[int, int]], lengths: list[int], patch: int = 16) -> Batch:
    """Texts that end with END, and pictures in [-1, 1], both padded."""
    generator = torch.Generator().manual_seed(0)
    grid, lengths = torch.tensor(sizes), torch.tensor(lengths)
    pixels = torch.ones(len(sizes), 3, *(grid.max(0).values * patch).tolist())
    for i, (h, w) in enumerate(sizes):
        pixels[i, :, : h * patch, : w * patch] = torch.rand(3, h * patch, w * patch, generator=generator) * 2 - 1
    ids = torch.randint(3, END, (len(lengths), int(lengths.max())), generator=generator)
    mask = torch.arange(ids.shape[1]) < lengths[:, None]
    ids = torch.where(torch.arange(ids.shape[1]) == lengths[:, None] - 1, END, ids) * mask
    return Batch((TextInputs(ids, mask), ImageInputs(pixels, grid)), torch.ones(len(sizes), 2, dtype=torch.bool))


@pytest.fixture
def backbone() -> Vilt:
    return tiny_backbone()


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A backbone folder in transformers' layout."""
    out = tmp_path_factory.mktemp("tiny")
    texts = [text for make in (twins.odir, twins.cxr) for text in make(range(60)).modalities["text"].values]
    tokenizer = vocabulary.train(texts, 400)
    torch.manual_seed(0)
    ViltForMaskedLM(ViltConfig(**TINY, vocab_size=tokenizer.get_vocab_size(), initializer_range=0.1)).save_pretrained(
        out
    )
    names = ("pad", "unk", "cls", "sep", "mask")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{n}_token": f"[{n.upper()}]" for n in names}
    ).save_pretrained(out)
    image = {"do_resize": False, "mora_bench": {"shortest_edge": 32, "longest_edge": 64}, "size_divisor": 16}
    (out / "preprocessor_config.json").write_text(json.dumps(image))
    return out


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory, folder) -> Path:
    """A CLIP in transformers' layout, with the words of `folder`."""
    out = tmp_path_factory.mktemp("tiny-clip")
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    tiny_clip(vocab_size=len(words), bos_token_id=words["[CLS]"], eos_token_id=words["[SEP]"]).net.save_pretrained(out)
    for name in ("tokenizer.json", "preprocessor_config.json"):
        (out / name).write_bytes((folder / name).read_bytes())
    return out


@pytest.fixture(scope="session")
def siglip_folder(tmp_path_factory, folder) -> Path:
    """A SigLIP in transformers' layout, with the words of `folder`."""
    out = tmp_path_factory.mktemp("tiny-siglip")
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    ids = {"pad_token_id": words["[PAD]"], "bos_token_id": words["[CLS]"], "eos_token_id": words["[SEP]"]}
    tiny_siglip(vocab_size=len(words), **ids).net.save_pretrained(out)
    for name in ("tokenizer.json", "preprocessor_config.json"):
        (out / name).write_bytes((folder / name).read_bytes())
    return out


def tiny_sounds(out: Path, rate: int = 1, kind: str = "wav2vec2", **changes) -> Path:
    """An encoder of raw samples at a rate, in transformers' layout: five samples make a frame, two more the next."""
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    convolutions = {"conv_dim": (8, 8), "conv_kernel": (3, 2), "conv_stride": (2, 1), "num_feat_extract_layers": 2}
    places = {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "conv_pos_kernel_size": 5}
    config = AutoConfig.for_model(kind, **(shape | convolutions | places | {"initializer_range": 0.2} | changes))
    AutoModel.from_config(config).save_pretrained(out)
    Wav2Vec2FeatureExtractor(sampling_rate=rate).save_pretrained(out)
    return out


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory) -> Path:
    """An encoder that listens once a second."""
    return tiny_sounds(tmp_path_factory.mktemp("tiny-sounds"))


@pytest.fixture(scope="session")
def align_folder(tmp_path_factory, folder) -> Path:
    """An ALIGN in transformers' layout, with the words of `folder`, which reads pictures as the published one does."""
    out = tmp_path_factory.mktemp("tiny-align")
    tiny_align(vocab_size=Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()).save_pretrained(out)
    (out / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    steps = {"rescale_factor": 1 / 127.5, "rescale_offset": True, "do_normalize": False, "include_top": False}
    image = {"image_processor_type": "EfficientNetImageProcessor", "size": {"height": 64, "width": 64}, "resample": 2}
    (out / "preprocessor_config.json").write_text(json.dumps(image | steps | {"do_center_crop": True}))
    return out


@pytest.fixture(scope="session")
def open_clip_folder(tmp_path_factory, folder) -> Path:
    """A folder in open_clip's layout, with the words of `folder`."""
    out = tmp_path_factory.mktemp("tiny-open-clip")
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    save_file(open_clip_weights(len(words)), out / "open_clip_model.safetensors")
    (out / OPEN_CLIP_CONFIG).write_text(json.dumps(open_clip_config()))
    (out / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    return out


@pytest.fixture(scope="session")
def flava_folder(tmp_path_factory, folder) -> Path:
    """A FLAVA with its heads in transformers' layout, as the published one, with the words of `folder`."""
    out = tmp_path_factory.mktemp("tiny-flava")
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    flava = tiny_flava(vocab_size=len(words), pad_token_id=words["[PAD]"]).flava
    whole = FlavaForPreTraining(flava.config)
    whole.flava = flava
    whole.save_pretrained(out)
    for name in ("tokenizer.json", "preprocessor_config.json"):
        (out / name).write_bytes((folder / name).read_bytes())
    return out


@pytest.fixture(scope="session")
def bridgetower_folder(tmp_path_factory, folder) -> Path:
    """A BridgeTower with a head in transformers' layout, with the words of `folder`."""
    out = tmp_path_factory.mktemp("tiny-bridgetower")
    words = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab()
    network = tiny_bridgetower(vocab_size=len(words), pad_token_id=words["[PAD]"])
    whole = BridgeTowerForMaskedLM(network.config)
    whole.bridgetower = network
    whole.save_pretrained(out)
    for name in ("tokenizer.json", "preprocessor_config.json"):
        (out / name).write_bytes((folder / name).read_bytes())
    return out


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def runtime(tmp_path, cache) -> Runtime:
    return Runtime(out=tmp_path / "results", cache=cache, limit=60)


@pytest.fixture(scope="session")
def toy(cache, folder):
    """60 decoded samples of the ODIR twin."""
    return samples("odir", str(folder), 64, Runtime(out=cache, cache=cache, limit=60))


def once(words: list[str]) -> list[str]:
    """A command line in which the last of each option counts: tests say what differs from a usual line behind it."""
    groups: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = word
            groups.pop(name, None)
        groups.setdefault(name, []).append(word)
    return [word for group in groups.values() for word in group]


#: Seconds of a processor that a refusal may take; beside other work it takes longer by the clock.
LONGEST = 10


@pytest.fixture
def ends(tmp_path, monkeypatch, capsys, cache):
    """Runs a command in an empty folder: its code and what it said, once all that must hold did."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.delenv("MORA_BENCH_TRACE", raising=False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def run(*arguments, as_given: bool = False):
        words = [str(argument) for argument in arguments]
        capsys.readouterr()
        begun = time.process_time()
        try:
            code = cli.main(words if as_given else once(words))
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        assert time.process_time() - begun < LONGEST
        assert "Traceback" not in captured.out + captured.err
        assert "should not happen" not in captured.err
        assert not list(here.iterdir())
        return code, captured.err

    return run


RECIPE = Recipe(epochs=2, batch=8, lr=3e-3, validate_every=1, warmup=0.1, max_text=64)


def make_cell(runtime: Runtime, folder: Path, **changes) -> Cell:
    """A cell of the toy grid; axes default to the method's own."""
    name = changes.get("method", "mora")
    reads = registry.get(registry.METHODS, name).reads
    spec = backbones.resolve(str(folder), 64)
    dataset = changes.get("dataset", "odir")
    values = {
        "dataset": dataset,
        "source": "twin",
        "data": datasets.fingerprinted(dataset, runtime)[1],
        "split": "patient",
        "missing": "both",
        "rate": 0.7,
        "method": name,
        "method_version": registry.version(registry.METHODS, name),
        "rank": 2 if "rank" in reads else None,
        "blocks": (0, 1) if "blocks" in reads else None,
        "impute": "dummy",
        "impute_version": registry.version(registry.IMPUTERS, changes.get("impute", "dummy")),
        "backbone": str(folder),
        "weights": spec.fingerprint,
        "recipe": RECIPE,
        "seed": 0,
    }
    return Cell(**(values | changes))


def make_floor(runtime: Runtime, folder: Path | str, name: str = "frozen", **changes) -> Cell:
    """A cell of the toy grid of a competitor without a recipe, on the backbone in a folder if it reads one."""
    version = registry.version(registry.PREDICTORS, name)
    nothing = {"recipe": None, "impute": "none", "impute_version": "", "rank": None, "blocks": None}
    nothing |= {"method": name, "method_version": version}
    reads = registry.get(registry.PREDICTORS, name).reads_backbone
    nothing |= {"max_text": 64} if reads else {"backbone": "none", "weights": ""}
    return dataclasses.replace(make_cell(runtime, folder, method="head"), **(nothing | changes))


def load(folder: Path | str, max_text: int = 64) -> Vilt:
    """A backbone in a folder that no test changes, or one that is shipped; each caller gets one to change."""
    return copy.deepcopy(_loaded(str(folder), max_text))


@cached
def _loaded(folder: str, max_text: int) -> Vilt:
    return backbones.load(backbones.resolve(folder, max_text), MODALITIES, max_text, 0)


def make_model(name: str, backbone: Vilt, classes: int = 8, impute: str = "dummy") -> Model:
    """A model of a registered method on `backbone`, axes as in `make_cell`; nothing is known of what may be spared."""
    method = registry.get(registry.METHODS, name)
    axes = Axes(2 if "rank" in method.reads else 0, (0, 1) if "blocks" in method.reads else ())
    return Model(
        backbone, method(backbone, axes), registry.get(registry.IMPUTERS, impute)(backbone), classes, head_seed=1
    )


def settled(model: Model, view: View) -> Model:
    """The model with what may be spared found out."""
    settle(model, view, torch.device("cpu"))
    return model


def settled_model(name: str, folder: Path, view: View) -> Model:
    """The model of a registered method on the toys' backbone, with what may be spared found out."""
    torch.manual_seed(0)
    return settled(make_model(name, load(folder)), view)


def random_presence(rng: np.random.Generator, rows: int, modalities: int) -> np.ndarray:
    """bool [rows, modalities] with at least one True a row."""
    present = rng.random((rows, modalities)) < 0.5
    present[np.arange(rows), rng.integers(modalities, size=rows)] = True
    return present


def thirds(samples: Samples, rows: np.ndarray) -> View:
    """A third of the rows complete, a third without text, a third without image."""
    present = np.ones((len(rows), 2), bool)
    present[rows % 3 == 1, 0] = False
    present[rows % 3 == 2, 1] = False
    return View(samples, rows, present)


def changed(cell: Cell, **changes) -> Cell:
    return dataclasses.replace(cell, **changes)


def random_inputs(rows: int = 3, text: int = 6) -> Batch:
    """Model inputs without padding."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 200, (rows, text), generator=generator)
    pixels = torch.randn(rows, 3, 32, 64, generator=generator)
    words = TextInputs(ids, torch.ones(rows, text, dtype=torch.bool))
    return Batch(
        (words, ImageInputs(pixels, torch.tensor([[2, 4]]).expand(rows, 2))), torch.ones(rows, 2, dtype=torch.bool)
    )


def joined(backbone: Vilt, present: list[list[bool]]) -> Tokens:
    """Embedded random inputs with the given presence, ready for block 0."""
    (tokens,) = backbone.join(backbone.embed(random_inputs(len(present))), torch.tensor(present))
    return tokens


def through(backbone: Vilt, method: Method | None, tokens: Tokens) -> Tokens:
    """Tokens after all blocks, replaced by `method` where one is given."""
    for i in range(backbone.depth):
        frozen = lambda t, prefix=None, i=i: backbone.block(At(0, i), t, prefix)  # noqa: E731
        tokens = method.block(At(0, i), frozen, tokens) if method else frozen(tokens)
    return tokens


def pooled(backbone: Vilt, inputs: Batch) -> torch.Tensor:
    """What the backbone's own pooler says after all blocks."""
    (tokens,) = backbone.join(backbone.embed(inputs), inputs.present)
    return backbone.pool((through(backbone, None, tokens),), backbone.vilt.pooler)


def with_present(samples: Samples, present: np.ndarray) -> Samples:
    """Samples of which less exists."""
    return dataclasses.replace(samples, present=present)

"""What a folder says of pictures is read as transformers reads it, or refused by name."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import MODALITIES
from PIL import Image
from transformers import AutoImageProcessor, PreTrainedTokenizerFast, ViltModel, ViltProcessor, ViTConfig, ViTModel
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.vilt.image_processing_pil_vilt import ViltImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from mora_bench.backbones import clip, vilt
from mora_bench.backbones.layout import pictures
from mora_bench.backbones.load import load, resolve
from mora_bench.backbones.pair import HALF, Pair
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.image import Image as ImageKind
from mora_bench.data.modalities.text import TextInputs
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError

SHAPES = [(100, 100), (120, 90), (60, 200), (40, 43)]


class Held:
    def __init__(self, picture):
        self.picture = picture

    def read(self):
        return self.picture

    def fingerprint(self):
        return str(self.picture.sum())


def drawn(height, width):
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


def inputs_of(picture, rule, folder: Path):
    """What a backbone is given of one picture."""
    folder.mkdir()
    ImageKind().encode([(Held(picture),)], ["s"], rule, folder, 1)
    return ImageKind().open(folder).collate(np.array([0]), np.array([True]))


@pytest.fixture
def bare_vilt(folder, tmp_path) -> Path:
    """A ViLT whose processor says nothing yet."""
    copy = shutil.copytree(folder, tmp_path / "own")
    (copy / "preprocessor_config.json").unlink()
    return copy


def configured(folder: Path, file="preprocessor_config.json", **settings) -> str:
    (folder / file).write_text(json.dumps(settings))
    return str(folder)


VILT = {"size": {"shortest_edge": 32}, "size_divisor": 16}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_folder_that_transformers_5_saved_is_read_as_transformers_reads_it(bare_vilt, shape, tmp_path):
    theirs = ViltImageProcessorPil(**VILT, resample=2)
    ViltProcessor(theirs, PreTrainedTokenizerFast.from_pretrained(bare_vilt)).save_pretrained(bare_vilt)
    assert (bare_vilt / "processor_config.json").is_file()
    assert not (bare_vilt / "preprocessor_config.json").exists()
    rule = resolve(str(bare_vilt), 64).rules["image"]
    assert rule.key() == [32, 53, 16, "bilinear"]
    picture = drawn(*shape)
    expected = theirs(images=[Image.fromarray(picture)], return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(inputs_of(picture, rule, tmp_path / "x").pixels, expected, rtol=0, atol=1e-6)


def test_the_processors_file_wins_over_one_that_is_stale(bare_vilt):
    configured(bare_vilt, size={"shortest_edge": 48}, size_divisor=16)
    configured(bare_vilt, "processor_config.json", image_processor=VILT, processor_class="ViltProcessor")
    assert resolve(str(bare_vilt), 64).rules["image"].shorter == 32
    # As transformers 4 wrote it, it says nothing of pictures.
    configured(bare_vilt, "processor_config.json", processor_class="ViltProcessor")
    assert resolve(str(bare_vilt), 64).rules["image"].shorter == 48
    assert (
        AutoImageProcessor.from_pretrained(bare_vilt, image_processor_type="ViltImageProcessor").size.shortest_edge
        == 48
    )
    configured(bare_vilt, "processor_config.json", image_processor=["x"])
    with pytest.raises(UserError, match=r"processor_config\.json: image_processor is list; expected an object"):
        resolve(str(bare_vilt), 64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"do_normalize": False}, "do_normalize False; ViLT's pictures are scaled by 0.5"),
        ({"do_rescale": False}, "do_rescale False; ViLT's pictures are scaled by 0.5"),
        ({"rescale_factor": 0.01}, "rescale_factor 0.01; ViLT's pictures are scaled by 0.5"),
        ({"rescale_factor": "x"}, "rescale_factor is 'x'; expected a number above 0"),
        ({"resample": 9}, r"resample is 9; expected one of Pillow's filters: 0 \(nearest\)"),
        ({"do_resize": False}, "do_resize is false, but pictures of any size come in"),
        ({"do_resize": "no"}, "do_resize is 'no'; expected true or false"),
        ({"mora_bench": {"shortest_edge": 32}}, "do_resize is true, and mora_bench resizes, too"),
        ({"do_flip_channel_order": True}, "do_flip_channel_order is true, which this program does not do"),
        ({"size": {"shortest_edge": 32, "longest_edge": 64}}, "longest_edge is 64, which transformers' ViLT ignores"),
        ({"size": {"longest_edge": 64}}, "expected a number or shortest_edge, because ViLT keeps"),
        ({"size": {"max_height": 32, "max_width": 32}}, "expected a number or shortest_edge, because ViLT keeps"),
    ],
)
def test_what_a_vilt_cannot_obey_is_refused_by_name(bare_vilt, change, message):
    with pytest.raises(UserError, match=rf"preprocessor_config\.json: .*{message}"):
        resolve(configured(bare_vilt, **(VILT | change)), 64)


@pytest.mark.parametrize(
    "change", [{}, {"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3},
               {"size": {"shortest_edge": 32, "longest_edge": 53}}, {"do_flip_channel_order": False}],
)  # fmt: skip
def test_what_comes_to_the_same_is_read(bare_vilt, change):
    assert resolve(configured(bare_vilt, **(VILT | change)), 64).rules["image"].key() == [32, 53, 16]


@pytest.fixture
def vit(tmp_path) -> Path:
    config = ViTConfig(hidden_size=48, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, image_size=32)
    ViTModel(config).save_pretrained(tmp_path / "vit")
    return tmp_path / "vit"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"resample": 0},
        {"do_normalize": False},
        {"do_rescale": False},
        {"rescale_factor": 1 / 127.5},
        {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.2, 0.3, 0.4]},
    ],
)
def test_a_tower_obeys_how_its_values_are_scaled(vit, change, tmp_path):
    size = {"height": 32, "width": 32}
    theirs = ViTImageProcessorPil(size=size, **change)
    configured(vit, size=size, **change)
    spec = resolve(f"pair:small-dual,{vit}", 64)
    backbone = Pair.load(spec, {"image": "image"}, 64)
    picture = drawn(80, 80)
    pixels = theirs(images=[Image.fromarray(picture)], return_tensors="pt")["pixel_values"]
    ours = Batch((inputs_of(picture, spec.rules["image"], tmp_path / "x"),), torch.ones(1, 1, dtype=torch.bool))
    with torch.no_grad():
        expected = ViTModel.from_pretrained(vit).eval().embeddings(pixels)
    tokens, scale = backbone.embed(ours)[0].x, float(expected.abs().max())
    torch.testing.assert_close(tokens, expected, rtol=1e-5, atol=1e-5 * scale)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"include_top": False},
        {"rescale_offset": True, "rescale_factor": 1 / 127.5, "do_normalize": False, "include_top": False},
        {"rescale_offset": True, "rescale_factor": 1 / 127.5, "do_normalize": False, "image_std": [0.2, 0.3, 0.4]},
        {"rescale_offset": True, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.2, 0.3, 0.4]},
        {"rescale_offset": True, "do_rescale": False},
    ],
)
def test_the_steps_of_efficientnets_processor_are_taken(vit, change, tmp_path):
    theirs = EfficientNetImageProcessorPil(size={"height": 32, "width": 32}, **change)
    # What a file leaves out is as by default.
    said = {name: value for name, value in theirs.to_dict().items() if (name, value) != ("include_top", True)}
    configured(vit, **said)
    seen = pictures(vit, 16, "x", HALF, HALF)
    picture = drawn(80, 80)
    expected = theirs(images=[Image.fromarray(picture)], return_tensors="pt")["pixel_values"]
    values = inputs_of(picture, seen.rule, tmp_path / "x").pixels / 2 + 0.5
    mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (seen.mean, seen.std))
    torch.testing.assert_close((values - mean) / std, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


def test_a_step_of_efficientnets_that_is_no_yes_or_no_is_refused(vit):
    configured(vit, size=32, include_top=1)
    with pytest.raises(UserError, match=r"preprocessor_config\.json: include_top is 1; expected true or false"):
        resolve(f"pair:small-dual,{vit}", 64)


def test_a_tower_of_pictures_that_are_no_squares_is_refused(vit):
    configured(vit, size={"height": 32, "width": 64})
    with pytest.raises(UserError, match="expected a number, shortest_edge, or height and width alike"):
        resolve(f"pair:small-dual,{vit}", 64)


@pytest.mark.parametrize("shipped", [vilt.SHIPPED, clip.SHIPPED])
def test_transformers_processor_of_a_shipped_folder_makes_our_pixels(shipped, tmp_path):
    processor = AutoImageProcessor.from_pretrained(shipped)
    rule = resolve(str(shipped), 64).rules["image"]
    assert rule.size(128, 128) == (64, 64)
    assert rule.size(128, 256) == (64, 128)
    for height, width in [(64, 64), (64, 128), (128, 128), (128, 256), (2048, 2500), (300, 201), (77, 500), (19, 33)]:
        picture = drawn(height, width)
        theirs = processor([Image.fromarray(picture)], return_tensors="pt")["pixel_values"]
        ours = inputs_of(picture, rule, tmp_path / f"{height}x{width}").pixels
        torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-6)


def test_the_docs_make_our_pixels_and_transformers_our_features_of_them(tmp_path):
    """A pair of eyes of the ODIR twin."""
    eyes = twins.odir(range(1)).modalities["image"].values[0]
    for name, eye in zip(("left.png", "right.png"), eyes, strict=True):
        Image.fromarray(eye.read()).save(tmp_path / name)
    spec = resolve("small", 64)
    (tmp_path / "inference.json").write_text(json.dumps({"pictures": vars(spec.rules["image"])}))
    docs = (Path(__file__).parents[2] / "docs" / "own.md").read_text()
    script = docs.split("`pixel_values` and `pixel_mask` are made")[1].split("```python\n")[1].split("```")[0]
    script += "from safetensors.torch import save_file\nsave_file(dict(inputs), 'inputs.safetensors')\n"
    (tmp_path / "pixels.py").write_text(script)
    command = [sys.executable, "pixels.py", str(vilt.SHIPPED), str(tmp_path), "left.png", "right.png"]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "torch.Size([1, 3, 64, 128]) torch.Size([1, 64, 128])" in out
    from safetensors.torch import load_file

    theirs = load_file(tmp_path / "inputs.safetensors")
    content = ImageKind()
    (tmp_path / "x").mkdir()
    content.encode([eyes], ["s"], spec.rules["image"], tmp_path / "x", 1)
    ours = content.open(tmp_path / "x").collate(np.array([0]), np.array([True]))
    torch.testing.assert_close(theirs["pixel_values"], ours.pixels, rtol=0, atol=1e-6)
    words = torch.tensor([[2, 40, 50, 3]])
    net = ViltModel.from_pretrained(vilt.SHIPPED).eval()
    backbone = load(spec, MODALITIES, 64, 0)
    batch = Batch((TextInputs(words, words > 0), ours), torch.ones(1, 2, dtype=torch.bool))
    with torch.no_grad():
        expected = net(input_ids=words, **theirs).pooler_output
        parts = backbone.join(backbone.embed(batch), batch.present)
        for i in range(backbone.depth):
            parts = tuple(backbone.block(at, parts[at.stream]) for at in backbone.places([i]))
        features = backbone.pool(parts, backbone.vilt.pooler)
    torch.testing.assert_close(features, expected, rtol=0, atol=1e-5)

"""The small CLIP's training: a checkpoint that loads, the same twice, and a loss that falls from chance."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file

from mora_bench.backbones.load import load, resolve
from mora_bench.backbones.small.contrast import Contrast, contrast
from mora_bench.cli.main import main

TINY = {"text_width": 16, "image_width": 24, "depth": 2, "heads": 2, "projection": 8, "pairs": 24, "batch": 12}


@pytest.fixture(autouse=True)
def threads():
    yield
    torch.set_num_threads(1)


def test_it_can_be_repeated_and_loads(tmp_path):
    for name in "ab":
        contrast(Contrast(out=tmp_path / name, steps=4, lr=0.0, **TINY))
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)
    spec = resolve(str(tmp_path / "a"), 64)
    assert (spec.family, spec.depth, spec.width, spec.single_stream) == ("clip", 2, 16, False)
    backbone = load(spec, {"text": "text", "image": "image"}, 64, 0)
    assert backbone.widths == (16, 24)
    assert backbone.shares == (8, 8)


def test_it_learns_which_picture_a_text_belongs_to(tmp_path):
    contrast(Contrast(out=tmp_path, steps=100, lr=3e-3, **TINY))
    (row,) = json.loads((tmp_path / "pretraining.json").read_text())["curve"]
    assert row["contrast_loss"] < math.log(TINY["batch"])


def test_the_command_knows_both(tmp_path, capsys):
    assert main(["pretrain", "large", "--out", str(tmp_path)]) == 2
    assert "this program makes small and small-dual" in capsys.readouterr().err

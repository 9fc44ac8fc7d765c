"""Pre-training on a toy: it runs, repeats itself, and writes a folder that loads as a backbone."""

import json
from dataclasses import replace

import torch
from conftest import load
from safetensors.torch import load_file

from mora_bench.backbones.load import resolve
from mora_bench.backbones.small.pretrain import Pretraining, _bag_of_words, _idf, _unlike, pretrain


def test_the_same_seed_gives_the_same_checkpoint(tmp_path):
    plan = Pretraining(
        tmp_path / "a", width=16, depth=2, heads=2, pairs=40, steps=100, batch=16, threads=1, vocabulary=300
    )
    pretrain(plan)
    pretrain(replace(plan, out=tmp_path / "b", tokenizer=tmp_path / "a" / "tokenizer.json"))
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in "ab")
    assert all(torch.equal(one[n], two[n]) for n in one)
    curve = json.loads((tmp_path / "a" / "pretraining.json").read_text())["curve"]
    assert [row["step"] for row in curve] == [100]
    assert curve[0]["mlm_loss"] < 8
    assert 0 < curve[0]["text_loss"] < 5
    assert 0 < curve[0]["picture_loss"] < 5
    spec = resolve(str(tmp_path / "a"), 128)
    assert (spec.depth, spec.width) == (2, 16)
    assert load(tmp_path / "a", 128).depth == 2


def test_a_false_pairs_text_is_the_least_alike():
    ids = torch.tensor([[1, 2, 3], [1, 2, 3], [4, 5, 6], [1, 2, 4]])
    words = _bag_of_words(ids, _idf(ids, 8) + 0.1)
    other = _unlike(words, 3, torch.Generator().manual_seed(0))
    assert other[0] == 2
    assert other[1] == 2
    assert (other != torch.arange(4)).all()

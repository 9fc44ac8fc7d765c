"""Any number of pictures per sample, each on its own."""

import numpy as np
import pytest
import torch
from conftest import TINY, tiny_clip
from transformers import ViltConfig, ViltModel

from mora_bench.backbones.clip import Clip
from mora_bench.backbones.layout import PictureSpec
from mora_bench.backbones.vilt import Vilt
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.bag import LIMIT, Bag, chosen
from mora_bench.data.modalities.image import Image, ImageInputs
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.modalities.text import TextInputs

RULE = ImageRule(32, 64, 16)


class Shade:
    def __init__(self, seed, height=32, width=32):
        self.picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)

    def read(self):
        return self.picture

    def fingerprint(self):
        return str(self.picture.sum())


BAGS = ((Shade(1), Shade(2, 32, 64), None), None, (Shade(3),), (Shade(4), Shade(5), Shade(6, 64, 32)))


def opened(folder, kind, values):
    folder.mkdir()
    kind().encode(values, [f"s{i}" for i in range(len(values))], RULE, folder, 1)
    return kind().open(folder)


def test_each_picture_keeps_its_own_shape(tmp_path):
    content = opened(tmp_path / "bag", Bag, BAGS)
    assert content.bounds.tolist() == [0, 2, 2, 3, 6]
    shown = content.collate(np.array([0, 1, 3]), np.array([True, False, True]))
    assert shown.pixels.shape[:2] == (3, 3)
    assert shown.grid.tolist() == [[[2, 2], [2, 4], [0, 0]], [[2, 2], [0, 0], [0, 0]], [[2, 2], [2, 2], [4, 2]]]
    assert (shown.pixels[1, 0, :, :32, :32] == 1).all()
    expected = torch.from_numpy(BAGS[0][1].picture).permute(2, 0, 1) / 127.5 - 1
    torch.testing.assert_close(shown.pixels[0, 1, :, :32, :64], expected)
    assert content.lengths(np.arange(4)).tolist() == [12, 0, 4, 16]
    assert content.facts()["pictures"] == {"0": 1, "1": 1, "2": 1, "3": 1}


def test_of_many_pictures_evenly_spaced_ones_are_read():
    assert chosen(list(range(LIMIT))) == list(range(LIMIT))
    assert chosen(list(range(22))) == [0, 3, 6, 9, 12, 15, 18, 21]


@pytest.mark.parametrize("family", ["vilt", "clip"])
def test_a_bags_tokens_are_those_of_its_pictures_one_after_the_other(family, tmp_path):
    content = opened(tmp_path / "bag", Bag, BAGS)
    kinds = {"films": "bag", "text": "text"}
    torch.manual_seed(0)
    if family == "vilt":
        backbone = Vilt(ViltModel(ViltConfig(**TINY, vocab_size=200)).eval(), kinds)
    else:
        backbone = Clip(tiny_clip().net, kinds, PictureSpec(RULE, [0.5] * 3, [0.5] * 3))
    rows = np.array([0, 3])
    words = TextInputs(torch.full((2, 3), 7), torch.ones(2, 3, dtype=torch.bool))
    bag = content.collate(rows, np.ones(2, bool))
    part = backbone.embed(Batch((bag, words), torch.ones(2, 2, dtype=torch.bool)))[0]
    for row, at in enumerate(rows):
        single = opened(tmp_path / str(row), Image, tuple((p,) for p in BAGS[at] if p is not None))
        count = len(single.starts)
        one: ImageInputs = single.collate(np.arange(count), np.ones(count, bool))
        text = TextInputs(words.ids[:1].expand(count, -1), words.mask[:1].expand(count, -1))
        alone = backbone.embed(Batch((one, text), torch.ones(count, 2, dtype=torch.bool)))[0]
        expected = torch.cat(alone.rows(torch.ones(count, dtype=torch.bool)))
        torch.testing.assert_close(part.x[row][part.mask[row]], expected, rtol=0, atol=1e-6)
        assert part.mask[row, 0]

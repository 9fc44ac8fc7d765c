"""Parameter counts of the papers, on ViLT-B/32 built without weights."""

import pytest
import torch
from transformers import ViltConfig, ViltModel

from mora_bench import registry
from mora_bench.backbone.load import extend_positions
from mora_bench.backbone.vilt import Backbone
from mora_bench.imputer import Dummy
from mora_bench.measure import parameters
from mora_bench.method import Axes
from mora_bench.model import Model

BLOCKS = tuple(range(12))


def counted(name, axes, classes):
    with torch.device("meta"):
        vilt = ViltModel(ViltConfig())
        extend_positions(vilt, 1024)
        backbone = Backbone(vilt)
        method = registry.get(registry.METHODS, name)(backbone, axes)
        model = Model(backbone, method, Dummy(), classes, head_seed=0)
    return parameters(model)


@pytest.mark.parametrize(
    ("classes", "base", "head", "trained", "share"),
    [(8, 113_547_272, 1_196_552, 1_796_360, 1.582), (20, 113_565_716, 1_214_996, 1_814_804, 1.598)],
)
def test_mora_has_the_papers_counts(classes, base, head, trained, share):
    found = counted("mora", Axes(4, (0,)), classes)
    assert found["trained"] == {"adapter": 9_216, "pooler": 590_592, "head": head, "backbone": 0}
    assert found["model"] - found["all"]["adapter"] == base
    assert sum(found["trained"].values()) == trained
    assert round(found["share_total"], 3) == share
    assert round(found["share_adapter"], 4) == 0.0081


@pytest.mark.parametrize(
    ("name", "axes", "adapter"),
    [
        ("head", Axes(), 0),
        ("full", Axes(), 0),
        ("map", Axes(blocks=tuple(range(6))), 3 * 6 * 16 * 768),
        ("lora", Axes(8, BLOCKS), 294_912),
        ("mora", Axes(4, BLOCKS), 12 * 9_216),
    ],
)
def test_adapters_have_their_closed_forms(name, axes, adapter):
    assert counted(name, axes, 8)["all"]["adapter"] == adapter


def test_map_is_221_184():
    assert counted("map", Axes(blocks=tuple(range(6))), 8)["trained"]["adapter"] == 221_184


def test_full_trains_everything():
    found = counted("full", Axes(), 8)
    assert sum(found["trained"].values()) == found["model"] == 113_547_272
    assert found["share_total"] == 100

"""The contract of methods and imputers on three modalities: left eye, right eye, keywords."""

import copy

import numpy as np
import pytest
import torch
from conftest import TINY, make_model, tiny_backbone
from transformers import ViltConfig, ViltModel

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At
from mora_bench.backbones.vilt import Vilt
from mora_bench.cells.runtime import Runtime
from mora_bench.checks import leaks, method, spared
from mora_bench.checks.subject import Subject
from mora_bench.methods.imputer import Dummy
from mora_bench.training.cell import samples

EYES = {"left": "image", "right": "image", "keywords": "text"}
METHODS = registry.names(registry.METHODS)
IMPUTERS = [name for name in registry.names(registry.IMPUTERS) if name != "dummy"]
RULES = (
    method.outputs,
    leaks.absent,
    method.gradients,
    method.detaching,
    method.saving,
    spared.beginning,
    method.owners,
)


@pytest.fixture(scope="module")
def eyes(cache, folder):
    return samples("odir-eyes", str(folder), 64, Runtime(out=cache, cache=cache, limit=60))


@pytest.fixture(scope="module")
def network(folder):
    return backbones.load(backbones.resolve(str(folder), 64), EYES, 64, 0)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps(name, rule, network, eyes):
    rule(Subject(registry.get(registry.METHODS, name), Dummy, eyes, lambda: copy.deepcopy(network)))


@pytest.mark.parametrize("rule", [*RULES, method.observed_kept, leaks.hidden], ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", IMPUTERS)
def test_every_imputer_keeps(name, rule, network, eyes):
    mora, imputer = registry.get(registry.METHODS, "mora"), registry.get(registry.IMPUTERS, name)
    rule(Subject(mora, imputer, eyes, lambda: copy.deepcopy(network)))


def test_eyes_are_the_pictures_and_texts_of_odir(eyes, toy):
    left, right, keywords = eyes.table.modalities.values()
    pairs = [(a[0], b[0]) for a, b in zip(left.values, right.values, strict=True)]
    assert pairs == list(toy.table.modalities["image"].values)
    assert keywords == toy.table.modalities["text"]
    assert eyes.table.kinds == ("image", "image", "text")


def test_a_second_picture_has_its_own_token_type_where_the_checkpoint_has_one():
    torch.manual_seed(0)
    vilt = ViltModel(ViltConfig(**TINY, vocab_size=200, modality_type_vocab_size=3)).eval()
    assert Vilt(vilt, EYES).untyped == ()
    assert [row for row, _ in Vilt(vilt, EYES).types] == [1, 2, 0]
    assert tiny_backbone().untyped == ()
    # Published ViLTs know two types: the second picture takes the first one's, and a learned row beside it.
    assert Vilt(tiny_backbone().vilt, EYES).untyped == ("right",)
    assert Vilt(tiny_backbone().vilt, {"note": "text", "letter": "text"}).untyped == ("letter",)


def test_the_learned_row_starts_at_nothing_trains_and_tells_the_eyes_apart(network, eyes):
    model = make_model("mora", copy.deepcopy(network)).eval()
    assert not model.types["right"].any()
    assert "types.right" in model.trained()
    assert any(p is model.types["right"] for p in model.by_owner()["adapter"])
    rows, present = np.arange(4), np.ones((4, 3), bool)
    swapped = eyes.contents[1], eyes.contents[0], eyes.contents[2]
    other = type(eyes)(eyes.table, swapped, eyes.present)
    with torch.no_grad():
        torch.testing.assert_close(model(eyes.batch(rows, present)), model(other.batch(rows, present)))
        torch.nn.init.normal_(model.types["right"])
        assert not torch.allclose(model(eyes.batch(rows, present)), model(other.batch(rows, present)), atol=1e-5)


def test_mora_with_three_modalities_is_its_formula_in_float64(network, eyes):
    """out = block(x) + sum over present m of up_m(down(x)), for all seven patterns."""
    model = make_model("mora", copy.deepcopy(network)).double().eval()
    (branch,) = [branch for name, branch in model.method.branches.items() if name == "0"]
    torch.nn.init.normal_(branch.up)
    patterns = np.array([[i >> m & 1 for m in range(3)] for i in range(1, 8)], bool)
    batch = eyes.batch(np.arange(7), patterns)
    batch = batch.with_tensors([t.double() if t.is_floating_point() else t for t in batch.tensors()])
    with torch.no_grad():
        (tokens,) = model.backbone.join(model.embed(batch), batch.present)
        plain = model.backbone.block(At(0, 0), tokens).x
        got = model.method.block(At(0, 0), lambda t, prefix=None: model.backbone.block(At(0, 0), t, prefix), tokens).x
        for b, pattern in enumerate(patterns):
            inner = tokens.x[b] @ branch.down.T
            added = sum(inner @ branch.up[m] for m in range(3) if pattern[m])
            torch.testing.assert_close(got[b], plain[b] + added, rtol=0, atol=1e-10)

"""What a fused backbone costs and trains, what is kept of its pictures, and what other programs read of it."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from conftest import MODALITIES, RECIPE, make_cell, make_model
from peft import PeftModel
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from mora_bench.backbones import grids, load
from mora_bench.backbones.fused import SMALL, Projection
from mora_bench.backbones.vilt import SHIPPED
from mora_bench.data import cache as decoded
from mora_bench.data import presence
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.features import FeatureInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.data.modalities.wordpiece import open_tokenizer
from mora_bench.data.twins import tables as twins
from mora_bench.methods.network import classifier
from mora_bench.records.schema import Parameters
from mora_bench.records.store import Store
from mora_bench.training.cost import parameters
from mora_bench.training.decoded import samples
from mora_bench.training.flops import forward_flops, step_flops
from mora_bench.training.inference import apply, trained
from mora_bench.training.work import work

NAME = "fused:untrained,untrained"
#: Width, inner width and depth of the text transformer; width and tokens of a picture's features.
D, INNER, DEPTH, F, N = 64, 128, 3, 32, 4
PROJECTION = F * D + D + 2 * N * D


def model(method="head", name=NAME):
    return make_model(method, load.load(load.resolve(name, 64), MODALITIES, 64, 0))


def batch(text, pictures, tokens=N):
    ids = torch.randint(5, 200, (1, text), generator=torch.Generator().manual_seed(0))
    slots = torch.arange(pictures)[None]
    features = torch.randn(1, pictures, tokens, F, generator=torch.Generator().manual_seed(0))
    words = TextInputs(ids, torch.ones_like(ids, dtype=torch.bool))
    return Batch((words, FeatureInputs(features, slots)), torch.ones(1, 2, dtype=torch.bool))


@pytest.mark.parametrize("pictures", [1, 2])
@pytest.mark.parametrize("text", [2, 30])
def test_forward_is_the_closed_form_by_both_counters(text, pictures):
    network, sample = model(), batch(text, pictures)
    tokens = text + pictures * N
    expected = pictures * N * F * D
    expected += DEPTH * (tokens * (4 * D**2 + 2 * D * INNER) + 2 * tokens**2 * D)
    expected += D * 2 * D + 2 * D * 8
    assert forward_flops(network, sample).flops == 2 * expected
    assert forward_flops(network, sample).without_formula == ()
    assert step_flops(network, sample)["forward"] == 2 * expected


def test_a_sample_without_pictures_leaves_nothing_uncounted():
    network, sample = model(), batch(30, 1)
    words, pictures = sample.inputs
    absent = dataclasses.replace(
        pictures, features=torch.zeros_like(pictures.features), slots=torch.full_like(pictures.slots, -1)
    )
    counted = forward_flops(network, Batch((words, absent), torch.tensor([[True, False]])))
    assert counted.without_formula == ()
    assert 0 < counted.flops < forward_flops(network, sample).flops


def test_the_projection_is_a_group_of_its_own_and_no_part_of_the_adapter():
    plain, mora = (msgspec.to_builtins(parameters(model(name))) for name in ("head", "mora"))
    assert plain["trained"] | {"head": 0} == {
        "adapter": 0, "pooler": 0, "head": 0, "backbone": 0, "projection": PROJECTION,
    }  # fmt: skip
    rank, blocks = 2, 2
    adapter = blocks * rank * D * (1 + 2)
    assert mora["trained"] == plain["trained"] | {"adapter": adapter}
    base = sum(plain["all"].values())
    assert mora["model"] == base + adapter
    assert mora["share_adapter"] == pytest.approx(100 * adapter / base)
    assert mora["share_total"] == pytest.approx(100 * (adapter + PROJECTION + plain["all"]["head"]) / base)


def test_records_without_a_projection_are_read_as_before():
    groups = {"adapter": 1, "pooler": 2, "head": 3, "backbone": 4}
    raw = {"all": groups, "trained": groups, "model": 10} | dict.fromkeys(
        ("share_adapter", "share_adapter_head", "share_total"), 1.0
    )
    assert msgspec.convert(raw, Parameters).all == groups


def test_the_projection_trains_under_every_method_and_the_backbones_own_stays():
    network = model("mora")
    before = [p.clone() for p in network.backbone.projection.parameters()]
    network(batch(5, 2)).sum().backward()
    names = {name for name, p in network.trained().items() if p.grad is not None and p.grad.any()}
    assert {"projection.linear.weight", "projection.linear.bias", "projection.rows.image"} <= names
    assert not any(name.startswith("backbone.projection") for name in network.trained())
    assert all(torch.equal(a, b) for a, b in zip(before, network.backbone.projection.parameters(), strict=True))


def test_seeds_draw_other_projections_of_the_same_weights():
    spec = load.resolve(NAME, 64)
    one, same, other = (load.load(spec, MODALITIES, 64, seed).projection.linear.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def words():
    return open_tokenizer(SHIPPED / "tokenizer.json").get_vocab_size()


@pytest.fixture
def bert(tmp_path):
    """A BERT in a folder, as a user has it."""
    torch.manual_seed(3)
    BertModel(BertConfig(**SMALL, vocab_size=words(), initializer_range=0.2)).save_pretrained(tmp_path / "bert")
    (tmp_path / "bert" / "tokenizer.json").write_bytes((SHIPPED / "tokenizer.json").read_bytes())
    return tmp_path / "bert"


@pytest.fixture
def opened(tmp_path):
    table, rules = twins.odir(range(12)), load.resolve(NAME, 64).rules
    return lambda: decoded.prepare(table, "f", rules, tmp_path)


def test_features_are_computed_once_kept_with_digests_and_healed(opened, bert, tmp_path, monkeypatch, capsys):
    first = opened()
    content = first.contents[1]
    assert content.features.shape[1:] == (N, F)
    assert isinstance(content.features, np.memmap)
    features = np.array(content.features)
    _, folder = first.folders
    assert set(decoded.read_sealed(folder / decoded.MANIFEST)) == {
        "0/features.bin", "0/bounds.npy", "0/slots.npy", "0/shape.npy",
    }  # fmt: skip
    assert decoded.damaged(folder) == []
    with monkeypatch.context() as patched:
        patched.setattr(grids.FeatureGrid, "features", lambda *a: pytest.fail("computed twice"))
        assert np.array_equal(opened().contents[1].features, features)
        # Another length of texts, another text transformer.
        other = f"fused:{bert},untrained"
        again = decoded.prepare(first.table, "f", load.resolve(other, 32).rules, tmp_path)
        assert np.array_equal(again.contents[1].features, features)
        assert again.folders[0] != first.folders[0]
    file = folder / "0" / "features.bin"
    file.write_bytes(bytes(file.stat().st_size))
    assert np.array_equal(opened().contents[1].features, features)
    assert "features.bin is not what was written; decoded anew" in capsys.readouterr().err


def test_each_picture_is_read_alone_and_an_absent_one_leaves_nothing(opened):
    original = opened()
    pictures = list(original.table.modalities["image"].values)
    column = dataclasses.replace(
        original.table.modalities["image"], values=((None, pictures[0][1]), pictures[1], *pictures[2:])
    )
    table = dataclasses.replace(original.table, modalities=original.table.modalities | {"image": column})
    rules = load.resolve(NAME, 64).rules
    content = decoded.prepare(table, "g", rules, original.folders[0].parents[1]).contents[1]
    both = original.contents[1]
    assert content.slots[:3].tolist() == [1, 0, 1]
    assert np.array_equal(content.features[0], both.features[1])
    assert np.array_equal(content.features[1:], both.features[2:])
    batch = content.collate(np.arange(3), np.array([True, True, False]))
    assert batch.slots.tolist() == [[1, -1], [0, 1], [-1, -1]]
    assert not batch.features[2].any()


def outside(folder, adapter, method, test_batch):
    """Logits by transformers and peft alone, from what was saved."""
    base = BertModel.from_pretrained(folder, add_pooling_layer=False)
    text, pictures = test_batch.inputs
    weights = load_file(adapter / "projection.safetensors")
    projection = Projection(F, D, N, {"image": 2})
    projection.load_state_dict(weights)
    seen = projection(pictures, "image").flatten(1, 2)
    rows, long, count = *text.ids.shape, pictures.slots.shape[1]
    mask = torch.cat([text.mask, (pictures.slots >= 0).repeat_interleave(N, 1)], 1)
    inputs = {
        "inputs_embeds": torch.cat([base.embeddings.word_embeddings(text.ids), seen], 1),
        "attention_mask": mask.long(),
        "token_type_ids": torch.cat([torch.zeros(rows, long), torch.ones(rows, count * N)], 1).long(),
        "position_ids": torch.cat([torch.arange(long), torch.arange(N).repeat(count)]).expand(rows, -1),
    }
    if method == "mora":
        inputs["present"] = test_batch.present
    last = PeftModel.from_pretrained(base, adapter).eval()(**inputs).last_hidden_state
    head = classifier(D, 8)
    head.load_state_dict(load_file(adapter / "classifier.safetensors"))
    return head((last * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


def by_the_script_of_the_docs(folder, adapter, test_batch):
    """Logits of a fresh process that runs what docs/own.md says."""
    text, pictures = test_batch.inputs
    inputs = {"input_ids": text.ids, "attention_mask": text.mask.long()}
    inputs |= {"features": pictures.features, "slots": pictures.slots}
    where = adapter.parent
    save_file({name: tensor.contiguous() for name, tensor in inputs.items()}, where / "inputs.safetensors")
    docs = (Path(__file__).parents[2] / "docs" / "own.md").read_text()
    script = docs.split("Of a `fused:TEXT,PICTURE` backbone")[1].split("```python\n")[1].split("```")[0]
    (where / "load.py").write_text(script)
    command = [sys.executable, "load.py", str(folder), str(adapter)]
    return json.loads(subprocess.run(command, cwd=where, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(("method", "projection"), [("mora", "trained"), ("lora", "trained"), ("mora", "aligned")])
@torch.no_grad()
def test_the_records_logits_come_back_outside_the_harness_and_by_predict(method, projection, runtime, bert):
    name = f"fused:{bert},untrained"
    runtime = dataclasses.replace(runtime, save_adapters=True)
    cell = make_cell(runtime, name, method=method, recipe=dataclasses.replace(RECIPE, projection=projection))
    with torch.enable_grad():
        work([cell], runtime)
    store = Store(runtime.out)
    record = store.record(cell)
    assert record.status == "done"
    assert record.parameters.trained["projection"] == (PROJECTION if projection == "trained" else 0)
    assert record.flops.tokens["image"] == 2 * N
    adapter, predictions = store.adapter_folder(cell), load_arrays(store.prediction_file(cell))
    data = samples("odir", name, 64, runtime)
    rows = predictions["test_rows"]
    for k, pattern in enumerate(presence.pattern_presence(2)):
        test_batch = data.batch(rows, np.broadcast_to(pattern, (len(rows), 2)))
        logits = outside(bert, adapter, method, test_batch)
        np.testing.assert_allclose(logits, predictions["test_logits"][:, k], atol=1e-5)
    if method == "mora":
        logits = by_the_script_of_the_docs(bert, adapter, data.batch(rows, np.ones((len(rows), 2), bool)))
        np.testing.assert_allclose(logits, predictions["test_logits"][:, -1], atol=1e-5)
    grid = json.loads((adapter / "inference.json").read_text())["features"]
    assert (grid["source"], grid["cells"], grid["pixels"]["shorter"]) == ("untrained", [2, 2], 64)
    applied = apply(trained(record, runtime), cell, data.table, data.table, runtime)
    complete = len(presence.pattern_presence(2)) - 1
    np.testing.assert_allclose(applied.logits[rows, complete], predictions["test_logits"][:, complete], atol=1e-4)

"""What a cell trained, loaded outside the harness: the same logits."""

import dataclasses
import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import RECIPE, joined, make_cell, random_inputs, through, tiny_backbone
from peft import PeftModel, get_peft_model
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file, save_file
from transformers import CLIPModel, ViltModel

from mora_bench.backbones.clip import MEAN, STD
from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence
from mora_bench.methods.contract import Axes
from mora_bench.methods.mora import Mora
from mora_bench.methods.network import classifier
from mora_bench.methods.peft import MoraConfig
from mora_bench.records.store import Store
from mora_bench.training.decoded import samples
from mora_bench.training.inference import trained
from mora_bench.training.predict import predict
from mora_bench.training.work import work


def saved(runtime: Runtime, folder: Path, method: str, **changes):
    runtime = dataclasses.replace(runtime, save_adapters=True)
    cell = make_cell(runtime, folder, method=method, **changes)
    work([cell], runtime)
    assert Store(runtime.out).record(cell).status == "done"
    return runtime, cell, Store(runtime.out).adapter_folder(cell)


def transformers_inputs(batch, patch: int) -> dict[str, torch.Tensor]:
    text, image = batch.inputs
    pixels = torch.zeros(len(batch), *image.pixels.shape[2:], dtype=torch.long)
    for row, (height, width) in enumerate(image.grid.tolist()):
        pixels[row, : height * patch, : width * patch] = 1
    return {
        "input_ids": text.ids,
        "attention_mask": text.mask.long(),
        "pixel_values": image.pixels,
        "pixel_mask": pixels,
    }


def saved_head(adapter: Path) -> torch.nn.Module:
    weights = load_file(adapter / "classifier.safetensors")
    head = classifier(weights["0.weight"].shape[1], len(weights["3.weight"]))
    head.load_state_dict(weights)
    return head


def outside(adapter: Path, folder: Path, method: str, batch) -> torch.Tensor:
    """Logits by transformers and peft alone."""
    model = PeftModel.from_pretrained(ViltModel.from_pretrained(folder), adapter).eval()
    inputs = transformers_inputs(batch, model.config.patch_size)
    if method == "mora":
        inputs["present"] = batch.present
    head = saved_head(adapter)
    with torch.no_grad():
        return head(model(**inputs).pooler_output)


def read_outside(adapter: Path, folder: Path, readout: str, batch) -> torch.Tensor:
    """Logits of a readout by transformers and peft alone, of samples without padding."""
    model = PeftModel.from_pretrained(ViltModel.from_pretrained(folder), adapter).eval()
    inputs = transformers_inputs(batch, model.config.patch_size) | {"present": batch.present}
    weights = load_file(adapter / "classifier.safetensors")
    with torch.no_grad():
        tokens = model(**inputs).last_hidden_state
        if readout == "mean":
            return saved_head(adapter)(tokens.mean(1))
        queries = weights["queries.0"]
        features = (tokens @ queries.T / queries.shape[1] ** 0.5).softmax(1).transpose(1, 2) @ tokens
        return (features * weights["weight"]).sum(-1) + weights["bias"]


@pytest.mark.parametrize("readout", ["mean", "labels"])
@pytest.mark.parametrize("method", ["mora", "lora"])
def test_a_readouts_test_logits_come_back_by_predict_and_outside_the_harness(method, readout, runtime, folder):
    recipe = dataclasses.replace(RECIPE, readout=readout, head_bias="prevalence", lr=1e-2)
    runtime, cell, adapter = saved(runtime, folder, method, recipe=recipe)
    record = Store(runtime.out).record(cell)
    assert not record.beginning.lean
    assert record.parameters.trained["pooler"] == 0
    assert record.uncounted == []
    assert json.loads((adapter / "inference.json").read_text())["readout"] == readout
    assert "| what is read |" in (adapter / "README.md").read_text()
    predictions = load_arrays(Store(runtime.out).prediction_file(cell))
    data, rows = samples("odir", str(folder), 64, runtime), predictions["test_rows"]
    test_logits = predict(trained(record, runtime).eval(), data, rows, 8, torch.device("cpu"))
    np.testing.assert_allclose(test_logits, predictions["test_logits"], atol=1e-6)
    for k, pattern in enumerate(presence.pattern_presence(2)):
        for i, row in enumerate(rows):
            batch = data.batch(np.array([row]), pattern[None])
            logits = read_outside(adapter, folder, readout, batch)
            np.testing.assert_allclose(logits, predictions["test_logits"][[i], k], atol=1e-5)


@pytest.mark.parametrize("method", ["mora", "lora", "lora-all", "dora", "ia3"])
def test_the_records_test_logits_come_back_outside_the_harness(method, runtime, folder):
    runtime, cell, adapter = saved(runtime, folder, method)
    predictions = load_arrays(Store(runtime.out).prediction_file(cell))
    data = samples("odir", str(folder), 64, runtime)
    rows = predictions["test_rows"]
    for k, pattern in enumerate(presence.pattern_presence(2)):
        batch = data.batch(rows, np.broadcast_to(pattern, (len(rows), 2)))
        np.testing.assert_allclose(outside(adapter, folder, method, batch), predictions["test_logits"][:, k], atol=1e-5)


def outside_clip(adapter: Path, folder: Path, method: str, batch) -> torch.Tensor:
    """Logits of a dual encoder by transformers and peft alone."""
    model = PeftModel.from_pretrained(CLIPModel.from_pretrained(folder), adapter).eval()
    words, pictures = batch.inputs
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    inputs = {
        "input_ids": words.ids,
        "attention_mask": words.mask.long(),
        "pixel_values": ((pictures.pixels + 1) / 2 - mean) / std,
        "interpolate_pos_encoding": True,
    }
    if method == "mora":
        inputs["present"] = batch.present
    head = saved_head(adapter)
    with torch.no_grad():
        encodings = model(**inputs)
        return head(
            torch.cat([encodings.text_model_output.pooler_output, encodings.vision_model_output.pooler_output], -1)
        )


@pytest.mark.parametrize("method", ["mora", "lora", "dora", "ia3"])
def test_a_dual_encoders_test_logits_come_back_outside_the_harness(method, runtime, clip_folder):
    runtime, cell, adapter = saved(runtime, clip_folder, method)
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["modules_to_save"] == ["text_projection", "visual_projection"]
    predictions = load_arrays(Store(runtime.out).prediction_file(cell))
    data = samples("odir", str(clip_folder), 64, runtime)
    rows = predictions["test_rows"]
    for k, pattern in enumerate(presence.pattern_presence(2)):
        batch = data.batch(rows, np.broadcast_to(pattern, (len(rows), 2)))
        logits = outside_clip(adapter, clip_folder, method, batch)
        np.testing.assert_allclose(logits, predictions["test_logits"][:, k], atol=2e-5)


def test_the_readmes_script_gives_the_records_logits_in_a_fresh_process(runtime, folder, tmp_path):
    runtime, cell, adapter = saved(runtime, folder, "mora")
    data = samples("odir", str(folder), 64, runtime)
    predictions = load_arrays(Store(runtime.out).prediction_file(cell))
    batch = data.batch(predictions["test_rows"], np.ones((len(predictions["test_rows"]), 2), bool))
    inputs = transformers_inputs(batch, patch=16)
    save_file({name: tensor.contiguous() for name, tensor in inputs.items()}, tmp_path / "inputs.safetensors")
    needs = json.loads((adapter / "inference.json").read_text())
    assert needs["max_text"] == 64
    readme = (Path(__file__).parents[2] / "docs" / "own.md").read_text()
    script = readme.split("## Take an adapter elsewhere")[1].split("```python\n")[1].split("```")[0]
    (tmp_path / "load.py").write_text(script)
    out = subprocess.run(
        [sys.executable, "load.py", str(folder), str(adapter)], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    complete = len(presence.pattern_presence(2)) - 1
    np.testing.assert_allclose(json.loads(out), predictions["test_logits"][:, complete], atol=1e-5)


@pytest.fixture
def few_places(folder, tmp_path) -> Path:
    """The backbone with 40 text positions, as all published ViLTs have."""
    vilt = ViltModel.from_pretrained(folder)
    embeddings = vilt.embeddings.text_embeddings
    rows = embeddings.position_embeddings.weight[:40].detach().clone()
    embeddings.position_embeddings = torch.nn.Embedding.from_pretrained(rows, freeze=False)
    embeddings.register_buffer("position_ids", torch.arange(40)[None], persistent=False)
    vilt.config.max_position_embeddings = 40
    out = tmp_path / "few"
    vilt.save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"):
        shutil.copy(folder / name, out / name)
    return out


def test_the_script_extends_positions_as_training_did(runtime, few_places, tmp_path):
    test_the_readmes_script_gives_the_records_logits_in_a_fresh_process(runtime, few_places, tmp_path)


@pytest.fixture
def half(folder, tmp_path) -> Path:
    """The backbone with its numbers in float16, as many are published."""
    out = shutil.copytree(folder, tmp_path / "half")
    ViltModel.from_pretrained(folder).half().save_pretrained(out)
    assert json.loads((out / "config.json").read_text())["dtype"] == "float16"
    return out


def test_the_script_loads_a_checkpoint_in_float16_as_training_did(runtime, half, tmp_path):
    test_the_readmes_script_gives_the_records_logits_in_a_fresh_process(runtime, half, tmp_path)


@pytest.mark.parametrize(("impute", "exported"), [("learned", True), ("mean", False)])
def test_an_imputer_goes_with_its_adapter_or_says_that_it_cannot(
    impute, exported, runtime, folder, tmp_path, monkeypatch
):
    _, _, adapter = saved(runtime, folder, "mora", impute=impute)
    assert (adapter / "imputer.safetensors").exists() == exported
    sentence = "from `imputer.safetensors`" if exported else "what it learned is kept nowhere"
    assert sentence in (adapter / "README.md").read_text()
    script = (Path(__file__).parents[2] / "docs" / "own.md").read_text()
    script = script.split("## Take an adapter elsewhere")[1].split("```python\n")[1].split("```")[0]
    (tmp_path / "load.py").write_text(script)
    monkeypatch.setattr(sys, "argv", ["load.py", str(folder), str(adapter)])
    with pytest.raises(SystemExit, match=f"^{impute} stands in for what is missing, before block 0"):
        runpy.run_path(str(tmp_path / "load.py"), run_name="__main__")


def test_a_method_that_peft_does_not_know_is_saved_by_its_own_names(runtime, folder):
    _, cell, adapter = saved(runtime, folder, "map")
    assert "method.prompts.all" in load_file(adapter / "adapter_model.safetensors")
    assert json.loads((adapter / "adapter_config.json").read_text())["mora_bench"]["method"] == "map"
    assert f"# map on {cell.dataset}" in (adapter / "README.md").read_text()


def test_the_card_says_what_it_is(runtime, folder):
    _, _, adapter = saved(runtime, folder, "mora")
    card = (adapter / "README.md").read_text()
    assert "library_name: peft" in card
    assert "an embedded twin: drawings, not patients" in card
    assert "| method | mora, rank 2, blocks 0, 1 |" in card


def test_the_card_says_where_plain_libraries_cannot_run_it(runtime, bridgetower_folder):
    _, _, adapter = saved(runtime, bridgetower_folder, "lora")
    card = (adapter / "README.md").read_text()
    assert "library_name: mora_bench" in card
    assert "plain libraries cannot as they are: BridgeTower holds the attention of its picture tower" in card
    assert "`mora_bench.api.split_attention`" in card


def test_peft_mora_equals_the_harness_and_trains_what_it_should(tmp_path):
    ours, theirs = tiny_backbone(), tiny_backbone()
    method = Mora(ours, Axes(4, (0, 2)))
    model = get_peft_model(theirs.vilt, MoraConfig(r=4, blocks=[0, 2], modules_to_save=["pooler"])).eval()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert len(trained) == 2 * 2 + 2
    assert all("mora_branch" in name or "pooler" in name for name in trained)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for i, branch in method.branches.items():
            for name, p in branch.named_parameters():
                p.copy_(torch.randn(p.shape, generator=generator))
                model.get_parameter(f"base_model.model.encoder.layer.{i}.mora_branch.default.{name}").copy_(p)
    present = [[True, True], [True, False], [False, True]]
    tokens = through(ours, method, joined(ours, present))
    text, image = random_inputs().inputs
    plain = {"input_ids": text.ids, "pixel_values": image.pixels, "pixel_mask": torch.ones(3, 32, 64)}
    got = model(**plain, present=torch.tensor(present)).pooler_output
    torch.testing.assert_close(got, ours.pool((tokens,), ours.vilt.pooler), rtol=0, atol=1e-5)
    model.save_pretrained(tmp_path)
    again = PeftModel.from_pretrained(tiny_backbone().vilt, tmp_path).eval()
    # transformers draws the order of patches at random, so the last bits differ.
    same = again(**plain, present=torch.tensor(present)).pooler_output
    torch.testing.assert_close(same, got, rtol=0, atol=1e-5)
    with model.disable_adapter():
        off = model(**plain, present=torch.tensor(present)).last_hidden_state[:, 0]
    torch.testing.assert_close(off, tiny_backbone().vilt(**plain).last_hidden_state[:, 0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("present", [None, torch.ones(3, 3, dtype=torch.bool), torch.ones(3, 2)])
def test_peft_mora_wants_to_know_what_is_present(present):
    model = get_peft_model(tiny_backbone().vilt, MoraConfig())
    with pytest.raises(ValueError, match=r"MoRA needs present=: a bool tensor \[batch, 2\]"):
        model(input_ids=torch.ones(3, 4, dtype=torch.long), pixel_values=torch.ones(3, 3, 32, 32), present=present)

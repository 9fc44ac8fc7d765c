"""Finding and loading backbones."""

import json
import shutil
import sys

import pytest
import torch
import torch.nn.functional as F
from conftest import MODALITIES, tiny_backbone
from conftest import load as load_folder
from transformers import ViltForMaskedLM

from mora_bench import registry
from mora_bench.backbones.clip import SHIPPED as CLIP
from mora_bench.backbones.contract import At
from mora_bench.backbones.load import check_words, load, resolve
from mora_bench.backbones.vilt import SHIPPED, extend_positions
from mora_bench.checks.run import check
from mora_bench.cli.main import main
from mora_bench.data.modalities.text import TextRule
from mora_bench.data.modalities.wordpiece import open_tokenizer
from mora_bench.errors import UserError


def test_the_shipped_backbone_is_small_and_deep_enough():
    spec = resolve("small", 64)
    assert spec.depth >= 6
    assert sum(f.stat().st_size for f in SHIPPED.iterdir()) <= 12 * 2**20


def test_shipped_backbone_has_a_model_card_and_a_curve():
    assert "python -m mora_bench pretrain" in (SHIPPED / "README.md").read_text()
    curve = json.loads((SHIPPED / "pretraining.json").read_text())["curve"]
    assert curve[-1]["mlm_loss"] < curve[0]["mlm_loss"]


def test_untrained_has_another_fingerprint_and_weights_by_seed():
    trained, untrained = resolve("small", 64), resolve("small-untrained", 64)
    assert trained.fingerprint != untrained.fingerprint
    weights = [load(untrained, MODALITIES, 64, seed).layer(At(0, 0)).output.dense.weight for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_positions_are_interpolated_only_where_too_few():
    vilt = tiny_backbone().vilt
    before = vilt.embeddings.text_embeddings.position_embeddings.weight.detach().clone()
    extend_positions(vilt, 50)
    assert torch.equal(vilt.embeddings.text_embeddings.position_embeddings.weight, before)
    extend_positions(vilt, 128)
    after = vilt.embeddings.text_embeddings.position_embeddings.weight
    # The released code interpolates the table as a picture of one column each; the same numbers.
    released = F.interpolate(before[None, None], size=(128, before.shape[1]), mode="bilinear")[0, 0]
    torch.testing.assert_close(after, released, rtol=0, atol=1e-6)
    assert vilt.embeddings.text_embeddings(input_ids=torch.zeros(1, 128, dtype=torch.long)).shape == (1, 128, 32)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("config.json", "is absent"),
        ("model.safetensors", "no weights"),
        ("tokenizer.json", "no tokenizer"),
        ("preprocessor_config.json", "is absent"),
    ],
)
def test_an_incomplete_folder_names_what_is_absent(folder, tmp_path, broken, message):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / broken).unlink()
    with pytest.raises(UserError, match=message):
        resolve(str(copy), 64)


def test_a_checkpoint_without_all_weights_is_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    weights = load_file(copy / "model.safetensors")
    del weights["vilt.pooler.dense.weight"]
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"pooler\.dense\.weight"):
        load_folder(copy)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="small, small-untrained"):
        resolve("smal", 64)


def test_a_patch_that_is_not_the_divisor_is_refused(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "preprocessor_config.json").write_text(json.dumps({"size": 384, "size_divisor": 32}))
    with pytest.raises(UserError, match="size_divisor 32"):
        resolve(str(copy), 64)


@pytest.mark.parametrize("name", registry.names(registry.BACKBONES))
def test_every_family_keeps_every_rule(name):
    assert [(rule, problem) for rule, problem in check(registry.BACKBONES, name) if problem] == []


def test_the_shipped_clip_is_small_and_has_a_card_and_a_curve():
    assert sum(f.stat().st_size for f in CLIP.iterdir()) <= 12 * 2**20
    assert "python -m mora_bench pretrain small-dual" in (CLIP / "README.md").read_text()
    curve = json.loads((CLIP / "pretraining.json").read_text())["curve"]
    assert curve[-1]["accuracy"] > 0.4 > curve[0]["accuracy"]


def test_an_encoder_of_texts_alone_is_half_of_a_pair(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(UserError, match="model_type is 'bert'; expected one of: align, bridgetower, clip, flava"):
        resolve(str(tmp_path), 64)


def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "own")


@pytest.mark.parametrize(
    ("change", "message"),
    [({"image_mean": [0.1, 0.2, 0.3]}, "image_mean is"), ({"image_std": [2, 2, 2]}, "image_std is"),
     ({"image_mean": "x"}, "image_mean is 'x'")],
)  # fmt: skip
def test_pictures_that_are_scaled_otherwise_are_refused(folder, tmp_path, change, message):
    copy = copied(folder, tmp_path)
    file = copy / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}))
    assert resolve(str(copy), 64).fingerprint == resolve(str(folder), 64).fingerprint
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UserError, match=message):
        resolve(str(copy), 64)


def test_weights_in_several_files_are_read_as_in_one(folder, tmp_path):
    copy = copied(folder, tmp_path)
    (copy / "model.safetensors").unlink()
    ViltForMaskedLM.from_pretrained(folder).save_pretrained(copy, max_shard_size="40KB")
    assert len(list(copy.glob("model-*-of-*.safetensors"))) > 2
    single, sharded = (load(resolve(str(path), 64), MODALITIES, 64, 0) for path in (folder, copy))
    assert resolve(str(copy), 64).fingerprint != resolve(str(folder), 64).fingerprint
    for (name, one), (_, other) in zip(single.named_parameters(), sharded.named_parameters(), strict=True):
        assert torch.equal(one, other), name
    before = resolve(str(copy), 64).fingerprint
    part = sorted(copy.glob("model-*-of-*.safetensors"))[1]
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    part.write_bytes(bytes(content))
    assert resolve(str(copy), 64).fingerprint != before
    part.write_bytes(bytes(content[:100]))
    with pytest.raises(UserError, match=rf"{part.name}: cut or damaged"):
        resolve(str(copy), 64)
    part.unlink()
    with pytest.raises(UserError, match=rf"{part.name}: absent, though model.safetensors.index.json names it"):
        resolve(str(copy), 64)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{}", "no weight_map"),
        ('{"weight_map": {"a": "../../x.safetensors"}}', "is no name of a safetensors file beside it"),
        ('{"weight_map": {"a": "x.bin"}}', "is no name of a safetensors file beside it"),
        ("[", "index.json"),
    ],
)
def test_an_index_of_weights_that_is_none_is_refused(folder, tmp_path, index, message):
    copy = copied(folder, tmp_path)
    (copy / "model.safetensors").unlink()
    (copy / "model.safetensors.index.json").write_text(index)
    with pytest.raises(UserError, match=message):
        resolve(str(copy), 64)


def test_a_cased_vocabulary_is_read_as_one(tmp_path):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Aorta", "aorta"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces))
    rule = TextRule(tmp_path / "vocab.txt", 64)
    assert open_tokenizer(rule.tokenizer).encode("Aorta").tokens[1] == "aorta"
    key = rule.key()
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    assert rule.key() == key
    (tmp_path / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert open_tokenizer(rule.tokenizer).encode("Aorta").tokens[1] == "Aorta"
    assert rule.key() != key


def test_words_are_held_against_the_embeddings_of_words(folder, tmp_path):
    """Not against those of places, of which there may be more."""
    copy = copied(folder, tmp_path)
    (copy / "tokenizer.json").unlink()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"word{i}" for i in range(1000))]
    (copy / "vocab.txt").write_text("\n".join(pieces))
    spec = resolve(str(copy), 4000)
    with pytest.raises(UserError, match="1005 pieces, and the embeddings of"):
        check_words(spec, load(spec, MODALITIES, 4000, 0))


def test_a_torchvision_that_does_not_fit_is_named_when_planning(tmp_path, monkeypatch, capsys):
    """As PyPI's beside a torch of another build: importing it raises, and transformers then says that it cannot import
    the model."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(
        'raise RuntimeError("operator torchvision::nms does not exist")'
    )
    (tmp_path / "torchvision-0.1.dist-info").mkdir()
    (tmp_path / "torchvision-0.1.dist-info" / "METADATA").write_text("Name: torchvision\nVersion: 0.1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    asked = ["grid", "--datasets", "odir", "--seeds", "0", "--plan", "--out", str(tmp_path / "out")]
    assert main([*asked, "--methods", "head"]) == 2
    printed = capsys.readouterr().err
    assert "torchvision 0.1 does not fit torch" in printed
    assert "(RuntimeError: operator torchvision::nms does not exist)" in printed
    assert "Remove it (pip uninstall torchvision)" in printed
    # What reads no network runs.
    assert main([*asked, "--methods", "prior"]) == 0

"""`costs`: a table, one JSON value, and wrong input named."""

import json
import os

import pytest

from mora_bench import registry
from mora_bench.cli import costs
from mora_bench.cli import main as cli
from mora_bench.training.counters import methods, run
from mora_bench.training.counters.contract import Counter, Printed


class Chatty(Counter):
    """Prints in every way that a tool may."""

    name, module, packages, unit = "chatty", "torch", ("torch",), "MACs"

    def count(self, net):
        print("MACs: a lot")
        os.write(1, b"and more\n")
        return Printed(run.ours(net).total, 0)

    def expected(self, ours):
        return ours.total, ""


class Absent(Chatty):
    name, module = "absent", "no_such_package"


class Failing(Chatty):
    name = "failing"

    def count(self, net):
        raise SystemExit("cannot count this")


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.setattr(run, "COUNTERS", (Chatty(), Absent(), Failing()))


WORDS = ["costs", "small-dual", "--text-length", "12", "--picture-size", "32", "64", "--methods", "head", "lora"]


def test_one_json_value_whatever_a_tool_prints(tools, capfd):
    assert cli.main([*WORDS, "--json"]) == 0
    value = json.loads(capfd.readouterr().out)
    assert (value["text_length"], value["picture_size"]) == (12, [32, 64])
    (net,) = value["networks"]
    ours = net["ours"]
    assert ours["multiply_adds"] == sum(ours[part] for part in ("dense", "convolutions", "products", "fused"))
    assert [(tool["tool"], tool["status"]) for tool in net["tools"]] == [
        ("chatty", "counted"), ("absent", "not installed"), ("failing", "failed"),
    ]  # fmt: skip
    assert net["tools"][0]["over_ours"] == 1
    assert net["tools"][2]["why"] == ["SystemExit: cannot count this"]
    head, lora = value["methods"]
    assert head["peft"] is None
    assert lora["peft"]["percent"] < lora["peft"]["once"] < lora["peft"]["of_base"]
    assert lora["multiply_adds"] > head["multiply_adds"] > head["as_trained"]


def test_the_readout_is_counted(tools, capfd):
    words = ["costs", "small", "--text-length", "12", "--methods", "head", "--classes", "5", "--json"]
    by_readout = {}
    for readout in ("pooler", "mean", "labels"):
        assert cli.main([*words, "--readout", readout]) == 0
        (by_readout[readout],) = json.loads(capfd.readouterr().out)["methods"]
    # A query and a row of weights of width 96 for each label, and its bias.
    assert by_readout["labels"]["trained"]["head"] == 2 * 5 * 96 + 5
    # The pooler's linear layer trains where it is read.
    assert {name: method["trained"]["pooler"] for name, method in by_readout.items()} == {
        "pooler": 96 * 96 + 96, "mean": 0, "labels": 0,
    }  # fmt: skip
    # Its last block computes one token where one is read.
    assert by_readout["pooler"]["as_trained"] < by_readout["mean"]["as_trained"] == by_readout["mean"]["multiply_adds"]


def test_a_table_for_people(tools, capsys):
    assert cli.main(WORDS) == 0
    printed = capsys.readouterr().out
    assert "12 tokens of text and a picture of 32 x 64" in printed
    assert "failing: SystemExit: cannot count this." in printed
    assert "absent      not installed" in printed
    assert "peft prints %" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["smal"], "unknown backbone 'smal'"),
        (["./nowhere"], "unknown backbone './nowhere'"),
        (["small", "--methods", "lroa"], "Did you mean 'lora'?"),
        (["small", "--methods", "tfidf"], "unknown method 'tfidf'"),
        (["small-dual", "--methods", "memprompt"], "memprompt makes no sense on small-dual"),
        (["minilm-l6", "--methods", "lora"], "has no backbone of minilm-l6"),
        (["small", "--methods", "lora", "--blocks", "0-99"], "block 99 is outside the backbone's 0..5"),
        (["small", "--methods", "lora", "--rank", "0"], "--rank 0: expected 1 or more"),
        (["small", "--classes", "0"], "--classes 0: expected 1 to 100,000"),
        (["small-dual", "--text-length", "129"], "reads texts of 1 to 128 tokens"),
        (["minilm-l6", "--text-length", "513"], "reads texts of 1 to 512 tokens"),
        (["small", "--text-length", "0"], "reads texts of 1 to"),
        (["small", "--picture-size", "60", "64"], "multiples of 16"),
        (["small", "--picture-size", "160000", "16000"], "at most 4096 patches"),
        (["minilm-l6", "--picture-size", "64", "64"], "reads no pictures"),
        (["small", "--attention", "sdpa"], "has eager alone"),
    ],
)
def test_wrong_input_is_named(words, message, capsys):
    assert cli.main(["costs", *words]) == 2
    assert message in capsys.readouterr().err


def test_all_methods_are_those_that_run_on_it(tools, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(methods, "cost", lambda name, *_: asked.append(name) or {})
    monkeypatch.setattr(costs, "_methods", lambda _: None)
    assert cli.main(["costs", "small-dual", "--methods", "all", "--text-length", "4"]) == 0
    assert set(registry.names(registry.METHODS)) - set(asked) == {"aoept", "memprompt", "ragpt", "scp"}


def test_a_folder_with_odd_positions_is_named(folder, tmp_path, capsys):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"max_position_embeddings": "many"}))
    assert cli.main(["costs", str(tmp_path)]) == 2
    assert "max_position_embeddings is 'many'; expected a whole number" in capsys.readouterr().err


def test_a_folder_that_is_no_backbone_is_named(tmp_path, capsys):
    assert cli.main(["costs", str(tmp_path)]) == 2
    assert "config.json is absent" in capsys.readouterr().err

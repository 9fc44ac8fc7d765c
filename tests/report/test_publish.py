"""What is published: what was found, whole and as it was, and where it comes from."""

import json

import pytest
from by_hand import record
from conftest import make_cell
from huggingface_hub import ModelCard

from mora_bench.cli import main as cli
from mora_bench.files import write_atomic
from mora_bench.records.store import Store
from mora_bench.report.card import card, local
from mora_bench.report.contract import Results
from mora_bench.training.work import work


@pytest.fixture
def results(runtime, folder):
    work([make_cell(runtime, folder, method="head")], runtime)
    return runtime.out


def test_scores_are_those_of_the_folder_and_compare_says_so(results, tmp_path, capsys):
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "pub"), "--title", "a | <b>"]) == 0
    assert cli.main(["compare", str(tmp_path / "pub"), str(results)]) == 0
    assert [file.name for file in (tmp_path / "pub" / "scores").iterdir()] == [
        file.name for file in (results / "scores").iterdir()
    ]
    text = (tmp_path / "pub" / "README.md").read_text()
    assert "# a \\| \\<b\\>" in text
    assert "<b>" not in text
    sources = json.loads((tmp_path / "pub" / "provenance.json").read_text())
    ((record,), _) = Store(results).records()
    assert sources["data"] == [{"dataset": "odir", "source": "twin", "fingerprint": record.cell.data, "cells": 1}]
    assert sources["versions"]["torch"] == {record.provenance.versions["torch"]: 1}


def test_a_hub_reads_the_scores_of_each_adapter_as_its_own():
    """It takes results of one data set, whose configuration is the same, for those of one model."""
    pairs = [record(method, seed, 0.1 * (seed + 1)) for method in ("head", "mora") for seed in (0, 1)]
    results = Results.of([entry for entry, _ in pairs], [scores for _, scores in pairs])
    keys = {entry.key for entry, _ in pairs}
    read = ModelCard(card(results, keys, "mine", "mit", ["splits"])).data.eval_results
    values = {}
    for one in read:
        values.setdefault(one.dataset_config, {})[one.metric_name] = one.metric_value
    assert {name.partition(" (")[0] for name in values} == {entry.cell.label for entry, _ in pairs}
    metric = "F1-macro (higher is better), test, "
    patterns = {f"{metric}complete data", *(f"{metric}missing: {p} at 70%" for p in ("image", "text", "both"))}
    assert [set(of) for of in values.values()] == [patterns] * 4
    assert sorted(set(of.values()).pop() for of in values.values()) == [0.1, 0.1, 0.2, 0.2]


def test_a_header_that_is_full_says_of_how_many_adapters_it_speaks(monkeypatch):
    monkeypatch.setattr("mora_bench.report.card.MOST_METRICS", 9)
    pairs = [record("head", seed) for seed in range(3)]
    results = Results.of([entry for entry, _ in pairs], [scores for _, scores in pairs])
    text = card(results, {entry.key for entry, _ in pairs}, "mine", "mit", ["splits"])
    assert "The header has the scores of 2 of 3 adapters; tables have all." in text
    assert len(ModelCard(text).data.eval_results) == 8


def test_predictions_go_only_where_asked_for_and_rescore_then_works(results, tmp_path):
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "without")]) == 0
    assert not (tmp_path / "without" / "predictions").exists()
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "with"), "--predictions"]) == 0
    assert cli.main(["rescore", str(tmp_path / "with"), "--test-rate", "0.3"]) == 0


def test_splits_are_left_out_where_asked_and_the_records_say_so(results, tmp_path, capsys):
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "none"), "--no-splits"]) == 0
    assert "left out: splits, which list the hashed ids of each side" in capsys.readouterr().out
    assert not (tmp_path / "none" / "splits").exists()
    cli.main(["verify", str(tmp_path / "none")])
    printed = capsys.readouterr()
    assert "1 x splits that were left out" in printed.out + printed.err
    assert "absent" not in printed.err
    # A folder whose splits were lost is mended by it, and by nothing else.
    for file in (results / "splits").glob("*.json"):
        file.unlink()
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "lost")]) == 2
    assert "absent, though a record names it" in capsys.readouterr().err
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "mended"), "--no-splits"]) == 0
    tables = [(tmp_path / name / "tables" / "comparison-twin.md").read_bytes() for name in ("none", "mended")]
    assert tables[0] == tables[1]


def test_nothing_is_written_over_and_nothing_damaged_is_published(results, tmp_path, capsys):
    into = tmp_path / "pub"
    write_atomic(into / "thesis.tex", b"x")
    assert cli.main(["publish", str(results), "--into", str(into)]) == 2
    assert "is there and not empty" in capsys.readouterr().err
    assert cli.main(["publish", str(tmp_path / "nowhere"), "--into", str(tmp_path / "x")]) == 2
    assert "no records" in capsys.readouterr().err
    (record,) = (results / "records").iterdir()
    record.write_text(record.read_text().replace("0.7", "0.8"))
    assert cli.main(["publish", str(results), "--into", str(tmp_path / "x")]) == 2
    assert "damaged files; `mora_bench verify` lists them" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("small", "small"),
        ("dandelin/vilt-b32-mlm", "dandelin/vilt-b32-mlm"),
        ("/home/jane/nets/vilt", "vilt"),
        ("/home/jane/nets/vilt/", "vilt"),
        ("../nets/vilt", "vilt"),
        ("~/nets/vilt", "vilt"),
        ("of-doctor-x/nets/vilt", "vilt"),
        ("pair:/home/jane/bert+facebook/dinov2-small", "pair:bert+facebook/dinov2-small"),
        ("pair:/a/bert,./b/vit", "pair:bert,vit"),
    ],
)
def test_a_backbone_keeps_its_name_and_loses_its_folders(name, expected):
    assert local(name) == expected

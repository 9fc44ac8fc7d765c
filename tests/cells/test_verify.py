"""Files that were edited, cut or copied are noticed."""

import dataclasses
import json

import msgspec
import numpy as np
import pytest
from by_hand import record
from conftest import make_cell

from mora_bench.cli import main as cli
from mora_bench.errors import UserError
from mora_bench.records.chain import contents
from mora_bench.records.encoding import decode, encode
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import Store
from mora_bench.records.verify import verify
from mora_bench.training.work import work


@pytest.fixture
def store(tmp_path):
    filled_store = Store(tmp_path / "r")
    for seed in (0, 1):
        mora_record, scores = record("mora", seed)
        filled_store.write(mora_record.cell, mora_record, {"test_logits": np.ones((3, 3, 2), np.float32)}, scores)
    return filled_store


def messages(store):
    return [str(finding) for finding in verify(store).wrong]


def first(store, folder):
    return sorted((store.folder / folder).iterdir())[0]


def test_nothing_is_wrong_with_what_was_written(store, capsys):
    assert messages(store) == []
    assert cli.main(["verify", str(store.folder), "--files"]) == 3
    out, err = capsys.readouterr()
    assert "2 records, 2 done; 0 scored again, 0 data sets read anew; 0 findings, 3 not looked at" in out
    assert err.splitlines() == [
        "not looked at: 2 x splits that were left out",
        "not looked at: 1 x scores of predictions, the data and the tables, because --files was given",
    ]


@pytest.mark.parametrize("folder", ["records", "scores"])
def test_an_edited_file_is_named_left_out_and_to_do_again(store, folder, capsys):
    file = first(store, folder)
    text = file.read_text()
    edited = text.replace('"best_score": 0.5', '"best_score": 0.9').replace('"f1_macro": 0.5', '"f1_macro": 0.6', 1)
    assert edited != text
    file.write_text(edited)
    assert any(str(file) in line and "it was edited or damaged" in line for line in messages(store))
    assert cli.main(["verify", str(store.folder)]) == 1
    cells = [mora_record.cell for mora_record, _ in (record("mora", seed) for seed in (0, 1))]
    assert sorted(store.status(cells).values()) == ["done", "to do" if folder == "records" else "to score"]


def test_cut_predictions_are_named(store):
    file = first(store, "predictions")
    file.write_bytes(file.read_bytes()[:-4])
    (line,) = messages(store)
    assert str(file) in line
    assert "edited or truncated" in line


def test_what_belongs_to_nothing_is_named(store):
    first(store, "records").unlink()
    (store.folder / "records" / ".x.json.host.1.0123abcd").write_text("")
    lines = messages(store)
    assert any("scores of no record" in line for line in lines)
    assert any("predictions of no record" in line for line in lines)
    assert any("left over from one that was killed" in line for line in lines)
    assert len(lines) == 3


def test_a_record_without_its_predictions_or_scores_is_named(store):
    first(store, "scores").unlink()
    (line,) = messages(store)
    assert "no scores; `mora_bench rescore" in line
    first(store, "predictions").unlink()
    (line,) = messages(store)
    assert line.partition(": ")[2] == "absent, though the record says done; compute the cell again"


def test_older_files_are_read_and_said_to_be_older(store, capsys):
    for folder in ("records", "scores"):
        for file in (store.folder / folder).iterdir():
            old = json.loads(file.read_text()) | {"schema": 2}
            for name in ("digest", "predictions", "record", "without", "split", "adapter"):
                old.pop(name, None)
            file.write_text(json.dumps(old))
    assert messages(store) == []
    assert cli.main(["verify", str(store.folder), "--files"]) == 3
    assert "2 x records from before they named what lies beside them" in capsys.readouterr().err
    cells = [mora_record.cell for mora_record, _ in (record("mora", seed) for seed in (0, 1))]
    assert set(store.status(cells).values()) == {"done"}
    assert cli.main(["report", str(store.folder)]) == 0
    assert "Written by an older version without digests between scores and records" in capsys.readouterr().out


@pytest.mark.parametrize("gone", ["digest", "record"])
@pytest.mark.parametrize("folder", ["records", "scores"])
def test_no_link_is_optional_in_a_file_of_today(store, folder, gone):
    """A digest that is taken away is no older file; nor is a file of today that calls itself one."""
    file = first(store, folder)
    known = json.loads(file.read_text())
    if gone not in known:
        known["schema"], gone = 2, "digest"
    known[gone] = ""
    file.write_text(json.dumps(known))
    assert any(str(file) in line or "another record" in line for line in messages(store))
    cells = [mora_record.cell for mora_record, _ in (record("mora", seed) for seed in (0, 1))]
    assert sorted(store.status(cells).values())[0] == "done"
    assert sorted(store.status(cells).values())[1] in ("to do", "to score")
    assert len(contents(store).scores) == 1


def test_a_record_that_was_edited_and_signed_again_is_to_do_and_in_no_table(store):
    """lr in its cell, or a cost: the key does not fit, or the scores name another record."""
    for change in ({"cell": {"recipe": {"lr": 0.5}}}, {"flops": {"forward": 1.0}}):
        mora_record, _ = record("mora", 0)
        file = store.record_file(mora_record.cell)
        before = file.read_bytes()
        known = decode(before, Record)
        if "cell" in change:
            cell = dataclasses.replace(known.cell, recipe=dataclasses.replace(known.cell.recipe, lr=0.5))
            forged = msgspec.structs.replace(known, cell=cell)
        else:
            forged = msgspec.structs.replace(known, flops=msgspec.structs.replace(known.flops, forward=1.0))
        file.write_bytes(encode(forged))
        assert store.status_of(mora_record.cell) == "to do"
        assert [entry.key for entry in contents(store).scores] == [record("mora", 1)[0].key]
        assert messages(store)
        file.write_bytes(before)
    assert messages(store) == []


def test_an_adapter_that_was_changed_is_named_and_predicts_nothing(store):
    mora_record, scores = record("mora", 0)
    store.write(
        mora_record.cell, mora_record, {}, scores, adapter={"trained.safetensors": b"weights", "README.md": b"card"}
    )
    assert messages(store) == []
    written = store.record(mora_record.cell)
    file = store.adapter_folder(mora_record.cell) / "trained.safetensors"
    for change in (lambda: file.write_bytes(b"negated"), lambda: file.with_name("x").write_text(""), file.unlink):
        change()
        assert any("its digest is wrong" in line for line in messages(store))
        with pytest.raises(UserError, match="its digest is wrong"):
            store.adapter(written)


def test_a_digest_is_that_of_the_file_and_stands_in_it_once(store):
    mora_record, _ = record("mora")
    content = encode(decode(store.record_file(mora_record.cell).read_bytes(), Record))
    assert encode(decode(content, Record)) == content
    assert content.count(b'"digest"') == 1


def test_a_folder_without_records_is_named(tmp_path, capsys):
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "no records" in capsys.readouterr().err


def test_a_score_that_the_predictions_do_not_give_is_named_even_if_the_file_vouches_for_itself(runtime, folder, capsys):
    work([make_cell(runtime, folder, method="head")], runtime)
    words = ["verify", str(runtime.out), "--limit", "60"]
    assert cli.main(words) == 0
    summary = "1 record, 1 done; 1 scored again, 1 data set read anew; 0 findings, 0 not looked at"
    assert summary in capsys.readouterr().out
    file = first(Store(runtime.out), "scores")
    scores = decode(file.read_bytes(), Scores)
    before = scores.test["both"].scores["f1_macro"]
    scores.test["both"].scores["f1_macro"] = 0.99
    file.write_bytes(encode(scores))
    assert cli.main([*words, "--files"]) == 3
    assert cli.main(words) == 1
    printed = capsys.readouterr().err
    assert f"{file}: test.both.scores.f1_macro is 0.99, and the predictions give {before:g}" in printed
    # `rescore` makes the scores anew.
    assert cli.main(["rescore", str(runtime.out)]) == 0
    assert cli.main(words) == 0


def test_predictions_that_cannot_be_scored_are_listed_and_other_data_are_a_finding(store, capsys):
    assert cli.main(["verify", str(store.folder)]) == 1
    out = capsys.readouterr()
    assert "not looked at: 2 x scores whose predictions cannot be scored again here: " in out.err
    assert "odir is not the data that 2 cells were trained on" in out.err
    assert "0 scored again, 1 data set read anew; 1 finding, 4 not looked at" in out.out

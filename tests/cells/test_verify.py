"""Files that were edited, cut or copied are noticed."""

import json

import numpy as np
import pytest
from by_hand import record
from conftest import make_cell

from mora_bench.cli import main as cli
from mora_bench.records.encoding import decode, encode
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import Store
from mora_bench.records.verify import verify
from mora_bench.training.work import work


@pytest.fixture
def store(tmp_path):
    found = Store(tmp_path / "r")
    for seed in (0, 1):
        own, scores = record("mora", seed)
        found.write(own.cell, own, {"test_logits": np.ones((3, 3, 2), np.float32)}, scores)
    return found


def said(store):
    return [str(finding) for finding in verify(store.folder)]


def first(store, folder):
    return sorted((store.folder / folder).iterdir())[0]


def test_nothing_is_wrong_with_what_was_written(store, capsys):
    assert said(store) == []
    assert cli.main(["verify", str(store.folder), "--files"]) == 0
    assert "2 records, 2 done; 0 scored again; 0 findings" in capsys.readouterr().out


@pytest.mark.parametrize("folder", ["records", "scores"])
def test_an_edited_file_is_named_left_out_and_to_do_again(store, folder, capsys):
    file = first(store, folder)
    text = file.read_text()
    edited = text.replace('"best_score": 0.5', '"best_score": 0.9').replace('"f1_macro": 0.5', '"f1_macro": 0.6', 1)
    assert edited != text
    file.write_text(edited)
    assert any(str(file) in line and "it was edited or damaged" in line for line in said(store))
    assert cli.main(["verify", str(store.folder)]) == 1
    cells = [own.cell for own, _ in (record("mora", seed) for seed in (0, 1))]
    assert "done" in store.status(cells).values()
    assert set(store.status(cells).values()) & {"to do", "to score"}


def test_cut_predictions_are_named(store):
    file = first(store, "predictions")
    file.write_bytes(file.read_bytes()[:-4])
    (line,) = said(store)
    assert str(file) in line
    assert "edited or cut" in line


def test_what_belongs_to_nothing_is_named(store):
    first(store, "records").unlink()
    (store.folder / "records" / ".x.json.host.1.0123abcd").write_text("")
    lines = said(store)
    assert any("scores of no record" in line for line in lines)
    assert any("predictions of no record" in line for line in lines)
    assert any("left over from one that was killed" in line for line in lines)
    assert len(lines) == 3


def test_a_record_without_its_predictions_or_scores_is_named(store):
    first(store, "predictions").unlink()
    first(store, "scores").unlink()
    assert sorted(line.partition(": ")[2].split(",")[0].split(";")[0] for line in said(store)) == [
        "absent",
        "no scores",
    ]


def test_older_files_without_digests_are_read(store):
    file = first(store, "records")
    old = json.loads(file.read_text())
    del old["digest"], old["predictions"]
    file.write_text(json.dumps(old))
    assert said(store) == []


def test_a_digest_is_that_of_the_file_and_stands_in_it_once():
    own, _ = record("mora")
    content = encode(decode(encode(own), Record))
    assert encode(decode(content, Record)) == content
    assert content.count(b'"digest"') == 1


def test_a_folder_without_records_is_named(tmp_path, capsys):
    assert cli.main(["verify", str(tmp_path)]) == 2
    assert "no records" in capsys.readouterr().err


def test_a_score_that_the_predictions_do_not_give_is_named_even_if_the_file_vouches_for_itself(place, folder, capsys):
    work([make_cell(place, folder, method="head")], place)
    words = ["verify", str(place.out), "--limit", "60"]
    assert cli.main(words) == 0
    assert "1 records, 1 done; 1 scored again; 0 findings" in capsys.readouterr().out
    file = first(Store(place.out), "scores")
    scores = decode(file.read_bytes(), Scores)
    before = scores.test["both"].scores["f1_macro"]
    scores.test["both"].scores["f1_macro"] = 0.99
    file.write_bytes(encode(scores))
    assert cli.main([*words, "--files"]) == 0
    assert cli.main(words) == 1
    said = capsys.readouterr().err
    assert f"{file}: test.both.scores.f1_macro is 0.99, and the predictions give {before:g}" in said
    # `rescore` makes the scores anew.
    assert cli.main(["rescore", str(place.out)]) == 0
    assert cli.main(words) == 0


def test_predictions_that_cannot_be_scored_are_said_and_no_finding(store, capsys):
    assert cli.main(["verify", str(store.folder)]) == 1
    out = capsys.readouterr()
    assert out.err.count("not scored again: ") == 2
    assert "0 scored again, 2 not; 0 findings" in out.out

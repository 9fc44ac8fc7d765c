"""Results from before draws stayed put: read as they are, marked everywhere, and never drawn again."""

import dataclasses
import json

import numpy as np
import pytest
from by_hand import record

from mora_bench.cells.missing import Missing
from mora_bench.claims.claim import Folders, beats
from mora_bench.claims.published import method
from mora_bench.cli import main as cli
from mora_bench.missing.masks import version_of
from mora_bench.records.store import Store
from mora_bench.report import tables
from mora_bench.report.summary import sentences
from mora_bench.report.write import read

OLDER = {"versions": (("training", 2),)}
MARK = "older draws"


def stored(folder, **changes):
    store = Store(folder)
    for seed in range(3):
        for name, f1 in (("mora", 0.5), ("head", 0.4)):
            done, scores = record(name, seed, f1 + 0.01 * seed, **changes)
            store.write(done.cell, done, {"test_logits": np.ones((3, 3, 2), np.float32)}, scores)
    return folder


@pytest.fixture
def older(tmp_path):
    return stored(tmp_path / "resolve", **OLDER)


@pytest.fixture
def newer(tmp_path):
    return stored(tmp_path / "newer")


def test_tables_and_sentences_say_so(older, newer):
    (table,) = read(older).comparisons
    assert table.caption.startswith("Older draws: this version draws other splits and masks. ")
    assert "Older draws" in tables.markdown(table)
    assert all(sentence.endswith(f"({MARK}).") for sentence in sentences(read(older)))
    (table,) = read(newer).comparisons
    assert "draws:" not in table.caption
    assert not any(MARK in sentence for sentence in sentences(read(newer)))


def test_in_one_folder_they_share_no_table_with_others(older):
    stored(older)
    first, second = read(older).comparisons
    assert (first.name, second.name) == ("comparison-twin", "comparison-twin-older-draws")
    assert (first.older_draws, second.older_draws) == (False, True)
    assert all(len(section.rows) == 2 for table in (first, second) for section in table.sections)


def test_compare_says_whose(older, newer, capsys):
    assert cli.main(["compare", str(older), str(older)]) == 0
    assert f"({MARK})" in capsys.readouterr().out
    for folders, whose in (((older, newer), "the first"), ((newer, older), "the second")):
        cli.main(["compare", *map(str, folders)])
        assert f"({MARK}: {whose})" in capsys.readouterr().out
    cli.main(["compare", str(newer), str(newer)])
    assert MARK not in capsys.readouterr().out


def test_claims_say_so(older, newer):
    outcome = beats("resolve", method("mora"), method("head"))(Folders(older.parent))
    assert outcome.why.endswith(f"; {MARK}")
    newer.rename(older.with_name("other"))
    assert MARK not in beats("other", method("mora"), method("head"))(Folders(older.parent)).why


def test_rerun_refuses_and_names_the_commit_that_can(older, tmp_path, capsys):
    assert cli.main(["rerun", str(older), "--out", str(tmp_path / "again")]) == 1
    captured = capsys.readouterr()
    assert (
        f"left out: 6 cells: {MARK}: this version draws different splits and masks; use commit 307f536" in captured.err
    )
    assert not list((tmp_path / "again").glob("records/*"))


def test_verify_did_not_look_at_them_and_rescore_leaves_them(older, capsys):
    assert cli.main(["verify", str(older)]) != 0
    captured = capsys.readouterr()
    assert "not looked at: 6 x scores whose predictions cannot be scored again here: older draws: " in captured.err
    assert cli.main(["rescore", str(older), "--test-rate", "0.3"]) != 0
    captured = capsys.readouterr()
    assert MARK in captured.err + captured.out
    assert len(list((older / "scores").iterdir())) == 6


def test_masks_of_another_version_of_their_mechanism_are_not_drawn_again(tmp_path, capsys):
    """Before version .p2 masks by patient hung on the order of rows."""
    current = Missing("uniform", 1.0, "patient", version_of("uniform", "patient"))
    assert current.version.endswith(".p2")
    store = stored(tmp_path, mechanism=dataclasses.replace(current, version=current.version.removesuffix(".p2")))
    assert cli.main(["verify", str(tmp_path)]) != 0
    refused = "another version of uniform by patient drew its test masks"
    assert f"6 x scores whose predictions cannot be scored again here: {refused}" in capsys.readouterr().err
    assert cli.main(["rescore", str(tmp_path), "--test-rate", "0.3"]) != 0
    captured = capsys.readouterr()
    assert refused in captured.err + captured.out
    assert len(list((store / "scores").iterdir())) == 6


def test_a_record_of_theirs_keeps_its_key(older):
    for file in (older / "records").iterdir():
        assert dict(json.loads(file.read_text())["cell"]["versions"]) == {"training": 2}
        assert file.stem == json.loads(file.read_text())["key"]
    assert not Store(older).records()[1]

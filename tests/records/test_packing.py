"""Finished cells in a few files: nothing is lost, what is there already stays, what fails stays as it is."""

import dataclasses
import json
import re

import msgspec
import numpy as np
import pytest
from by_hand import failed, predictor, record
from kills import kill_while_packing

from mora_bench.cells.cell import Scoring
from mora_bench.cells.missing import Missing
from mora_bench.cli import main as cli
from mora_bench.errors import UserError
from mora_bench.records import leases
from mora_bench.records import pack as packs
from mora_bench.records.chain import contents
from mora_bench.records.leases import Leases
from mora_bench.records.pack import GROUP
from mora_bench.records.packing import LEASE, pack, unpack
from mora_bench.records.schema import Record
from mora_bench.records.store import Store
from mora_bench.records.verify import verify
from mora_bench.report.write import write

LOGITS = {"test_logits": np.ones((3, 3, 2), np.float32)}


def add(store, seeds, f1=0.5, method="mora"):
    """Cells that are done, with scores, predictions and a split."""
    for seed in seeds:
        done, scores = record(method, seed, f1)
        split = json.dumps({"digest": "", "test": [f"p{seed % 2}", "p2"]}).encode()
        store.write(done.cell, done, LOGITS, scores, split=store.write_split("odir-twin", split))


@pytest.fixture
def store(tmp_path):
    results = Store(tmp_path / "r")
    add(results, range(3))
    failure, _ = failed("head")
    results.write(failure.cell, failure, None, None)
    return results


def loose(store):
    """The documents that have a file each, by kind and name."""
    return {
        f"{kind}/{file.name}": file.read_bytes()
        for kind in ("records", "scores", "splits")
        for file in (store.folder / kind).glob("*.json")
    }


def documents(store):
    collections = (store.record_documents, store.score_documents, store.split_documents)
    return {
        f"{collection.kind}/{name}.json": content for collection in collections for name, content in collection.all()
    }


def test_a_folder_is_packed_and_unpacked_to_the_byte(store, capsys):
    before = loose(store)
    assert len(before) == 4 + 3 + 2
    assert cli.main(["pack", str(store.folder)]) == 0
    assert "3 scores, 3 records, 2 splits: 0." in capsys.readouterr().out
    (left,) = loose(store)
    assert json.loads(loose(store)[left])["status"] == "failed"
    assert documents(store) == before
    assert verify(store).wrong == []
    assert cli.main(["unpack", str(store.folder)]) == 0
    assert capsys.readouterr().out == f"8 files in {store.folder}\n"
    assert loose(store) == before
    assert not list(store.folder.glob("*.parquet"))
    assert cli.main(["unpack", str(store.folder)]) == 0
    assert loose(store) == before


def test_what_is_packed_is_done_and_packing_again_changes_nothing(store):
    pack(store)
    files = {file.name: file.read_bytes() for file in store.folder.glob("*.parquet")}
    assert len(files) == 3
    cells = [record("mora", seed)[0].cell for seed in range(4)]
    assert list(store.status(cells).values()) == ["done"] * 3 + ["to do"]
    assert pack(store).documents == {"scores": 3, "records": 3, "splits": 2}
    assert {file.name: file.read_bytes() for file in store.folder.glob("*.parquet")} == files


def test_a_folder_where_nothing_is_done_has_nothing_to_pack(tmp_path, capsys):
    failure, _ = failed("head")
    Store(tmp_path).write(failure.cell, failure, None, None)
    assert cli.main(["pack", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"nothing to pack: 0.0 MB in {tmp_path}\n"
    assert not list(tmp_path.glob("*.parquet"))


def test_what_a_grid_adds_lies_beside_and_is_packed_the_next_time(store):
    pack(store)
    add(store, [3, 4])
    before = documents(store)
    assert len(before) == 6 + 5 + 2
    assert len(loose(store)) == 5
    assert pack(store).documents == {"scores": 5, "records": 5, "splits": 2}
    assert len(loose(store)) == 1
    assert documents(store) == before


def test_a_cell_that_is_computed_again_comes_before_what_was_packed(store):
    pack(store)
    add(store, [1], f1=0.25)
    done, _ = record("mora", 1)
    assert store.scores_of(done.cell).test["both"].scores["f1_macro"] == 0.25
    assert store.status_of(done.cell) == "done"
    assert [scores.test["both"].scores["f1_macro"] for scores in contents(store).scores].count(0.25) == 1
    assert any("differs from what was packed under its name" in str(finding) for finding in verify(store).wrong)
    before = documents(store)
    pack(store)
    assert documents(store) == before
    assert verify(store).wrong == []


def rescored(store, seed):
    """Other scores of a cell's predictions."""
    done, scores = record("mora", seed)
    scoring = Scoring(Missing("label", 2.0))
    cell = dataclasses.replace(done.cell, scoring=scoring)
    others = msgspec.structs.replace(scores, scoring=scoring, score_key=cell.score_key)
    store.write_scores(others, store.record_of(done.key))
    return cell


def test_scores_of_a_record_that_was_computed_again_since_are_dropped(store):
    cell = rescored(store, 1)
    pack(store)
    assert store.status_of(cell) == "done"
    done, scores = record("mora", 1)
    again = msgspec.structs.replace(done, time=msgspec.structs.replace(done.time, cell_s=9.0))
    store.write(done.cell, again, LOGITS, scores)
    assert [str(refused) for refused in contents(store).left_out if "another record" in str(refused)]
    assert pack(store).documents["scores"] == 3
    assert cell.score_key not in store.score_documents.names()
    assert contents(store).left_out == []
    # Unpacking drops them alike.
    add(store, [1])
    rescored(store, 1)
    pack(store)
    store.write(done.cell, again, LOGITS, scores)
    unpack(store)
    assert contents(store).left_out == []


def test_a_packed_cell_that_fails_when_it_is_computed_again_may_be_tried_again(store):
    """Its record stays loose, where `--retry failed` removes it."""
    pack(store)
    failure, _ = failed("mora", 0)
    store.write(failure.cell, failure, None, None)
    add(store, [5])
    pack(store)
    assert store.status_of(failure.cell) == "failed"
    store.forget_failed({failure.cell: "failed"})
    assert store.status_of(failure.cell) == "done"


def test_what_is_not_believed_stays_as_it_is(store, capsys):
    edited = store.record_file(record("mora", 0)[0].cell)
    edited.write_bytes(edited.read_bytes() + b" ")
    split = sorted((store.folder / "splits").glob("*.json"))[0]
    split.write_bytes(b"\xff")
    before = loose(store)
    assert cli.main(["pack", str(store.folder)]) == 1
    printed = capsys.readouterr().err
    assert f"left as it is: {edited}: not a record" in printed
    assert str(split) in printed
    assert {name: before[name] for name in loose(store)} == loose(store)
    assert f"records/{edited.name}" in loose(store)
    assert f"splits/{split.name}" in loose(store)


@pytest.fixture
def damaged(tmp_path):
    """A folder whose first group of packed records is damaged."""
    store = Store(tmp_path / "many")
    add(store, range(GROUP + 3))
    pack(store)
    file = store.record_documents.packed
    content = bytearray(file.read_bytes())
    content[50] ^= 1
    file.write_bytes(bytes(content))
    return store


def test_damage_costs_the_cells_of_its_group_and_the_same_grid_and_packing_mend_it(damaged):
    cells = [record("mora", seed)[0].cell for seed in range(GROUP + 3)]
    lost = [cell for cell, status in damaged.status(cells).items() if status == "to do"]
    assert len(lost) == GROUP
    believed = contents(damaged)
    assert len(believed.records) == len(believed.scores) == 3
    assert (
        sum("lost, because its bytes are not what was written" in str(refused) for refused in believed.left_out)
        == GROUP
    )
    with pytest.raises(UserError, match=rf"records.parquet: {GROUP} documents in it are damaged \(wrong digest\)"):
        pack(damaged)
    with pytest.raises(UserError, match=f"{GROUP} such. What could be read has files of its own now"):
        unpack(damaged)
    assert len(list((damaged.folder / "records").glob("*.json"))) == 3
    add(damaged, [cell.seed for cell in lost])
    assert set(damaged.status(cells).values()) == {"done"}
    pack(damaged)
    assert verify(damaged).wrong == []
    assert set(damaged.status(cells).values()) == {"done"}


@pytest.mark.parametrize("spoilt", [b"", b"no parquet", None], ids=["empty", "other", "future"])
def test_a_packed_file_that_cannot_be_read_is_never_written_over(store, spoilt, monkeypatch, capsys):
    pack(store)
    if spoilt is None:
        monkeypatch.setattr(packs, "VERSION", 2)
        spoilt = packs.packed({"a": b"{}"})
        monkeypatch.undo()
    store.record_documents.packed.write_bytes(spoilt)
    add(store, [7])
    assert cli.main(["pack", str(store.folder)]) == 2
    printed = capsys.readouterr().err
    assert f"{store.record_documents.packed}: it" in printed
    assert store.record_documents.packed.read_bytes() == spoilt
    left_out = [str(refused) for refused in contents(store).left_out]
    assert any(f"{store.record_documents.packed}: it" in line and "is lost" in line for line in left_out)
    assert [stored.cell.seed for stored in contents(store).records if stored.status == "done"] == [7]


def test_a_document_whose_name_leads_elsewhere_never_becomes_a_file(store):
    pack(store)
    store.record_documents.packed.write_bytes(packs.packed({"../x": b"{}"}))
    assert any("no plain name" in str(finding) for finding in verify(store).wrong)
    assert not (store.folder / "x.json").exists()


def test_a_lease_of_a_machine_that_is_gone_is_waited_for_and_taken_over(store, monkeypatch):
    """Nothing on this machine can say that it has ended; it shows no life."""
    monkeypatch.setattr("mora_bench.records.packing.Leases", lambda folder: Leases(folder, expires=0.5))
    holder = dataclasses.replace(leases._me(), host="gone", machine="gone", expires=0.5)
    file = store.folder / "leases" / LEASE[:2] / f"{LEASE}.1"
    file.parent.mkdir(parents=True)
    file.write_text(leases._text(holder))
    assert pack(store).documents["records"]


def test_two_do_not_pack_at_once(store):
    before = loose(store)
    # It beats four times in that time.
    with Leases(store.folder, expires=2.0).holding([LEASE]) as held:
        assert held
        for act in (pack, unpack):
            with pytest.raises(UserError, match="is being packed or unpacked by somebody else"):
                act(store)
    assert loose(store) == before
    pack(store)


def test_a_cell_that_is_computed_again_while_it_is_packed_keeps_its_file(store, monkeypatch):
    written = []

    def meanwhile(documents):
        content = real(documents)
        if not written:
            written.append(1)
            add(store, [0], f1=0.125)
        return content

    real = packs.packed
    monkeypatch.setattr("mora_bench.records.packing.packed", meanwhile)
    pack(store)
    done, _ = record("mora", 0)
    assert store.scores_of(done.cell).test["both"].scores["f1_macro"] == 0.125
    assert isinstance(store.record_of(done.key), Record)
    assert store.status_of(done.cell) == "done"


def test_an_index_that_says_other_than_its_documents_is_named(store, monkeypatch):
    """`Store.status` reads the index alone."""
    pack(store)
    known = dict(store.record_documents.pack().documents())
    top = {"status": "failed", "schema": 3, "digest": "0" * 16}
    monkeypatch.setattr(packs, "top", lambda content: top | {"key": json.loads(content)["key"]})
    store.record_documents.packed.write_bytes(packs.packed(known))
    monkeypatch.undo()
    assert store.status_of(record("mora", 0)[0].cell) == "failed"
    assert sum("its index says other than it holds" in str(finding) for finding in verify(store).wrong) == 3


def test_kills_while_packing_lose_nothing(tmp_path):
    """A few; `python tests/hunt.py --kills 50` does more."""
    store = Store(tmp_path / "r")
    add(store, range(40))
    kill_while_packing(store, 3, seed=0)


VERBS = [
    ["report", "r"],
    ["report", "r", "--json"],
    ["verify", "r", "--files"],
    ["verify", "r"],
    ["compare", "r", "other"],
    ["compare", "other", "r", "--json"],
    ["claims", "--results", "."],
    ["merge", "r", "other", "--into", "merged"],
    ["publish", "r", "--into", "published", "--title", "t"],
    ["publish", "r", "--into", "whole", "--predictions"],
]


def test_packed_loose_and_mixed_folders_give_the_same_to_the_byte(tmp_path, monkeypatch, capsys, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    printed, made = {}, {}
    for how in ("loose", "packed", "mixed"):
        here = tmp_path / how
        store = Store(here / "r")
        for seed in range(3):
            for method, f1 in (("mora", 0.5 + seed / 10), ("head", 0.4)):
                add(store, [seed], f1, method)
            floor, scores = predictor("prior", seed)
            store.write(floor.cell, floor, LOGITS, scores)
            if how == "mixed" and seed == 1:
                pack(store)
        if how == "packed":
            pack(store)
        add(Store(here / "other"), [0, 9])
        monkeypatch.chdir(here)
        printed[how] = []
        for words in VERBS:
            code = cli.main(words)
            captured = capsys.readouterr()
            # A finding names the file that a document lies in.
            err = re.sub(r"\br/(\w+)\.parquet: (\w+): ", r"r/\1/\2.json: ", captured.err)
            printed[how].append((words, code, captured.out, err))
        folders = ("merged", "published", "whole", "r/tables")
        files = [file for folder in folders for file in sorted((here / folder).rglob("*")) if file.is_file()]
        made[how] = {str(file.relative_to(here)): file.read_bytes() for file in files if "leases" not in file.parts}
    assert len(made["loose"]) > 40
    for how in ("packed", "mixed"):
        assert printed[how] == printed["loose"]
        assert made[how].keys() == made["loose"].keys()
        assert [name for name, content in made["loose"].items() if made[how][name] != content] == []
    assert write(tmp_path / "mixed" / "r").left_out == []

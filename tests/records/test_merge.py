"""Joining results folders: all cells, none twice, nothing that contradicts."""

import json
import shutil

import msgspec
import pytest
from by_hand import measured

from mora_bench.cli import main as cli
from mora_bench.records import private
from mora_bench.records.encoding import decode, encode
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import Store
from mora_bench.records.verify import verify

GRID = ["grid", "--datasets", "odir", "--methods", "prior", "always", "--floors", "none", "--pool", "20"]
GRID += ["--engine", "inline", "--seeds", "0", "1", "2"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory, cache):
    """The whole grid, and its two parts."""
    root = tmp_path_factory.mktemp("merge")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MORA_BENCH_CACHE", str(cache))
        assert cli.main([*GRID, "--out", str(root / "whole")]) == 0
        for part in (1, 2):
            assert cli.main([*GRID, "--out", str(root / f"{part}"), "--shard", f"{part}/2"]) == 0
    return root


@pytest.fixture
def parts(folders, tmp_path):
    for name in ("1", "2"):
        shutil.copytree(folders / name, tmp_path / name)
    return [tmp_path / "1", tmp_path / "2"]


def files(folder, *names):
    return {f"{n}/{f.name}": measured(f.read_bytes()) for n in names for f in (folder / n).iterdir()}


def merged(parts, into):
    return cli.main(["merge", *map(str, parts), "--into", str(into)])


def test_the_parts_make_the_whole(folders, parts, tmp_path, capsys):
    assert merged(parts, tmp_path / "into") == 0
    assert "6 cells in" in capsys.readouterr().out
    assert files(tmp_path / "into", "scores", "predictions", "splits") == files(
        folders / "whole", "scores", "predictions", "splits"
    )
    assert set(files(tmp_path / "into", "records")) == set(files(folders / "whole", "records"))
    assert not verify(Store(tmp_path / "into")).wrong
    # Once more, and from a folder that has all of it already: nothing changes.
    before = files(tmp_path / "into", "records")
    assert merged([*parts, folders / "whole"], tmp_path / "into") == 0
    assert files(tmp_path / "into", "records") == before


def test_what_contradicts_is_refused_whole(folders, parts, tmp_path, capsys):
    file = next((parts[0] / "scores").iterdir())
    scores = decode(file.read_bytes(), Scores)
    file.write_bytes(encode(msgspec.structs.replace(scores, digest="", test_rate=0.5)))
    assert merged([*parts, folders / "whole"], tmp_path / "into") == 2
    printed = capsys.readouterr().err
    assert "contradict each other" in printed
    assert file.name in printed
    assert not (tmp_path / "into").exists()


def test_done_beats_failed(folders, parts, tmp_path):
    """Whichever comes first."""
    file = next((parts[0] / "records").iterdir())
    record = decode(file.read_bytes(), Record)
    Store(parts[0]).write(record.cell, msgspec.structs.replace(record, status="failed", error="x"), None, None)
    for order in (0, 1):
        into = tmp_path / f"into{order}"
        sources = [parts[0], folders / "whole"][:: 1 if order == 0 else -1]
        assert merged(sources, into) == 0
        assert json.loads((into / "records" / file.name).read_text())["status"] == "done"
        assert not verify(Store(into)).wrong


def test_what_is_not_whole_is_left_out_and_said(parts, tmp_path, capsys):
    file = next((parts[0] / "predictions").iterdir())
    file.unlink()
    (parts[1] / "records" / "x.json").write_text("{")
    assert merged(parts, tmp_path / "into") == 1
    printed = capsys.readouterr().err
    assert f"left out: {file}: absent, though the record says done" in printed
    assert "x.json" in printed
    assert file.stem not in {f.stem for f in (tmp_path / "into" / "records").iterdir()}


def test_wrong_folders_are_refused(parts, tmp_path, capsys):
    assert merged([tmp_path / "absent"], tmp_path / "into") == 2
    assert "no records" in capsys.readouterr().err
    assert merged(parts, parts[0]) == 2
    assert "one of the folders themselves" in capsys.readouterr().err
    assert cli.main(["merge", "--into", str(tmp_path / "x")]) == 2


def test_the_salt_of_the_first_folder_that_has_one_stays_its_owners(parts, tmp_path):
    first, second = private.salt(parts[0]), private.salt(parts[1])
    assert merged([parts[1], parts[0]], tmp_path / "into") == 0
    assert private.salt(tmp_path / "into") == second != first
    assert (tmp_path / "into" / "salt").stat().st_mode & 0o077 == 0
    assert merged(parts, tmp_path / "into") == 0
    assert private.salt(tmp_path / "into") == second


def test_a_split_of_another_name_is_no_matter_and_one_that_was_edited_is_refused(parts, tmp_path, capsys):
    (tmp_path / "into" / "splits").mkdir(parents=True)
    (tmp_path / "into" / "splits" / "mine.json").write_text("mine")
    assert merged(parts, tmp_path / "into") == 0
    assert (tmp_path / "into" / "splits" / "mine.json").read_text() == "mine"
    file = next((parts[0] / "splits").iterdir())
    file.write_text(file.read_text() + " ")
    assert merged(parts, tmp_path / "other") == 2
    assert f"{file}: {file.stem}: its digest is wrong" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["predictions", "adapters", "splits", "records"])
def test_no_link_is_followed_and_nothing_that_the_chain_does_not_name_is_copied(parts, tmp_path, what, capsys):
    """A folder of somebody else may hold links to anything of ours."""
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    folder = parts[0] / what
    folder.mkdir(exist_ok=True)
    (folder / "x.json").symlink_to(secret)
    (folder / "notes.txt").write_text("SECRET")
    if what == "predictions":
        file = next(folder.glob("*.safetensors"))
        content = file.read_bytes()
        file.unlink()
        (tmp_path / "elsewhere").write_bytes(content)
        file.symlink_to(tmp_path / "elsewhere")
    code = merged(parts, tmp_path / "into")
    assert code == {"predictions": 2, "records": 1}.get(what, 0)
    if what == "predictions":
        assert "a link; copy what it leads to in its place" in capsys.readouterr().err
    copied = [file for file in (tmp_path / "into").rglob("*") if file.is_file()]
    assert not [file for file in copied if b"SECRET" in file.read_bytes()]
    assert not [file for file in copied if file.name in ("x.json", "notes.txt")]

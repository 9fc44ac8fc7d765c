"""Joining results folders: all cells, none twice, nothing that contradicts."""

import json
import shutil

import msgspec
import pytest

from mora_bench.cli import main as cli
from mora_bench.records import private
from mora_bench.records.encoding import decode, encode
from mora_bench.records.schema import Scores
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
    return {f"{n}/{f.name}": f.read_bytes() for n in names for f in (folder / n).iterdir()}


def merged(parts, into):
    return cli.main(["merge", *map(str, parts), "--into", str(into)])


def test_the_parts_make_the_whole(folders, parts, tmp_path, capsys):
    assert merged(parts, tmp_path / "into") == 0
    assert "6 cells in" in capsys.readouterr().out
    assert files(tmp_path / "into", "scores", "predictions", "splits") == files(
        folders / "whole", "scores", "predictions", "splits"
    )
    assert set(files(tmp_path / "into", "records")) == set(files(folders / "whole", "records"))
    assert not list(verify(tmp_path / "into"))
    # Once more, and from a folder that has all of it already: nothing changes.
    before = files(tmp_path / "into", "records")
    assert merged([*parts, folders / "whole"], tmp_path / "into") == 0
    assert files(tmp_path / "into", "records") == before


def test_what_contradicts_is_refused_whole(folders, parts, tmp_path, capsys):
    file = next((parts[0] / "scores").iterdir())
    scores = decode(file.read_bytes(), Scores)
    file.write_bytes(encode(msgspec.structs.replace(scores, digest="", test_rate=0.5)))
    assert merged([*parts, folders / "whole"], tmp_path / "into") == 2
    said = capsys.readouterr().err
    assert "contradict each other" in said
    assert file.name in said
    assert not (tmp_path / "into").exists()


def test_done_beats_failed(folders, parts, tmp_path):
    """Whichever comes first."""
    file = next((parts[0] / "records").iterdir())
    raw = json.loads(file.read_text())
    raw |= {"status": "failed", "error": "here it failed", "digest": ""}
    file.write_text(json.dumps(raw))
    for order in (0, 1):
        into = tmp_path / f"into{order}"
        sources = [parts[0], folders / "whole"][:: 1 if order == 0 else -1]
        assert merged(sources, into) == 0
        assert json.loads((into / "records" / file.name).read_text())["status"] == "done"
        assert not list(verify(into))


def test_what_is_not_whole_is_left_out_and_said(parts, tmp_path, capsys):
    file = next((parts[0] / "predictions").iterdir())
    file.unlink()
    (parts[1] / "records" / "x.json").write_text("{")
    assert merged(parts, tmp_path / "into") == 1
    said = capsys.readouterr().err
    assert f"left out: {parts[0] / 'records' / file.stem}.json: done, but its predictions" in said
    assert "x.json" in said
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


def test_a_split_that_is_there_stays(parts, tmp_path):
    (tmp_path / "into" / "splits").mkdir(parents=True)
    name = next((parts[0] / "splits").iterdir()).name
    (tmp_path / "into" / "splits" / name).write_text("mine")
    assert merged(parts, tmp_path / "into") == 0
    assert (tmp_path / "into" / "splits" / name).read_text() == "mine"

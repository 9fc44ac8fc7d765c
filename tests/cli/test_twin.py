"""twin: files of a twin, which are written over nothing."""

import pytest

from mora_bench.cli.main import main
from mora_bench.data.twins import icu
from mora_bench.data.twins.tables import WRITTEN

NAMES = {**WRITTEN, "icu": icu.WRITTEN}


def contents(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_or_empty_folder_is_filled_and_never_again(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "absent", tmp_path / "empty"):
        assert main(["twin", name, str(folder), "-n", "3"]) == 0, capsys.readouterr().err
        assert {path.name for path in folder.iterdir()} == {*NAMES[name]}
        before = contents(folder)
        assert main(["twin", name, str(folder), "-n", "4"]) == 2
        assert contents(folder) == before


@pytest.mark.parametrize(("name", "taken"), [(name, taken) for name, names in NAMES.items() for taken in names])
def test_files_that_are_there_are_named_and_nothing_is_written(name, taken, tmp_path, capsys):
    mine = tmp_path / taken / "mine.csv" if "." not in taken else tmp_path / taken
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine")
    assert main(["twin", name, str(tmp_path), "-n", "3"]) == 2
    assert capsys.readouterr().err.strip() == (
        f"mora_bench: {tmp_path / taken}: is there already, and a twin is written over nothing. Name a new or an empty "
        "folder, or move it away."
    )
    assert contents(tmp_path) == {mine: b"mine"}


def test_a_sheet_is_written_over_nothing(tmp_path, capsys):
    assert main(["twin", "odir", str(tmp_path / "sheet.png"), "-n", "2", "--sheet"]) == 0, capsys.readouterr().err
    before = contents(tmp_path)
    assert main(["twin", "odir", str(tmp_path / "sheet.png"), "-n", "3", "--sheet"]) == 2
    assert f"--sheet {tmp_path / 'sheet.png'}: is there already" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_other_files_of_a_folder_do_not_matter(tmp_path, capsys):
    (tmp_path / "README").write_text("both twins")
    for name in WRITTEN:
        assert main(["twin", name, str(tmp_path), "-n", "3"]) == 0, capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"README", *WRITTEN["odir"], *WRITTEN["cxr"]}

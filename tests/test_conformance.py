"""benchmarks/conformance.py: what of the real files that packages ship is shown, refused, or wrong."""

from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import conformance
import numpy as np
import pytest
from conformance import ALONE, NO_PICTURE, REFUSED, SHOWN, WRONG, difference, judged, table
from conformance_source import Source

from mora_bench.errors import UserError

#: Broken files of pydicom, each for a reason of its own.
BROKEN = {"JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm", "badVR.dcm"}


def test_of_the_files_that_pydicom_ships_none_is_wrong():
    pydicom = pytest.importorskip("pydicom")
    import conformance_dicom

    source = conformance_dicom.pydicom_files()
    if source is None:
        pytest.skip("SimpleITK is absent")
    folder = Path(pydicom.__file__).parent
    judgements = list(judged(replace(source, files=[file for file in source.files if file.is_relative_to(folder)])))
    counts = Counter(one.verdict for one in judgements)
    assert [(one.file.name, one.why) for one in judgements if one.verdict == WRONG] == []
    assert {one.file.name for one in judgements if one.verdict == REFUSED} == BROKEN
    # Deep colours in RLE, whose twins are in pydicom-data.
    assert all("_rle_" in one.file.name for one in judgements if one.verdict == ALONE)
    if version("pydicom") == "3.0.2":
        assert (counts[SHOWN] + counts[ALONE], counts[NO_PICTURE]) == (88, 76)


def test_the_table_of_the_docs_has_no_wrong_file_and_says_what_was_counted():
    docs = (Path(__file__).parents[1] / "docs" / "data.md").read_text()
    rows = [line.split("|")[1:-1] for line in docs.splitlines() if line.startswith("| ") and line.count("|") == 8]
    counts = [[int(cell) for cell in row[2:]] for row in rows if row[-1].strip().isdigit()]
    assert len(counts) > 40
    assert counts[-1] == np.sum(counts[:-1], axis=0).tolist()
    assert counts[-1][3] == 0


def test_what_differs_is_wrong_and_what_is_refused_is_counted(tmp_path):
    pictures = {"same": 9, "near": 10, "far": 12, "refused": None, "unknown": 9, "text": None, "trick": 9}

    def ours(file):
        value = pictures[file.name]
        if value is None:
            raise UserError(f"{file}: install something")
        return [np.full((2, 2, 3), value, np.uint8)]

    source = Source(
        package="a package",
        reader="another reader",
        files=[tmp_path / name for name in pictures],
        kind=lambda file: ("packed", NO_PICTURE if file.name in ("text", "trick") else "grey"),
        ours=ours,
        theirs=lambda file: None if file.name == "unknown" else [np.full((2, 2, 3), 9, np.uint8)],
    )
    judgements = {one.file.name: one for one in judged(source)}
    assert {name: one.verdict for name, one in judgements.items()} == {
        "same": SHOWN,
        "near": SHOWN,
        "far": WRONG,
        "refused": REFUSED,
        "unknown": ALONE,
        "text": NO_PICTURE,
        "trick": WRONG,
    }
    assert judgements["far"].why == "picture 0: up to 3 grey levels apart, 3.00 on average"
    assert judgements["refused"].why == "install something"
    rows = [line.split("|")[1:-1] for line in table({"a package": list(judgements.values())}).splitlines()[2:]]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["**a package**", *[""] * 6],
        ["packed", "grey", "2", "1", "1", "1", "0"],
        ["packed", NO_PICTURE, "0", "0", "0", "1", "1"],
        ["**all**", "", "2", "1", "1", "2", "1"],
    ]


def test_other_shapes_and_numbers_of_pictures_differ():
    one = np.zeros((2, 3, 3), np.uint8)
    assert difference([one], [one, one], 1, 1) == "1 pictures for 2"
    assert difference([one], [one.swapaxes(0, 1)], 1, 1) == "picture 0: [2, 3, 3] for [3, 2, 3]"
    assert difference([one], [one], 0, 0) == ""


def test_a_wrong_file_fails_the_command(monkeypatch, capsys, tmp_path):
    def source():
        grey = [np.zeros((2, 2, 3), np.uint8)]
        return Source("p", "r", [tmp_path / "a"], lambda f: ("x", "y"), lambda f: grey, lambda f: [grey[0] + 9])

    monkeypatch.setattr(conformance, "resolve_name", {"here": source, "nowhere": lambda: None}.get)
    monkeypatch.setattr(conformance, "SOURCES", ("here", "nowhere"))
    assert conformance.main(["--files"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "a: x, y: wrong: picture 0: up to 9 grey levels apart, 9.00 on average\n"
    assert "nowhere: its packages are absent" in captured.err

"""Texts that lie in files."""

import pandas as pd
import pytest

from mora_bench.data.readers import text_columns
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import own_table, text_notes
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.text_columns import texts
from mora_bench.errors import UserError

TEXTS = ["no change", "opacity left", "", "Ödem rechts"]


@pytest.fixture
def clinic(tmp_path):
    """Four studies; the report of the third is empty."""
    frame = pd.DataFrame({"study": ["s1", "s2", "s3", "s4"], "year": ["20", "20", "21", "21"], "age": [50, 60, 70, 80]})
    frame.assign(ill=[0, 1, 0, 1]).to_csv(tmp_path / "visits.csv", index=False)
    for study, year, text in zip(frame["study"], frame["year"], TEXTS, strict=True):
        file = tmp_path / "reports" / year / f"{study}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8-sig" if study == "s4" else "utf-8")
    return tmp_path


def dataset(**more):
    options = {"labels": ["ill"], "text": ["report={year}/{study}.txt"], "table": ["age"], "id": "study"}
    return own_table("visits", "visits.csv", **(options | {"pictures": "reports"} | more))


def test_a_text_is_what_its_file_says(clinic):
    table = dataset().read(clinic)
    assert table.modalities["report"].values == ("no change", "opacity left", None, "Ödem rechts")
    assert table.shape["report"] == "text"


def test_another_text_is_another_table(clinic):
    before = dataset().read(clinic).fingerprint()
    (clinic / "reports" / "20" / "s1.txt").write_text("changed")
    assert dataset().read(clinic).fingerprint() != before


def test_new_records_have_their_files_in_the_same_places(clinic):
    visits = dataset()
    trained_on = visits.read(clinic)
    new = pd.DataFrame({"study": ["s2", "s9"], "year": ["20", "20"], "age": [1, 2]})
    new.to_csv(clinic / "new.csv", index=False)
    (part,) = new_records(trained_on, clinic / "new.csv", Views(), clinic / "reports", made=visits.made)
    assert part.table.modalities["report"].values == ("opacity left", None)


def test_new_records_may_also_bring_their_texts(clinic):
    visits = dataset()
    pd.DataFrame({"report": ["new"], "age": [1]}).to_csv(clinic / "new.csv", index=False)
    (part,) = new_records(visits.read(clinic), clinic / "new.csv", Views(), made=visits.made)
    assert part.table.modalities["report"].values == ("new",)


@pytest.mark.parametrize("entry", ["report={year}/{report}.txt", "Report={year}/{Report}.txt"])
def test_a_part_of_a_path_that_has_the_name_of_the_texts_is_no_text(clinic, entry):
    """The names of the files had been read as the texts of new records, though training read the files."""
    name = entry.partition("=")[0]
    frame = pd.read_csv(clinic / "visits.csv", dtype=str).rename(columns={"study": name})
    frame.to_csv(clinic / "visits.csv", index=False)
    visits = dataset(text=[entry], id=name)
    trained_on = visits.read(clinic)
    (part,) = new_records(trained_on, clinic / "visits.csv", Views(), clinic / "reports", made=visits.made)
    assert part.table.modalities["report"].values == trained_on.modalities["report"].values
    frame.drop(columns="year").to_csv(clinic / "new.csv", index=False)
    with pytest.raises(UserError, match=r"new.csv: no column 'year'"):
        list(new_records(trained_on, clinic / "new.csv", Views(), clinic / "reports", made=visits.made))


def test_a_column_beside_the_parts_of_a_path_is_no_text(clinic):
    """As in training, the files say the texts, and not a column that has their name."""
    visits = dataset()
    pd.read_csv(clinic / "visits.csv").assign(report="seen").to_csv(clinic / "new.csv", index=False)
    (part,) = new_records(visits.read(clinic), clinic / "new.csv", Views(), clinic / "reports", made=visits.made)
    assert part.table.modalities["report"].values == ("no change", "opacity left", None, "Ödem rechts")


def test_of_two_texts_of_a_pattern_one_may_be_empty(clinic):
    frame = pd.read_csv(clinic / "visits.csv", dtype=str).assign(old=["s1", "", "s1", ""], new=["s2", "s2", "", ""])
    frame.to_csv(clinic / "visits.csv", index=False)
    table = dataset(text=["report=20/{old}.txt;20/{new}.txt"]).read(clinic)
    assert table.modalities["report"].values == ("no change\nopacity left", "opacity left", "no change", None)


def test_files_that_are_not_there_are_named_unless_allowed(clinic):
    (clinic / "reports" / "20" / "s2.txt").unlink()
    with pytest.raises(UserError, match=r"column 'report' names texts that are not there in row 3: '20/s2.txt'"):
        dataset().read(clinic)
    assert dataset(absent_pictures="allow").read(clinic).modalities["report"].values[1] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ödem".encode("utf-16"), r"s1\.txt: no text in UTF-8 \(byte 0\)\. .* iconv -f UTF-16 -t UTF-8 s1\.txt > NEW"),
        ("Ödem".encode("cp1252"), r"s1\.txt: no text in UTF-8 \(byte 0\)\. .* iconv -f WINDOWS-1252 -t UTF-8 s1\.txt "),
        (b"a" * 2000, r"s1\.txt: 2,000 bytes; expected"),
    ],
)
def test_what_is_no_text_is_named(clinic, monkeypatch, content, message):
    monkeypatch.setattr(text_columns, "MOST", 1000)
    (clinic / "reports" / "20" / "s1.txt").write_bytes(content)
    with pytest.raises(UserError, match=message):
        dataset().read(clinic)


RTF = r"{\rtf1\ansi\deff0 {\fonttbl{\f0 Arial;}}\f0\fs24 Kein Nachweis. Gr\'f6\'dfe normal.\par}"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (RTF.encode(), "RTF"),
        (b"\xef\xbb\xbf\r\n" + RTF.encode(), "RTF"),
        (b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>", "PDF"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\xff", "a packed file, as .docx is"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old .doc"),
        ("No change".encode("utf-16-le"), "NUL bytes, as UTF-16 does"),
        (b"No change\0\0", "NUL bytes, as UTF-16 does"),
    ],
)
def test_what_is_no_plain_text_is_named_by_file(clinic, content, kind):
    """The control words of RTF and PDF, and NUL bytes, had been words of the report."""
    (clinic / "reports" / "20" / "s1.txt").write_bytes(content)
    with pytest.raises(UserError) as error:
        dataset().read(clinic)
    assert str(error.value).endswith(f"s1.txt: holds {kind}, and no plain text. Convert it to plain text in UTF-8.")


@pytest.mark.parametrize(("cell", "kind"), [(RTF, "RTF"), ("N\0o\0", "NUL bytes, as UTF-16 does"), ("%PDF-1.4", "PDF")])
def test_a_cell_that_is_no_plain_text_is_named_by_row(cell, kind):
    with pytest.raises(UserError) as error:
        texts(pd.Series(["red", cell], name="note"), [], "t.csv")
    assert f"t.csv, column 'note' holds {kind}, and no plain text, in row 3: {cell[:60]!r}. Convert" in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>red</body></html>",
        "<report>red\n</report>",
        "<hr/>",
        '<?xml version="1.0"?>',
        "red<br/>old",
        " <note id=1>red</note>",
        "a<BR>b",
    ],
)
def test_markup_is_said(clinic, text):
    (clinic / "reports" / "20" / "s2.txt").write_text(text)
    columns = Columns(("ill",), text=("report={year}/{study}.txt",))
    (line,) = text_notes(columns, dataset().read(clinic))
    assert line.startswith("WARNING: text 'report': 1 of 3 hold tags of HTML or XML, such as '<")
    assert line.endswith("(s2), which are read as words. Convert them to plain text.")


@pytest.mark.parametrize(
    "text",
    [
        "<PERSON> fell",
        "<DATE>",
        "<NAME >\n<DATE> seen",
        "<Dr. A> saw </him>",
        "<5 mm",
        "a < b > c",
        "x <unknown> y",
        "[** name **]",
        "{note}",
        "100 % PDF",
    ],
)
def test_what_is_no_markup_is_not_warned_of(clinic, text):
    (clinic / "reports" / "20" / "s2.txt").write_text(text)
    assert text_notes(Columns(("ill",), text=("report={year}/{study}.txt",)), dataset().read(clinic)) == []


@pytest.mark.parametrize(
    "cells",
    [
        ["20/s1.txt", "20/s2.txt", "seen", ""],
        ["elsewhere/s1.TXT", "elsewhere/s2.txt", "none.txt", "seen"],
        ["20/s1", r"20\\s2", "20/s1; 20/s2", "20/s4"],
    ],
)
def test_texts_that_name_files_are_refused_with_how_to_read_them(clinic, cells):
    """The words of the paths had been read as reports, without a word."""
    for study in ("s1", "s2"):
        (clinic / "reports" / "20" / study).write_text("seen")
    frame = pd.read_csv(clinic / "visits.csv").assign(report=cells)
    frame.to_csv(clinic / "visits.csv", index=False)
    with pytest.raises(UserError) as error:
        dataset(text=["report"]).read(clinic)
    assert f"column 'report' holds names of files, and no texts, in row 2: {cells[0]!r}; row 3:" in str(error.value)
    assert str(error.value).endswith("`data` reads them from the files by --text 'report={report}'.")


@pytest.mark.parametrize(
    "cells", [["20/s1.txt", "20/s2.txt", "red", "old"], ["20", "20", "20", "."], ["a/" * 3000, "b;" * 3000, "\n", ""]]
)
def test_texts_that_name_no_files_are_texts(clinic, cells):
    assert texts(pd.Series(cells, name="note"), [clinic / "reports"], clinic / "visits.csv").values[0] == cells[0]


def test_a_folder_is_no_text(clinic):
    (clinic / "reports" / "20" / "s1.txt").unlink()
    (clinic / "reports" / "20" / "s1.txt").mkdir()
    with pytest.raises(UserError, match=r"s1\.txt: a folder"):
        dataset().read(clinic)


def test_a_path_that_leads_out_is_refused(clinic):
    with pytest.raises(UserError, match="leads out of"):
        dataset(text=["report=../../{study}.txt"]).read(clinic)


def test_a_column_with_such_a_name_is_a_column_of_texts(clinic):
    frame = pd.read_csv(clinic / "visits.csv").rename(columns={"study": "a=b"})
    frame.to_csv(clinic / "visits.csv", index=False)
    table = dataset(text=["a=b"], id=None).read(clinic)
    assert table.modalities["a-b"].values[0] == "s1"

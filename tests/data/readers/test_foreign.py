"""Tables of kinds that are not read: the message says what they are, and what it says to do works."""

import json
import re
import subprocess
import sys
import zipfile

import pandas as pd
import pytest

from mora_bench.data.readers import frames
from mora_bench.errors import UserError

TABLE = pd.DataFrame({"id": ["01", "b"], "note": ["cough", "Füße"], "age": [40, 41]})
OLE = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(4096)
WRITERS = {
    "t.dta": lambda file: TABLE.to_stata(file, write_index=False, version=118),
    "t.jsonl": lambda file: TABLE.to_json(file, orient="records", lines=True),
    "t.json": lambda file: TABLE.to_json(file, orient="records"),
    "it's.feather": TABLE.to_feather,
    "$(exit 3).orc": TABLE.to_orc,
}


def message(file):
    with pytest.raises(UserError) as error:
        frames.frame(file, ["id"])
    assert str(error.value).startswith(f"{file}: ")
    with pytest.raises(UserError) as other:
        frames.names(file)
    assert str(other.value) == str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", WRITERS)
def test_the_command_that_a_message_says_converts_a_table(tmp_path, name):
    WRITERS[name](tmp_path / name)
    said = message(tmp_path / name)
    assert "expected a table whose name ends in .csv, .tsv" in said
    command = re.search(r"Convert it: python (-c .*)\.$", said)[1]
    subprocess.run(f"{sys.executable} {command}", shell=True, cwd=tmp_path, check=True)
    table = frames.frame((tmp_path / name).with_suffix(".csv"), ["id", "note", "age"])
    assert table.to_dict("list") == {"id": ["01", "b"], "note": ["cough", "Füße"], "age": ["40", "41"]}


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        (
            "a.sav",
            'It is of SPSS. Convert it: pip install pyreadstat, then python -c "import pandas as pd; pd.read_spss(',
        ),
        (
            "A.SAS7BDAT",
            "It is of SAS. Convert it: python -c \"import pandas as pd; pd.read_sas('A.SAS7BDAT', encoding=",
        ),
        ("a.xls", "Open it in a spreadsheet program, and save it as Excel workbook (.xlsx) or as CSV in UTF-8."),
        ("a.ods", "Open it in a spreadsheet program, and save it as Excel workbook (.xlsx) or as CSV in UTF-8."),
        ("a.rds", "It is of R. Write it anew: write.csv(table, "),
        ("a.csv.zip", "or a text that ends in .gz. Unpack it."),
    ],
)
def test_other_tables_are_refused_with_how_to_convert_them(tmp_path, name, remedy):
    (tmp_path / name).write_bytes(b"x")
    assert remedy in message(tmp_path / name)


BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": {"id": "1"}}]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", BUNDLE),
        ("a.json", [{"id": "1", "name": [{"family": "A"}]}, {"id": "2"}]),
        ("a.json", {"id": {"0": {"value": 1}}}),
        ("a.ndjson", BUNDLE),
        ("a.jsonl", {"id": "1", "labels": ["a", "b"]}),
    ],
)
def test_nested_json_is_refused_without_a_command_that_makes_no_table(tmp_path, name, content):
    """The command had made a column of records of it."""
    (tmp_path / name).write_text(json.dumps(content) + "\n")
    said = message(tmp_path / name)
    assert "with values inside values, as resources of FHIR are. Write a table of a row a sample" in said
    assert "Convert it" not in said


@pytest.mark.parametrize("content", [TABLE.to_json(), TABLE.to_json(orient="records"), '{"id": ["01"]}', "[", "7", ""])
def test_plain_or_damaged_json_has_the_command(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    assert "It is of JSON. Convert it: python -c " in message(tmp_path / "a.json")


def test_what_nobody_knows_has_no_remedy(tmp_path):
    (tmp_path / "a.doc").write_bytes(b"x")
    assert message(tmp_path / "a.doc").endswith("or a text that ends in .gz.")
    (tmp_path / "a.xlsx").write_bytes(b"x")
    assert message(tmp_path / "a.xlsx").endswith("Download it again.")
    (tmp_path / "a.pq").write_bytes(b"PAR1" + bytes(99))
    assert message(tmp_path / "a.pq").endswith("Download it again.")
    (tmp_path / "a.csv").write_bytes(b"id\n\xff\xfe\xfa\n")
    with pytest.raises(UserError, match=r"not UTF-8 .* Save it as UTF-8"):
        frames.frame(tmp_path / "a.csv", ["id"])


def packed(file, **parts):
    with zipfile.ZipFile(file, "w") as book:
        for name, content in parts.items():
            book.writestr(name.replace("__", "/").replace("_", "."), content)
    return file.read_bytes()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (OLE + "EncryptedPackage".encode("utf-16-le"), "It is protected by a password. Save it without one."),
        (OLE + "Workbook".encode("utf-16-le"), "It is an Excel file of before 2007 (.xls) under another name. Open it"),
        (OLE, "It is of OLE, as Excel files with a password and those of before 2007 (.xls) are. Open it"),
        (b"PAR1" + bytes(99), "It is a file that should be called .parquet. Rename it."),
        (b"\xef\xbb\xbf\n<HTML><table>", "It holds HTML or XML. Open it in a spreadsheet program"),
    ],
)
def test_an_excel_file_that_is_none_is_named(tmp_path, content, what):
    """Each had been said to be damaged, and to be downloaded again."""
    (tmp_path / "t.xlsx").write_bytes(content)
    said = message(tmp_path / "t.xlsx")
    assert what in said
    assert "not a readable table" in said
    assert "Download it again" not in said


def test_kinds_of_packed_spreadsheets_are_named(tmp_path):
    file = tmp_path / "t.xlsx"
    packed(file, xl__workbook_bin=b"")
    assert "It is a binary workbook (.xlsb). Open it" in message(file)
    packed(file, mimetype=b"application/vnd.oasis.opendocument.spreadsheet")
    assert "It is an OpenDocument spreadsheet (.ods). Open it" in message(file)
    TABLE.to_excel(file, index=False)
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(file, "w") as book:
        for name, part in parts.items():
            main, relations = (
                b"http://schemas.openxmlformats.org/spreadsheetml/2006",
                b"http://schemas.openxmlformats.org",
            )
            strict = part.replace(main, b"http://purl.oclc.org/ooxml/spreadsheetml").replace(
                relations + b"/officeDocument/2006", b"http://purl.oclc.org/ooxml/officeDocument"
            )
            book.writestr(name, strict)
    assert "It is a Strict Open XML spreadsheet. Open it in a spreadsheet program" in message(file)


def test_what_is_called_a_text_and_is_none_is_named(tmp_path):
    TABLE.to_excel(tmp_path / "t.xlsx", index=False)
    (tmp_path / "t.csv").write_bytes((tmp_path / "t.xlsx").read_bytes())
    assert message(tmp_path / "t.csv").endswith("It is an Excel file. Call it .xlsx.")
    packed(tmp_path / "u.csv", t_csv="id\n" + "\u00e9" * 99)
    (tmp_path / "u.csv").write_bytes((tmp_path / "u.csv").read_bytes() + b"\xff\xff")
    assert message(tmp_path / "u.csv").endswith("It is packed (zip). Unpack it.")

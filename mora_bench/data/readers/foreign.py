"""Kinds of tables that are not read, and how each becomes one that is."""

from __future__ import annotations

import json
import shlex
import zipfile
from pathlib import Path
from typing import Any

#: By the end of a name what the file is of, and what of pandas reads it.
PANDAS = {
    ".dta": ("Stata", "read_stata({!r})"),
    ".sav": ("SPSS", "read_spss({!r})"),
    ".zsav": ("SPSS", "read_spss({!r})"),
    ".sas7bdat": ("SAS", "read_sas({!r}, encoding='infer')"),
    ".xpt": ("SAS", "read_sas({!r}, encoding='latin-1')"),
    ".jsonl": ("JSON lines", "read_json({!r}, lines=True, dtype=False)"),
    ".ndjson": ("JSON lines", "read_json({!r}, lines=True, dtype=False)"),
    ".json": ("JSON", "read_json({!r}, dtype=False)"),
    ".feather": ("Feather", "read_feather({!r})"),
    ".arrow": ("Feather", "read_feather({!r})"),
    ".orc": ("ORC", "read_orc({!r})"),
}
#: What pandas needs beside itself.
NEEDS = {"SPSS": "pip install pyreadstat, then "}
#: Of these, those whose cells may hold further tables, and what to do then.
JSON = ("JSON", "JSON lines")
FLATTEN = "Write a table of a row a sample and a column a value, with pandas.json_normalize, say."
#: Ends of names of what spreadsheet programs and packers write.
SPREADSHEETS, PACKED = (
    (".xls", ".xlsb", ".ods", ".numbers"),
    (".zip", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz"),
)
R = (".rds", ".rda", ".rdata")
SAVE = "Open it in a spreadsheet program, and save it as Excel workbook (.xlsx) or as CSV in UTF-8"
#: The first bytes of files, and what is to be done about their names.
OLE, ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
BEGINNINGS = {
    b"PAR1": (".parquet", ".pq"),
    b"ARROW1": (".feather",),
    b"<stata_dta>": (".dta",),
    b"$FL2": (".sav",),
    b"$FL3": (".zsav",),
}
#: Streams of OLE files: what Excel packs with a password, and the books of old ones.
PROTECTED, OLD = "EncryptedPackage", ("Workbook", "Book")
#: The most bytes of a file that are looked at.
LONGEST = 256 << 20
#: What the names of elements begin with in books of Strict Open XML.
STRICT = b"http://purl.oclc.org/ooxml/"


def remedy(file: Path) -> str:
    """What a table is of by its name, and how it becomes one that is read, a sentence; "" if its name does not say."""
    name = file.name.lower()
    if end := next((end for end in PANDAS if name.endswith(end)), ""):
        kind, call = PANDAS[end]
        if kind in JSON and _is_nested(file, lines=kind != "JSON"):
            return f"It is of {kind}, with values inside values, as resources of FHIR are. {FLATTEN}"
        script = f"import pandas as pd; pd.{call.format(file.name)}.to_csv({file.stem + '.csv'!r}, index=False)"
        # Names in single quotes need no escapes, but for these, and then every shell would read them otherwise.
        quoted = shlex.quote(script) if {*script} & {*'"$`\\'} else f'"{script}"'
        return f"It is of {kind}. Convert it: {NEEDS.get(kind, '')}python -c {quoted}."
    if name.endswith(SPREADSHEETS):
        return f"{SAVE}."
    if name.endswith(R):
        return "It is of R. Write it anew: write.csv(table, 'table.csv', row.names = FALSE, fileEncoding = 'UTF-8')."
    return "Unpack it." if name.endswith(PACKED) else ""


def mistaken(file: Path) -> str:
    """What a file is that no table of its name is, by its contents, and what to do, sentences; "" if nobody knows."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LONGEST)
    except OSError:
        return ""
    start = content[:512]
    if start.startswith(OLE):
        return _of_ole(content)
    if start.startswith(ZIP):
        return _of_zip(file)
    if ends := next((ends for first, ends in BEGINNINGS.items() if start.startswith(first)), ()):
        return "" if file.name.lower().endswith(ends) else f"It is a file that should be called {ends[0]}. Rename it."
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
        return f"It holds HTML or XML. {SAVE}."
    return ""


def _is_nested(file: Path, lines: bool) -> bool:
    """Whether a file of JSON is no table, because cells of it hold lists or records; of lines the first one says it.
    One that cannot be read is none."""
    try:
        with file.open("rb") as stream:
            content: Any = json.loads(stream.readline(LONGEST) if lines else stream.read(LONGEST))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(content, dict | list):
        return False
    rows = [content] if lines else [*content.values()] if isinstance(content, dict) else content
    # A table is a list of records, or columns by their names, each a list or a record by row.
    cells = [row.values() if isinstance(row, dict) else row if isinstance(row, list) else None for row in rows]
    return any(row is None or any(isinstance(cell, dict | list) for cell in row) for row in cells)


def _of_ole(content: bytes) -> str:
    if PROTECTED.encode("utf-16-le") in content:
        return "It is protected by a password. Save it without one."
    if any(stream.encode("utf-16-le") in content for stream in OLD):
        return f"It is an Excel file of before 2007 (.xls) under another name. {SAVE}."
    return (
        f"It is of OLE, as Excel files with a password and those of before 2007 (.xls) are. {SAVE}, without a password."
    )


def _of_zip(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as book:
            names = {*book.namelist()}
            kind = book.read("mimetype") if "mimetype" in names else b""
            strict = "xl/workbook.xml" in names and STRICT in book.read("xl/workbook.xml")
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError):
        return ""
    if strict:
        return f"It is a Strict Open XML spreadsheet. {SAVE}."
    if "xl/workbook.bin" in names:
        return f"It is a binary workbook (.xlsb). {SAVE}."
    if b"opendocument.spreadsheet" in kind:
        return f"It is an OpenDocument spreadsheet (.ods). {SAVE}."
    if "xl/workbook.xml" in names:
        return "" if file.name.lower().endswith((".xlsx", ".xlsm")) else "It is an Excel file. Call it .xlsx."
    return "" if file.name.lower().endswith((".xlsx", ".xlsm")) else "It is packed (zip). Unpack it."

"""Columns of a table that hold texts, or say in which files these are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mora_bench.data.readers.cells import nothing, refuse, text
from mora_bench.data.readers.measured import MOSTLY
from mora_bench.data.readers.path_columns import FIELD, Absent, located, name_files
from mora_bench.data.table import Column
from mora_bench.errors import UserError

#: The most bytes of a file of text: no report is as long, and a column of pictures is soon noticed.
MOST = 1 << 20
#: What is no plain text, by what it begins with.
WRITTEN = {
    "{\\rtf": "RTF",
    "%PDF-": "PDF",
    "PK\x03\x04": "a packed file, as .docx is",
    "\xd0\xcf\x11\xe0": "an old .doc",
}
#: The byte that plain text in UTF-8 never has, and UTF-16 has in every Latin letter.
NUL = "\0"
#: What a file that is no UTF-8 may be in, by how it begins.
UTF_16, OTHERS = (b"\xff\xfe", b"\xfe\xff"), "WINDOWS-1252"
#: A text that is the name of a file, and of how many cells it is asked: a disk that is far off answers slowly.
FILE_NAME, ASKED = re.compile(r".*\.txt", re.I), 100
#: Markup: an element that a text begins with and that ends in it, which marks of what was taken out (<PERSON>) do not;
#: or a tag that HTML has, anywhere in it.
TAGS = re.compile(
    r"\A\s*<(\?xml|!doctype|([a-z][\w:.-]*)(\s[^<>]*)?(/>|>(?=.*</\2\s*>)))"
    r"|</?(html|body|div|span|p|br|b|i|table|tr|td|font)\b[^<>]*>",
    re.I | re.S,
)


def from_files(entry: str) -> bool:
    """Whether a column of texts, as it is asked for, is one of files: "report={study}.txt", and not "report"."""
    return "=" in entry and FIELD.search(entry.partition("=")[2]) is not None


def texts(column: pd.Series, bases: Sequence[Path], file: Path) -> Column:
    """A column of texts.

    Args:
        bases: the folders in which paths of the table begin.

    Raises:
        UserError: a cell of it holds what is no plain text; most cells name files, and would be read as texts.
    """
    if _are_names(column[[not nothing(cell) for cell in column]][:ASKED], bases):
        name = column.name
        do = f"Write the texts into it; `data` reads them from the files by --text '{name}={{{name}}}'."
        refuse(column, _name_files(column, bases), file, "holds names of files, and no texts,", do)
    kinds = [_written(cell) for cell in column]
    for kind in sorted({*kinds} - {""}):
        odd = [other == kind for other in kinds]
        refuse(column, odd, file, f"holds {kind}, and no plain text,", "Convert these cells to plain text.")
    return Column("text", tuple(map(text, column)))


def texts_of_files(column: pd.Series, bases: Sequence[Path], file: Path, absent: Absent) -> Column:
    """The texts of the files that a column of paths names, several of a cell one after the other; None where none is
    there, or all are empty.

    Args:
        bases, file, absent: as in `located`.

    Raises:
        UserError: as `located`, or a file that is no text in UTF-8 or longer than `MOST`.
    """
    cells = [[_text(path) for path in paths] for paths in located(column, bases, file, absent, "texts")]
    return Column("text", tuple(text("\n".join(filter(None, contents))) for contents in cells))


def tagged(name: str, column: Column, ids: Sequence[str]) -> list[str]:
    """A warning of the texts of a modality that hold markup; none if none does."""
    found = [(id, TAGS.search(value)) for id, value in zip(ids, column.values, strict=True) if value is not None]
    tags = [(id, match[0].strip()[:40]) for id, match in found if match]
    if not tags:
        return []
    what = f"{len(tags)} of {len(found)} hold tags of HTML or XML, such as {tags[0][1]!r} ({tags[0][0]})"
    return [f"WARNING: text {name!r}: {what}, which are read as words. Convert them to plain text."]


def _are_names(cells: pd.Series, bases: Sequence[Path]) -> bool:
    """Whether most cells name files."""
    return sum(_name_files(cells, bases)) > MOSTLY * len(cells)


def _name_files(cells: pd.Series, bases: Sequence[Path]) -> list[bool]:
    """Whether each cell names a file of text, or files that are there."""
    by_end = [FILE_NAME.fullmatch(cell.strip()) is not None for cell in cells]
    return [named or there for named, there in zip(by_end, name_files(cells, bases), strict=True)]


def _written(content: str) -> str:
    """What a text is that is no plain one, "" if it is."""
    return _begins(content) or ("NUL bytes, as UTF-16 does" if NUL in content else "")


def _begins(content: str) -> str:
    """What a text is by its beginning, "" if that is of nothing known."""
    start = content.lstrip("\ufeff \t\r\n")
    return next((kind for begin, kind in WRITTEN.items() if start.startswith(begin)), "")


def _text(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"{path}: a folder; expected a file of text.")
    if path.stat().st_size > MOST:
        raise UserError(f"{path}: {path.stat().st_size:,} bytes; expected a text of at most {MOST:,}.")
    content = path.read_bytes()
    try:
        plain = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        # PDF and what is packed are no UTF-8, and iconv would not help.
        if not (kind := _begins(content.decode("latin-1"))):
            encoding = "UTF-16" if content.startswith(UTF_16) else OTHERS
            do = f"Convert it; if it is in {encoding}: iconv -f {encoding} -t UTF-8 {shlex.quote(path.name)} > NEW.txt"
            raise UserError(f"{path}: no text in UTF-8 (byte {error.start}). {do}") from None
    else:
        kind = _written(plain)
    if kind:
        raise UserError(f"{path}: holds {kind}, and no plain text. Convert it to plain text in UTF-8.")
    return plain

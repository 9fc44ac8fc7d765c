"""Several labels in one cell: between separators, or a list as a program wrote it."""

from __future__ import annotations

import ast
import re
import warnings

from mora_bench.data.readers.cells import nothing

#: Separators of several labels in one cell, unless the user says it.
SEPARATORS = ";|"
#: What stands around a list, a tuple or a set; NumPy writes arrays as lists without commas.
AROUND = re.compile(r"\[(.*)\]|\((.*)\)|\{(.*)\}|frozenset\(\{(.*)\}\)", re.DOTALL)
#: How Python writes sets that are empty; {} is a dict.
EMPTY_SETS = ("set()", "frozenset()")
QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
#: An item: a text in quotes, also one of NumPy's in a list of Python's, or a word; and what stands behind it.
ITEM = re.compile(
    rf"""(?:np\.str_\((?P<numpy>{QUOTED})\)|(?P<quoted>{QUOTED})|(?P<word>[^\s,'"()\[\]{{}}]+))(?:\s*,\s*|\s+|$)""",
    re.DOTALL,
)
ITEMS = re.compile(rf"(?:{re.sub('[?]P<[a-z]+>', '?:', ITEM.pattern)})*", re.DOTALL)
#: What can only be meant as a list: brackets around something that begins with a quote.
MEANT = re.compile(r"""(?:frozenset\()?[\[{][\[({\s]*(?:np\.str_\()?['"].*[\]}]\)?""", re.DOTALL)


def parts(cell: str, separator: str) -> list[str]:
    """What a cell names, in order: the items of a list as Python, JSON and NumPy write it, else what stands between
    separators, by default ; and |. Some may say that nothing is there (nan)."""
    items = _items(cell)
    if items is not None:
        return items
    return [part for part in re.split(rf"\s*[{re.escape(separator or SEPARATORS)}]\s*", cell.strip()) if part]


def broken(cell: str) -> bool:
    """Whether a cell is meant as a list of texts, and cannot be read as one: ['a', 5], ['a' ... 'z'], {'a': 1}."""
    return bool(MEANT.fullmatch(cell.strip())) and _items(cell) is None


def _items(cell: str) -> list[str] | None:
    """The items of a list of texts, also of None and nan; None if a cell holds none. Numbers and names without quotes
    make no list: [0, 30] and (0, 30] are intervals."""
    cell = cell.strip()
    if cell in EMPTY_SETS:
        return []
    around = AROUND.fullmatch(cell)
    if not around:
        return None
    inside = str(around[around.lastindex or 0]).strip()
    if not ITEMS.fullmatch(inside):
        return None
    found = [match.groupdict() for match in ITEM.finditer(inside)]
    words = [item["word"] for item in found if item["word"]]
    # "(none)" is a name: a tuple of one has a comma.
    named = cell[0] == "(" and "," not in inside and words
    if named or not all(map(nothing, words)):
        return None
    return [item["word"] or _text(item["quoted"] or item["numpy"]) for item in found]


def _text(quoted: str) -> str:
    """What stands between quotes, with escapes as Python and JSON have them; as it stands if one is neither's."""
    if "\\" not in quoted:
        return quoted[1:-1].strip()
    try:
        with warnings.catch_warnings(action="error"):
            return str(ast.literal_eval(quoted)).strip()
    except (ValueError, SyntaxError):
        return quoted[1:-1].strip()

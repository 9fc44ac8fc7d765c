"""Joins the columns of the published tables into one text per sample (as MoRA's released code does)."""

from collections.abc import Iterable

#: Marks that programs write for an empty cell, in small letters.
EMPTY = ("nan", "null", "<na>")


def words(column: Iterable[str]) -> list[str]:
    """A column's texts; what a program wrote for an empty cell is empty."""
    return ["" if text.strip().lower() in EMPTY else text for text in column]


def eye_text(left: str, right: str) -> str:
    """ODIR: the keywords of both eyes."""
    return f"Left_text:{left}Right_text:{right}"


def chest_text(findings: str, impression: str) -> str:
    """Indiana CXR: the findings, then the impression."""
    return f"{findings} {impression}".strip()

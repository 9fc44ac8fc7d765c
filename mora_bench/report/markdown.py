"""Markdown that shows texts from records as they are."""

from mora_bench.text import visible


def escaped(text: str) -> str:
    """A text in which nothing is taken for Markdown or HTML, on one line, all of it visible."""
    text = visible(text)
    for character in "\\`*_[]<>|$":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())

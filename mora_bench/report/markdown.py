"""Markdown that shows texts from records as they are."""


def escaped(text: str) -> str:
    """A text in which nothing is taken for Markdown or HTML, on one line."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())

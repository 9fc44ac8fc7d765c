"""Text as it may leave: on a terminal, a page, in a table or a card.

Records, labels and file names of strangers may hold characters that are obeyed and not shown: they move a cursor, give
a window another title, turn the direction of reading. Stored text stays as it is; text that leaves has escapes instead.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

#: Controls but for tab and line feed, separators of lines and paragraphs, and marks of direction (Unicode's bidi
#: controls).
OBEYED = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"
_OBEYED = re.compile(f"[{OBEYED}]")
#: The same, or a whole sequence that sets colour and weight (ECMA-48, SGR).
_BUT_COLOURS = re.compile(f"\x1b\\[[0-9;]*m|[{OBEYED}]")


def visible(text: str, colours: bool = False) -> str:
    """A text whose control and direction characters are written as escapes: U+001B as \\x1b, U+202E as \\u202e.

    Args:
        colours: keep sequences that set colours, which is for our text alone.
    """
    # Nothing that is obeyed is printable, and most texts are: this is asked of every cell of every table.
    if text.isprintable():
        return text
    return (_BUT_COLOURS if colours else _OBEYED).sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) > 1 else match[0].encode("unicode_escape").decode()


def listed(names: Sequence[str], most: int, between: str = ", ") -> str:
    """The first names of a list, and how many more there are than `most`."""
    before = {", ": "", "\n": "\n..."}.get(between, between.rstrip())
    return between.join(names[:most]) + (f"{before} and {len(names) - most} more" if len(names) > most else "")


def number_of(count: int, noun: str = "cell") -> str:
    """A count with its noun: "1 cell", "2,000 cells"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def percent(rate: float) -> str:
    """A rate as it was asked for: 0.7 is 70%, 0.124 is 12.4%."""
    return f"{100 * rate:.6g}%"


def all_visible(value: Any) -> Any:
    """A value of JSON whose texts are `visible`, names in objects too."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {all_visible(name): all_visible(member) for name, member in value.items()}
    return [all_visible(member) for member in value] if isinstance(value, list | tuple) else value


class Door:
    """A stream that writes `visible` text to another one, and what that one's encoding lacks as escapes too.

    Attributes:
        colours: whether sequences that set colours pass.
    """

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.colours = False

    def write(self, text: str) -> int:
        shown = visible(text, self.colours)
        try:
            self.stream.write(shown)
        except UnicodeEncodeError as error:
            self.stream.write(shown.encode(error.encoding, "backslashreplace").decode(error.encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __eq__(self, other: object) -> bool:
        # tqdm asks whether a stream is the terminal's.
        return behind(self) is behind(other)

    def __hash__(self) -> int:
        return hash(self.stream)


def behind(stream: Any) -> Any:
    """The stream behind a `Door`, for a progress bar that moves the cursor; what it shows must be `visible`."""
    return behind(stream.stream) if isinstance(stream, Door) else stream


@contextmanager
def doors() -> Iterator[None]:
    """While it lasts, everything that this process prints goes through a `Door`."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream if isinstance(stream, Door) else cast(TextIO, Door(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def coloured(allowed: bool) -> Iterator[None]:
    """While it lasts, sequences that set colours pass the doors, if that is allowed."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, Door)]
    for stream in streams:
        stream.colours = allowed
    try:
        yield
    finally:
        for stream in streams:
            stream.colours = False

"""Output of a verb: letters that the terminal has; for programs one JSON value, and nothing else."""

import codecs
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

#: Answers of the verb that runs; None where nobody asked for JSON.
_answers: ContextVar[list[Any] | None] = ContextVar("answers", default=None)

#: Replacements for letters that we print, on a stream that has ASCII alone.
PLAIN = {"±": "+-", "—": "-", "…": "...", "≥": ">=", "≤": "<=", "→": "->", "↑": "^", "↓": "v"}
PLAIN |= dict.fromkeys("─━═", "-") | dict.fromkeys("│┃║", "|") | dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+")


def readable() -> None:
    """Have stdout and stderr write something else for the letters that they lack, instead of ending the command."""
    codecs.register_error("mora_bench.plain", _plain_letters)
    for stream in (sys.stdout, sys.stderr):
        raw = isinstance(stream, io.TextIOWrapper) and stream.errors == "surrogateescape"
        # A stream of UTF-8 that gives bytes of file names back as they are lacks no letter.
        if isinstance(stream, io.TextIOWrapper) and not (raw and codecs.lookup(stream.encoding).name == "utf-8"):
            stream.reconfigure(errors="mora_bench.plain")


def _plain_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    plain = (PLAIN.get(letter) or letter.encode("ascii", "backslashreplace").decode() for letter in lacking)
    return "".join(plain), error.end


@contextmanager
def answering(asked: bool) -> Iterator[None]:
    """While a verb runs, what it, its plug-ins and its workers print goes to stderr if JSON is asked for; stdout then
    holds one JSON value alone, once the verb has ended well."""
    if not asked:
        yield
        return
    answers: list[Any] = []
    token = _answers.set(answers)
    sys.stdout.flush()
    # Processes that are started meanwhile print to the file that is number one.
    before = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _answers.reset(token)
        sys.stderr.flush()
        os.dup2(before, 1)
        os.close(before)
    if answers:
        # JSON's own escapes leave DEL alone.
        print(json.dumps(plain(answers[-1]), indent=1, allow_nan=False).replace("\x7f", "\\u007f"))


def answer(make: Callable[[], Any]) -> None:
    """Hand over the answer of a verb, as plain values; made only if JSON was asked for."""
    answers = _answers.get()
    if answers is not None:
        answers.append(make())


def plain(value: Any) -> Any:
    """A value as JSON has it: no NaN, no paths, no sets."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(name): plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(member) for member in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, float) or hasattr(value, "item"):
        number = value.item() if hasattr(value, "item") else value
        return None if isinstance(number, float) and not math.isfinite(number) else number
    return str(value) if isinstance(value, Path) else value

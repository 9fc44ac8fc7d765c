"""JSON on the terminal, for programs that run this one: what a verb found as one value, and nothing else."""

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

#: What the verb that runs has handed over; None where nobody asked for JSON.
_answers: ContextVar[list[Any] | None] = ContextVar("answers", default=None)


@contextmanager
def answering(asked: bool) -> Iterator[None]:
    """While a verb runs, what it, its plug-ins and its workers print goes to stderr if JSON is asked for; stdout then
    holds one JSON value alone, once the verb has ended well."""
    if not asked:
        yield
        return
    found: list[Any] = []
    token = _answers.set(found)
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
    if found:
        # JSON's own escapes leave DEL alone.
        print(json.dumps(plain(found[-1]), indent=1, allow_nan=False).replace("\x7f", "\\u007f"))


def answer(make: Callable[[], Any]) -> None:
    """Hand over what a verb found, as plain values; made only if JSON was asked for."""
    found = _answers.get()
    if found is not None:
        found.append(make())


def plain(value: Any) -> Any:
    """A value as JSON has it: no NaN, no paths, no sets."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(name): plain(own) for name, own in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(own) for own in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, float) or hasattr(value, "item"):
        number = value.item() if hasattr(value, "item") else value
        return None if isinstance(number, float) and not math.isfinite(number) else number
    return str(value) if isinstance(value, Path) else value

"""JSON on the terminal, for programs that run this one."""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any


class Answer:
    """What a verb found, as plain values; printed when it ends, if JSON was asked for."""

    def __init__(self) -> None:
        self.value: Any = None


@contextmanager
def answering(asked: bool) -> Iterator[Answer]:
    """While a verb runs, what it prints goes to stderr if JSON is asked for, and stdout holds one JSON value alone."""
    answer = Answer()
    if not asked:
        yield answer
        return
    with redirect_stdout(sys.stderr):
        yield answer
    print(json.dumps(plain(answer.value), indent=1, allow_nan=False))


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

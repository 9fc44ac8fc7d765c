"""Whether two files of scores agree: number by number, with what only one of them has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from mora_bench.records.encoding import encode
from mora_bench.records.schema import Scores

#: The largest difference of scores that the same predictions give on machines of other kinds.
TOLERANCE = 1e-6
#: Fields that differ with the bytes of a file, not with its scores.
NOT_SCORES = ("schema", "digest", "record")
#: The stand-in for a number that a file does not have.
ABSENT = "absent"


@dataclass(frozen=True)
class Difference:
    """A number that is not the same in two files: where it stands, as "test.both.scores.f1_macro", and both values."""

    where: str
    first: Any
    second: Any

    @property
    def size(self) -> float:
        """How far the numbers are apart; infinite where one of them is none."""
        numbers = all(isinstance(number, int | float) for number in (self.first, self.second))
        return abs(self.first - self.second) if numbers else math.inf

    @property
    def only(self) -> str:
        """The file that alone has it, "first" or "second"; "" if both have."""
        return "first" if self.second is ABSENT else "second" if self.first is ABSENT else ""


def differences(first: Scores, second: Scores) -> list[Difference]:
    """Every number in which two files of scores differ, however little, and every one that only one of them has."""
    if first == second:
        return []
    return list(_differing("", *(msgspec.json.decode(encode(scores)) for scores in (first, second))))


def _differing(where: str, first: Any, second: Any) -> Iterator[Difference]:
    if isinstance(first, dict) and isinstance(second, dict):
        for name in [*first, *(name for name in second if name not in first)]:
            if where or name not in NOT_SCORES:
                inner = f"{where}.{name}" if where else name
                yield from _differing(inner, first.get(name, ABSENT), second.get(name, ABSENT))
    elif isinstance(first, list) and isinstance(second, list):
        for index in range(max(len(first), len(second))):
            pair = (values[index] if index < len(values) else ABSENT for values in (first, second))
            yield from _differing(f"{where}[{index}]", *pair)
    # A part that a file was written without, such as the worth of modalities, is null in it.
    elif first in (ABSENT, None) and isinstance(second, dict | list):
        yield from _differing(where, type(second)(), second)
    elif second in (ABSENT, None) and isinstance(first, dict | list):
        yield from _differing(where, first, type(first)())
    elif first != second:
        yield Difference(where, first, second)


def in_words(differing: Difference) -> str:
    """A difference in words, the second file's number first."""
    return f"{differing.where} is {_number(differing.second)}, and was {_number(differing.first)}"


def _number(value: Any) -> str:
    return f"{value:.17g}" if isinstance(value, float) else str(value)

"""A rule is a function whose docstring's first line says what must be; it raises `BrokenRule` where it is not."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from mora_bench.data.audit import some

Subject = TypeVar("Subject")
Rule = Callable[[Subject], None]


#: In place of an error that stopped a rule before.
AGAIN = "stopped by the same error as a rule above"


class BrokenRule(Exception):
    """A rule of a contract is broken; the message says how."""


def expect(holds: bool, message: str) -> None:
    """Raise `BrokenRule` unless the condition holds."""
    if not holds:
        raise BrokenRule(message)


def tried(
    rules: Iterable[Rule[Subject]], subject: Subject, needed: Rule | None = None
) -> Iterator[tuple[str, str | None]]:
    """Every rule's text, and what is wrong or None; stops after `needed` if that cannot even run. An error that stops
    several rules is told once."""
    told: set[str] = set()
    for rule in rules:
        title = (rule.__doc__ or rule.__name__).split("\n")[0]
        try:
            rule(subject)
        except BrokenRule as broken:
            yield title, str(broken)
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            message = f"{type(error).__name__}: {error} ({at.filename}, line {at.lineno})"
            yield title, AGAIN if message in told else message
            told.add(message)
            if rule is needed:
                return
        else:
            yield title, None


def described(kind: Any, names: Iterable[str]) -> None:
    """Expect the named class attributes, which people read, to exist and to hold text."""
    for name in names:
        value = getattr(kind, name, None)
        expect(
            isinstance(value, str) and bool(value.strip()),
            f"{name} is {value!r}; expected a line for `list` and the tables, e.g. {name} = {_example(name)!r}",
        )


def _example(name: str) -> str:
    return {"source": "arXiv 2408.09064"}.get(name, "what people call it")


__all__ = ["BrokenRule", "Rule", "described", "expect", "some", "tried"]

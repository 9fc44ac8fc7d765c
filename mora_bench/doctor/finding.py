"""The findings of looks."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that makes scores on a dataset mean less than they seem.

    Attributes:
        look: which look saw it.
        seen: the observation, in a sentence with numbers; more: further lines.
        costs: the cost for a table of scores, and the remedy.
        weight: 0 to 1, how much of a score it may explain; the worst one is what a grid warns of.
        facts: the same for programs, a JSON value.
    """

    look: str
    seen: str
    costs: str
    weight: float
    more: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def share(number: float) -> str:
    """A share in per cent."""
    return f"{100 * number:.1f} %"

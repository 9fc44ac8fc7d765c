"""The ranges of scores, by the task's metrics: a value outside is refused, as in an edited file."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from mora_bench import registry

Score = int | float | list[float | None] | None
#: The largest standard deviation of numbers from 0 to 1.
WIDEST = 0.5
#: Where a competitor draws what is missing, the standard deviation of a probability over draws, mean over samples and
#: labels. Nothing is written of others.
Spread = Annotated[float, msgspec.Meta(ge=0, le=WIDEST)] | msgspec.UnsetType
#: By a score's name: the lowest and the highest value, and whether it is a number wherever there is a sample.
Ranges = Mapping[str, tuple[float, float, bool]]


def ranges_of(task: str) -> Ranges:
    """The ranges of a task's scores; none of a task that is not known here, which has no report without its plug-in."""
    known = registry.known(registry.TASKS, task.partition(":")[0])
    kind: Any = type(registry.made(registry.TASKS, task)) if known else None
    return _ranges(kind) if known else {}


@lru_cache(maxsize=32)
def _ranges(kind: Any) -> Ranges:
    return {name: (*metric.bounds, metric.always) for name, metric in (*kind.per_class.items(), *kind.metrics.items())}


def check_range(scores: Mapping[str, Score], ranges: Ranges, pattern: str) -> None:
    """Refuse a score that none of a task's metrics gives. Thousands of files are read at once, so right values
    are passed over first.

    Raises:
        ValueError: the name of the score and its value.
    """
    for name, value in scores.items():
        bounds = ranges.get(name)
        if bounds is None:
            continue
        low, high, always = bounds
        if type(value) is float and low <= value <= high:
            continue
        for number in value if isinstance(value, list) else (value,):
            if number is not None and (number < low or number > high):
                raise ValueError(f"{name} with {pattern} missing is {value}; expected {low:g} to {high:g}")
        if value is None and always and scores.get("n"):
            raise ValueError(f"{name} with {pattern} missing is no number")

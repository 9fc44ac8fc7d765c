"""The facts of a score: which way is better, its range, its unit. Nothing else decides what "best" is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mora_bench.errors import UserError

#: Sources of a score: predicted classes (which need a threshold), probabilities, or the order of samples.
KINDS = ("decisions", "probabilities", "ranks")
DASH = "—"
#: An example in messages to whoever declared a metric in another way.
EXAMPLE = (
    'Metric("RMSE of the stage", higher_is_better=False, bounds=(0, math.inf), of="probabilities", scale=1, '
    'convention="root of the mean squared error over samples", source="scikit-learn\'s root_mean_squared_error")'
)


@dataclass(frozen=True)
class Metric:
    """One score of a task.

    Attributes:
        title: what people call it, without its direction.
        higher_is_better: its direction.
        bounds: the lowest and the highest value that it can have, before `scale`; either may be infinite.
        of: what it is taken from, one of `KINDS`; "decisions" need a threshold.
        scale: what values are multiplied by where they are shown: 100 for shares in percent, 1 for an RMSE.
        convention: how it is averaged, and what happens where it has no meaning.
        source: where it is defined.
        always: whether it is a number wherever there is a sample.
        averaged_over: the score of the task that says over how many classes it is a mean, "" if over none.
        short: what it is called where several scores stand side by side; the title if not given.

    Raises:
        UserError: a part is none that a metric can have.
    """

    title: str
    higher_is_better: bool
    bounds: tuple[float, float]
    of: Literal["decisions", "probabilities", "ranks"]
    scale: float
    convention: str
    source: str
    always: bool = False
    averaged_over: str = ""
    short: str = ""

    def __post_init__(self) -> None:
        for name in ("title", "convention", "source"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise UserError(f"Metric: {name} is {getattr(self, name)!r:.80}; expected text.")
        wrong = f"Metric {self.title!r}: "
        if not isinstance(self.higher_is_better, bool):
            raise UserError(f"{wrong}higher_is_better is {self.higher_is_better!r:.80}; expected True or False.")
        if not _ordered(self.bounds):
            raise UserError(
                f"{wrong}bounds are {self.bounds!r:.80}; expected (low, high), e.g. (0, 1) or (0, math.inf)."
            )
        if self.of not in KINDS:
            raise UserError(f"{wrong}of is {self.of!r:.80}; expected one of {', '.join(KINDS)}.")
        if not isinstance(self.scale, int | float) or not 0 < self.scale < math.inf:
            raise UserError(f"{wrong}scale is {self.scale!r:.80}; expected 100 for shares in percent, else 1.")

    @property
    def needs_threshold(self) -> bool:
        """Whether another rule of prediction would give another score for the same probabilities."""
        return self.of == "decisions"

    @property
    def brief(self) -> str:
        """Its title where several scores stand side by side."""
        return self.short or self.title

    @property
    def direction(self) -> str:
        """The direction in words."""
        return "higher is better" if self.higher_is_better else "lower is better"

    @property
    def unit(self) -> str:
        """The text behind the title where values are shown: "x 100", or nothing."""
        return "" if self.scale == 1 else f"x {self.scale:g}"

    @property
    def heading(self) -> str:
        """Title and unit, for axes and captions."""
        return f"{self.title} {self.unit}".strip()

    @property
    def named(self) -> str:
        """Title and unit, and the direction where it is not the usual one, for sentences."""
        return self.heading if self.higher_is_better else f"{self.heading}, {self.direction}"

    @property
    def better_end(self) -> float:
        """The bound that the best predictions reach; may be infinite."""
        return self.bounds[1] if self.higher_is_better else self.bounds[0]

    def oriented(self, values: Any) -> Any:
        """Values so turned that the larger is the better: a number or an array, of the same shape; NaN stays."""
        return values if self.higher_is_better else -values

    def key(self, value: float | None) -> float:
        """The sort key of one value, the larger the better; without a number (None, NaN) it is the worst of all."""
        return -math.inf if value is None or math.isnan(value) else float(self.oriented(value))

    def best(self, values: np.ndarray, axis: int = 0) -> np.ndarray:
        """The best of values along an axis."""
        return values.max(axis) if self.higher_is_better else values.min(axis)

    def worst(self, values: np.ndarray, axis: int = 0) -> np.ndarray:
        """The worst of values along an axis."""
        return values.min(axis) if self.higher_is_better else values.max(axis)

    @property
    def decimals(self) -> int:
        """How many digits people see behind the point: one of percent, else two, as an error of half a grade needs."""
        return 1 if self.scale >= 100 else 2

    def shown(self, value: float | None, finer: int = 0, sign: bool = False) -> str:
        """A value, or a difference of two, as people see it, or with `finer` more digits; a dash where there is
        none."""
        if value is None or math.isnan(value):
            return DASH
        # No "-0.0": what rounds to nothing has no sign of its own.
        return f"{self.scale * value:{'+' if sign else ''}z.{self.decimals + finer}f}"

    def outside(self, value: float) -> bool:
        """Whether a number lies outside the bounds; NaN does not."""
        return value < self.bounds[0] or value > self.bounds[1]

    def plain(self) -> dict[str, Any]:
        """The facts for the page and programs; a bound that is infinite is None."""
        low, high = (bound if math.isfinite(bound) else None for bound in self.bounds)
        return {
            "title": self.title, "brief": self.brief, "heading": self.heading,
            "higher_is_better": self.higher_is_better,
            "direction": self.direction, "low": low, "high": high, "scale": self.scale, "decimals": self.decimals,
            "of": self.of,
        }  # fmt: skip


def _ordered(bounds: Any) -> bool:
    """Whether bounds are two numbers, the lower one first."""
    pair = isinstance(bounds, tuple) and len(bounds) == 2
    return pair and all(isinstance(bound, int | float) for bound in bounds) and bounds[0] < bounds[1]


def check_metrics(owner: str, primary: Any, metrics: Any, watched: str = "") -> None:
    """Refuse what does not say of every score which way is better, because that is not to be guessed; and a watched
    score that is none of them, or needs a threshold.

    Raises:
        UserError: says which score, and what to write instead.
    """
    if not isinstance(metrics, Mapping) or not metrics:
        raise UserError(f"{owner}: metrics is {metrics!r:.80}; expected a Metric by name, e.g. {{'rmse': {EXAMPLE}}}.")
    for name, metric in metrics.items():
        if not isinstance(metric, Metric):
            raise UserError(
                f"{owner}: metrics[{name!r}] is {metric!r:.80}, which does not say which way is better, nor its range; "
                f"expected a Metric of mora_bench.api, e.g. {EXAMPLE}."
            )
    if primary not in metrics:
        raise UserError(f"{owner}: primary is {primary!r:.80}; expected one of metrics: {', '.join(metrics)}.")
    if watched and (watched not in metrics or metrics[watched].needs_threshold):
        free = ", ".join(name for name, metric in metrics.items() if not metric.needs_threshold) or "there is none"
        raise UserError(f"{owner}: watched is {watched!r:.80}; expected a metric without a threshold: {free}.")


def check_agree(owner: str, primary: str, metrics: Mapping[str, Metric], agree: Any, beside: Any) -> None:
    """Refuse names of scores that must agree, or stand beside them, that are none, or stand there twice.

    Raises:
        UserError: says which, and what to write instead.
    """
    for what, names in (("agree", agree), ("beside", beside)):
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise UserError(f"{owner}: {what} is {names!r:.80}; expected names of metrics, e.g. ({primary!r},).")
        for name in names:
            if name not in metrics:
                raise UserError(f"{owner}: {what} names {name!r:.80}; expected some of metrics: {', '.join(metrics)}.")
    if not agree or agree[0] != primary:
        raise UserError(f"{owner}: agree is {agree!r:.80}; expected the primary score first, ({primary!r}, ...).")
    twice = [name for name in (*agree, *beside) if (*agree, *beside).count(name) > 1]
    if twice:
        raise UserError(f"{owner}: agree and beside name {twice[0]!r} twice; expected each score once.")

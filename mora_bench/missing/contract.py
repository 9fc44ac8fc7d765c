"""The contract of a mechanism of missingness: which units lose what, as a pure function of its arguments."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from mora_bench import registry, seeds

#: Inputs that a mechanism may ask for besides presence.
Reads = Literal["covariates", "patients", "targets", "contents", "brought"]
#: Stands in a `Context` for what a mechanism does not name in `reads`.
UNREAD: Any = None


@dataclass(frozen=True)
class Known:
    """Names that a mechanism's argument may use on a dataset: covariates with their values, labels, modalities; and
    whether exactly one of the labels is true of each sample."""

    covariates: dict[str, tuple]
    labels: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    exclusive: bool = False


@dataclass(frozen=True)
class Context:
    """The data of the n units of a split that may lose modalities: samples, or patients.

    Attributes:
        natural: bool [n, M], presence before anything is taken.
        tokens: uint64 [n], a number for each unit from its id.
        taken: the sets of modalities that the pattern takes, as columns of `natural`: each unit that loses anything
            loses one of these sets whole. One set for "image", M for "both" (each modality in turn).
        argument: the part of the mechanism's name behind the colon on the command line, or "".
        labels, modalities: the C and M names.
        covariates, patients, targets: [n] values per name, [n] names, [n, C].
        contents: float [n, M], a summary of each content in standard scores, 0 where there is none.
        names: what else a unit's draw depends on: mechanism and version, data, split, pattern, seed; never the rate, so
            that masks are nested.
        shared: `names` without split and pattern: what the draw of a group depends on, which is one on all sides.
        brought: bool [n, M], what the mask keeps that the argument names.

    Raises:
        AttributeError: covariates, patients, targets, contents or brought is asked for, and `Mechanism.reads` does not
            name it.
    """

    natural: np.ndarray
    tokens: np.ndarray
    taken: tuple[tuple[int, ...], ...]
    argument: str
    labels: tuple[str, ...]
    modalities: tuple[str, ...]
    names: tuple[object, ...]
    shared: tuple[object, ...]
    # Not printed, because to ask for what is not read is an error.
    covariates: dict[str, tuple] = field(default=UNREAD, repr=False)
    patients: tuple[str, ...] = field(default=UNREAD, repr=False)
    targets: np.ndarray = field(default=UNREAD, repr=False)
    contents: np.ndarray = field(default=UNREAD, repr=False)
    brought: np.ndarray = field(default=UNREAD, repr=False)

    # Hidden from mypy, for which every name would else be an attribute.
    if not TYPE_CHECKING:

        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if value is UNREAD:
                raise AttributeError(
                    f"the mechanism uses context.{name}, and its `reads` does not name it. "
                    f'Write reads = ("{name}",), beside what else it reads.'
                )
            return value

    def __len__(self) -> int:
        return len(self.natural)

    def uniform(self, *more: object) -> np.ndarray:
        """A uniform number in [0, 1) for each unit, float [n], from the unit's id, `names` and `more` alone: it stays
        what it is when other units come and go."""
        return seeds.uniforms(self.tokens, *self.names, *more)

    def uniform_of(self, values: Sequence[str], *more: object) -> np.ndarray:
        """A uniform number for each of k values, such as the names of groups, float [k], from the value, `shared` and
        `more`: a group has the same number in training, validation and test, and under every pattern."""
        return seeds.uniforms(seeds.tokens(values), *self.shared, *more)

    def sets(self, weights: Sequence[float] | None = None) -> np.ndarray:
        """The number of the set of `taken` that each unit loses if it loses anything, int [n]: drawn by the unit's own
        number, all sets alike or by their weights."""
        bounds = np.cumsum(np.ones(len(self.taken)) if weights is None else weights)
        return np.searchsorted(bounds[:-1] / bounds[-1], self.uniform("set"), side="right")

    def without(self, lost: np.ndarray, which: np.ndarray) -> np.ndarray:
        """The mask, bool [n, M], if units `lost` (int [k]) lose the sets of `taken` numbered `which` (int [k])."""
        kept = np.ones_like(self.natural)
        for number, columns in enumerate(self.taken):
            kept[np.ix_(lost[which == number], columns)] = False
        return kept


class Mechanism(ABC):
    """Subclass it directly; it holds no state. Masks are nested: what is lost at a rate is lost at every higher one. A
    mechanism that has one rate alone says so (`rated`).

    Masks stay put: whatever is drawn comes from `Context.uniform`, so that a unit that comes or goes changes nothing
    for the others beyond what the mechanism reads of it.
    """

    group: ClassVar[str] = registry.MECHANISMS
    title: ClassVar[str]
    source: ClassVar[str]
    #: Change it when the same arguments would give another mask.
    version: ClassVar[int] = 1
    #: The fields of `Context` that it reads besides presence; to use the others is an error. Their digest enters a
    #: cell's key.
    reads: ClassVar[tuple[Reads, ...]] = ()
    #: A description of its argument, for messages; "" if it takes none.
    takes: ClassVar[str] = ""
    #: Whether it uses `strength`.
    graded: ClassVar[bool] = True
    #: The least and the greatest strength between which any two draw different masks. Others are refused, because
    #: equal masks would be trained on under different keys.
    strengths: ClassVar[tuple[float, float]] = (0.0, math.inf)
    #: Whether it takes something at the rate that it is asked for. If not, it has the rate that `rate_of` says, ignores
    #: the other, and neither is asked to be nested nor has curves over rates.
    rated: ClassVar[bool] = True

    @abstractmethod
    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        """The mask: bool [n, M], True where a modality is kept.

        Args:
            rate: share of units that are to lose something, 0..1.
            strength: how much it departs from chance; 0 is completely at random.
        """

    def draws(self, context: Context, rates: Sequence[float], strength: float) -> list[np.ndarray]:
        """The mask of `draw` at each rate. Override it where much of the work is the same for all."""
        return [self.draw(context, rate, strength) for rate in rates]

    def chance(self, context: Context, rate: float, strength: float) -> np.ndarray | None:
        """The probability that each unit loses something, float [n], given the set it may lose; None if that is not
        known. Scores and training can be weighted by its inverse."""
        return None

    def unknown_strength(self, strength: float) -> str | None:
        """The fault of a strength, in words; None if it has none."""
        low, high = self.strengths
        if not self.graded or low <= strength <= high:
            return None
        return f"strength {strength:g} is not one that it knows; expected {low:g} to {high:g}"

    def problem(self, argument: str, known: Known) -> str | None:
        """The fault of an argument on a dataset of which this is known; None if it has none."""
        return f"it takes no argument, and was given {argument!r}" if argument and not self.takes else None

    def settled(self, argument: str, known: Known) -> str:
        """The text for an argument in a cell, where that is not the argument: a file's digest rather than its path.
        Asked only where there is no `problem`."""
        return argument

    def rate_of(self, argument: str, taken: Sequence[Sequence[int]], side: str) -> float:
        """The rate of one that is not `rated`: the share of units that lose something on a side ("train", "val",
        "test"), by an argument that is settled and the sets of modalities that a pattern takes."""
        raise NotImplementedError(f"{type(self).__name__} is asked for its own rate, and does not say it")


def standard(values: np.ndarray) -> np.ndarray:
    """Columns as standard scores; 0 where they are NaN or do not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.isfinite(values)
        count = np.maximum(known.sum(0), 1)
        mean = np.where(known, values, 0).sum(0) / count
        spread = np.sqrt(np.where(known, (values - mean) ** 2, 0).sum(0) / count)
        return np.where(known & (spread > 0), (values - mean) / spread, 0.0)


def numbers(values: tuple) -> np.ndarray | None:
    """A covariate as standard scores, float [n], absent ones 0; None if it is not numbers."""
    try:
        read = np.array([float(v) if str(v).strip() else np.nan for v in values])
    except ValueError:
        return None
    known = read[np.isfinite(read)]
    spread = known.std() if len(known) else 0.0
    return np.where(np.isfinite(read), (read - known.mean()) / spread, 0.0) if spread else np.zeros(len(read))


def intercepts(slopes: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """a [R] such that the mean of sigmoid(a + slopes) is each of the rates, 0 < rate < 1, by Newton's method within
    brackets; each is the same whichever others are asked for."""
    rates = np.asarray(rates, float)
    bound = 50.0 + np.abs(slopes).max(initial=0)
    low, high, a = np.full(len(rates), -bound), np.full(len(rates), bound), np.log(rates / (1 - rates))
    open_ = np.ones(len(rates), bool)
    for _ in range(100):
        p = sigmoid(a[open_, None] + slopes)
        off, slope = p.mean(1) - rates[open_], (p * (1 - p)).mean(1)
        low[open_] = np.where(off < 0, a[open_], low[open_])
        high[open_] = np.where(off < 0, high[open_], a[open_])
        with np.errstate(divide="ignore", invalid="ignore"):
            new = a[open_] - off / slope
        inside = (new > low[open_]) & (new < high[open_])
        new = np.where(inside, new, (low[open_] + high[open_]) / 2)
        done = np.abs(new - a[open_]) < 1e-13 * np.maximum(np.abs(new), 1)
        a[open_] = new
        open_[open_] = ~done
        if not open_.any():
            break
    return a


def lowest(values: np.ndarray, shares: Sequence[float]) -> list[np.ndarray]:
    """For each share the places of the round(share * n) lowest of n values, int [k]; halves are rounded up."""
    order = np.argsort(values, kind="stable")
    return [order[: int(np.floor(share * len(values) + 0.5))] for share in shares]


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))

"""The base of mechanisms that decide by a logistic model whether a unit loses something."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from mora_bench.missing.contract import Context, Mechanism, intercepts, sigmoid


class Logistic(Mechanism):
    """P(a unit loses something) = sigmoid(a + its slope), the intercept a such that the mean probability is the rate.

    Each unit first draws the set of modalities that it may lose. Only then is it decided whether it does, so that a
    slope may depend on what that set hides, or shows (van Buuren 2018, section 3.2.4).
    """

    @abstractmethod
    def slopes(self, context: Context, strength: float, which: np.ndarray) -> np.ndarray:
        """float [n]; `which`, int [n], is the number of the set that each unit may lose."""

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return self.draws(context, [rate], strength)[0]

    def draws(self, context: Context, rates: Sequence[float], strength: float) -> list[np.ndarray]:
        which, luck, chances = self._drawn(context, rates, strength)
        lost = [np.flatnonzero(luck < chance) for chance in chances]
        return [context.without(units, which[units]) for units in lost]

    def chance(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return self._drawn(context, [rate], strength)[2][0]

    def _drawn(
        self, context: Context, rates: Sequence[float], strength: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The set and the luck of each unit, [n] each, and its probability at each rate, [R, n]."""
        which, luck = context.sets(), context.uniform()
        slopes = self.slopes(context, strength, which)
        wanted = np.asarray(rates, float)
        chances = np.repeat(wanted[:, None], len(slopes), 1)
        between = (wanted > 0) & (wanted < 1)
        chances[between] = sigmoid(intercepts(slopes, wanted[between])[:, None] + slopes)
        return which, luck, chances

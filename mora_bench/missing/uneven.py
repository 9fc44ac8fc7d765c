"""Missing completely at random, but one modality more often than another."""

import numpy as np

from mora_bench.missing.contract import Context, Known, Mechanism


class Uneven(Mechanism):
    """round(rate * n) of the units lose something, the sets of a pattern in given proportions.

    With uneven:text=3,image=1 the pattern "both" takes the text of three units for every unit whose image it takes. A
    set of several modalities has the mean of their weights. At every rate the counts are within one of the proportions.
    """

    title = "completely at random, modalities unevenly (MCAR)"
    source = "imbalanced missing rates, arXiv 2603.09874"
    graded = False
    takes = "weights of modalities, e.g. uneven:text=3,image=1; those not named weigh 1"

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        order = context.rng("uneven", self.version, context.argument).permutation(len(context))
        lost = order[: int(np.floor(rate * len(context) + 0.5))]
        given = parsed(context.argument)
        weights = [np.mean([given.get(context.modalities[m], 1.0) for m in own]) for own in context.taken]
        return context.without(lost, in_turn(np.array(weights), len(lost)))

    def chance(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return np.full(len(context), rate)

    def problem(self, argument: str, known: Known) -> str | None:
        try:
            weights = parsed(argument)
        except ValueError:
            return f"it takes {self.takes}; {argument!r} is not of that form"
        unknown = sorted(set(weights) - set(known.modalities))
        if unknown:
            return f"it takes {self.takes}; this dataset has {', '.join(known.modalities)}, and not {unknown[0]}"
        return None


def parsed(argument: str) -> dict[str, float]:
    """Weights by modality.

    Raises:
        ValueError: not NAME=WEIGHT,NAME=WEIGHT, or a weight that is no finite number above 0.
    """
    found = {}
    for part in filter(None, argument.split(",")):
        name, equals, weight = part.partition("=")
        if not equals or name in found or not 0 < float(weight) < np.inf:
            raise ValueError(part)
        found[name] = float(weight)
    return found


def in_turn(weights: np.ndarray, count: int) -> np.ndarray:
    """Numbers of sets, int [count], whose proportions follow the weights from the first one on: every next one goes to
    the set that is furthest behind its share."""
    shares, given = weights / weights.sum(), np.zeros(len(weights))
    found = np.empty(count, int)
    for i in range(count):
        found[i] = np.argmax(shares * (i + 1) - given)
        given[found[i]] += 1
    return found

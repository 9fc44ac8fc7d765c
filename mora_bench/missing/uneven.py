"""Missing completely at random, but one modality more often than another."""

import numpy as np

from mora_bench.missing.contract import Context, Known, Mechanism, lowest


class Uneven(Mechanism):
    """round(rate * n) of the units lose something, the sets of a pattern in given proportions.

    With uneven:text=3,image=1 the pattern "both" takes the text of about three units for every unit whose image it
    takes: each unit draws its set with these odds. A set of several modalities has the mean of their weights.
    """

    title = "completely at random, modalities unevenly (MCAR)"
    source = "imbalanced missing rates, arXiv 2603.09874"
    graded = False
    takes = "weights of modalities, e.g. uneven:text=3,image=1; those not named weigh 1"

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        named = parsed(context.argument)
        weights = [
            float(np.mean([named.get(context.modalities[m], 1.0) for m in columns])) for columns in context.taken
        ]
        (lost,) = lowest(context.uniform(), [rate])
        return context.without(lost, context.sets(weights)[lost])

    def chance(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return np.full(len(context), rate)

    def problem(self, argument: str, known: Known) -> str | None:
        try:
            weights = parsed(argument)
        except ValueError:
            return f"it takes {self.takes}; {argument!r} is not of that form (each once, weights above 0)"
        unknown = sorted(set(weights) - set(known.modalities))
        if unknown:
            return f"it takes {self.takes}; this dataset has {', '.join(known.modalities)}, and not {unknown[0]}"
        return None


def parsed(argument: str) -> dict[str, float]:
    """Weights by modality.

    Raises:
        ValueError: not NAME=WEIGHT,NAME=WEIGHT, or a weight that is no finite number above 0.
    """
    weights = {}
    for part in filter(None, argument.split(",")):
        name, equals, weight = part.partition("=")
        if not equals or name in weights or not 0 < float(weight) < np.inf:
            raise ValueError(part)
        weights[name] = float(weight)
    return weights

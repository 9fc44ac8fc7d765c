"""Missing completely at random, the protocol of missing-aware prompts (arXiv 2303.03369) and of MoRA."""

from collections.abc import Sequence

import numpy as np

from mora_bench.missing.contract import Context, Mechanism


class Uniform(Mechanism):
    """round(rate * n) of the units lose something (halves are rounded up); several sets are taken in turn.

    So "both" at rate e takes the text of a share e/2 of the samples and the image of another e/2.
    """

    title = "completely at random (MCAR)"
    source = "arXiv 2303.03369"
    graded = False

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return self.draws(context, [rate], strength)[0]

    def draws(self, context: Context, rates: Sequence[float], strength: float) -> list[np.ndarray]:
        order = context.rng(self.version).permutation(len(context))
        lost = [order[: int(np.floor(rate * len(context) + 0.5))] for rate in rates]
        return [context.without(own, np.arange(len(own)) % len(context.taken)) for own in lost]

    def chance(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return np.full(len(context), rate)

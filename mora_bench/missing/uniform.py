"""Missing completely at random, the protocol of missing-aware prompts (arXiv 2303.03369) and of MoRA."""

from collections.abc import Sequence

import numpy as np

from mora_bench.missing.contract import Context, Mechanism, lowest


class Uniform(Mechanism):
    """round(rate * n) of the units lose something (halves are rounded up), those with the lowest numbers. Of several
    sets each unit draws the one that it loses.

    So "both" at rate e takes the text of about a share e/2 of the samples and the image of about another e/2.
    """

    title = "completely at random (MCAR)"
    source = "arXiv 2303.03369"
    graded = False

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return self.draws(context, [rate], strength)[0]

    def draws(self, context: Context, rates: Sequence[float], strength: float) -> list[np.ndarray]:
        which = context.sets()
        return [context.without(lost, which[lost]) for lost in lowest(context.uniform(), rates)]

    def chance(self, context: Context, rate: float, strength: float) -> np.ndarray:
        return np.full(len(context), rate)

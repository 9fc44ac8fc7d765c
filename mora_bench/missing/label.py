"""Missing not at random, by what is to be predicted (MNAR): a logistic model of a label."""

import numpy as np

from mora_bench.errors import UserError
from mora_bench.missing.contract import Context, Known
from mora_bench.missing.logistic import Logistic

#: With fewer units than this it may be chance that none has more labels than half of them.
MANY = 100


class Label(Logistic):
    """P(a unit loses something) = sigmoid(a + strength * y), y = 1 where the unit has the label, else 0.

    So the odds of losing something are e^strength times higher with the label than without it, and what is missing
    tells of the label by itself. Without an argument y says whether a unit has more labels than half of the units have
    at most: several diseases, where most have one.
    """

    title = "not at random, by a label (MNAR)"
    source = "informative absence, e.g. arXiv 2505.16953"
    reads = ("targets",)
    takes = "the name of a label, e.g. label:D, or nothing for the number of labels"

    def slopes(self, context: Context, strength: float, which: np.ndarray) -> np.ndarray:
        if context.argument:
            return strength * (context.targets[:, context.labels.index(context.argument)] > 0)
        count = context.targets.sum(1, dtype=int)
        more = count > np.median(count)
        if strength and not more.any() and len(context) >= MANY:
            raise UserError(
                "mechanism label: no sample has more labels than the median, so the mask would be completely random; "
                f"name a label, e.g. label:{context.labels[0]}."
            )
        return strength * more

    def problem(self, argument: str, known: Known) -> str | None:
        if argument and argument not in known.labels:
            return f"it takes {self.takes}; this dataset has {', '.join(known.labels)}"
        if not argument and known.exclusive:
            first = known.labels[0] if known.labels else "LABEL"
            return f"each sample has one label, so their number tells nothing; name one, e.g. label:{first}"
        return None

"""Missing at random given one covariate that is always observed (MAR): a logistic model."""

import numpy as np

from mora_bench import seeds
from mora_bench.missing.contract import Context, Known, numbers
from mora_bench.missing.logistic import Logistic
from mora_bench.text import listed

#: A covariate is meant to hold numbers if more than this share of its cells are numbers.
MOSTLY = 0.5
#: How many odd cells a message names.
NAMED = 5


class Covariate(Logistic):
    """P(a unit loses something) = sigmoid(a + strength * z), z the covariate in standard deviations.

    The intercept a is such that the mean probability is the rate. With several sets, each unit first
    draws its set; whether it loses the set depends on the covariate alone, so that the mechanism is MAR for every set
    (van Buuren 2018, section 3.2.4). A covariate that is not numeric has one effect per value, drawn from N(0, 1) once
    for training, validation and test, so that it is one mechanism on all sides.
    """

    title = "at random, by a covariate (MAR)"
    source = "van Buuren 2018, Flexible Imputation of Missing Data, section 3.2.4"
    version = 2
    reads = ("covariates",)
    takes = "the name of a covariate, e.g. covariate:age"

    def slopes(self, context: Context, strength: float, which: np.ndarray) -> np.ndarray:
        values = context.covariates[context.argument]
        z = numbers(values)
        if z is None:
            effects = {v: seeds.rng(*context.shared, "effect", v).standard_normal() for v in sorted(set(values))}
            z = np.array([effects[v] for v in values])
        return strength * z

    def problem(self, argument: str, known: Known) -> str | None:
        if argument not in known.covariates:
            return f"it takes {self.takes}; this dataset has {', '.join(known.covariates) or 'no covariate'}"
        filled = [text for text in (str(value).strip() for value in known.covariates[argument]) if text]
        odd = [] if numbers(tuple(filled)) is not None else [text for text in filled if numbers((text,)) is None]
        # One such cell would turn every number into a category with an effect of its own.
        if odd and len(filled) - len(odd) > MOSTLY * len(filled):
            some = listed([repr(text[:60]) for text in dict.fromkeys(odd)], NAMED)
            return (
                f"covariate {argument!r} holds numbers, but not in {len(odd)} of {len(filled)} cells: {some}. "
                "Correct them, or empty them; if all cells are names, begin each with a letter"
            )
        return None

"""Values that are lost one by one."""

import numpy as np

from mora_bench.missing.gaps.contract import GapMechanism, Uniform


class RandomGaps(GapMechanism):
    """Each value is lost with the probability of the rate, whatever else is."""

    title = "gaps: each value by itself, completely at random (MCAR)"
    source = "Rubin 1976; Little and Rubin 2019, section 1.3"

    def lost(self, values: np.ndarray, uniform: Uniform, rate: float) -> np.ndarray:
        return uniform("value", *values.shape) < rate

"""High values that are lost: by what is hidden itself (MNAR)."""

import numpy as np

from mora_bench.missing.contract import intercepts, sigmoid, standard
from mora_bench.missing.gaps.contract import GapMechanism, Uniform

#: How much likelier a value is lost that is one deviation higher, in log odds.
SLOPE = 2.0


class HighGaps(GapMechanism):
    """P(a value is lost) = sigmoid(a + 2 z), z its standard score among the sample's own values of that channel: the
    higher, the likelier. In each channel the mean probability is the rate."""

    title = "gaps: high values, by the value that is hidden (MNAR)"
    source = "Rubin 1976; Little and Rubin 2019, section 1.3"

    def lost(self, values: np.ndarray, uniform: Uniform, rate: float) -> np.ndarray:
        if not 0 < rate < 1:
            return np.full(values.shape, rate >= 1)
        numbers, scores = uniform("value", *values.shape), standard(values)
        lost = np.zeros(values.shape, bool)
        for channel, seen in enumerate(np.isfinite(values).T):
            slopes = SLOPE * scores[seen, channel]
            if len(slopes):
                at = intercepts(slopes, np.array([rate]))[0]
                lost[seen, channel] = numbers[seen, channel] < sigmoid(at + slopes)
        return lost

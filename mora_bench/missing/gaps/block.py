"""A stretch of time that is lost, as when a device is taken off."""

import numpy as np

from mora_bench.missing.gaps.contract import GapMechanism, Uniform


class BlockGap(GapMechanism):
    """One stretch of round(rate * T) steps is lost in all channels. It begins at any step at which it fits, alike."""

    title = "gaps: one stretch of time in all channels, completely at random (MCAR)"
    source = "Khayati et al. 2020, Mind the gap, PVLDB 13(5), missing blocks"

    def lost(self, values: np.ndarray, uniform: Uniform, rate: float) -> np.ndarray:
        steps = len(values)
        length = round(rate * steps)
        # The same number at every rate: a longer stretch begins no later and ends no earlier.
        begin = int(np.floor(uniform("begin", 1)[0] * (steps - length + 1)))
        at = np.arange(steps)
        return np.repeat(((at >= begin) & (at < begin + length))[:, None], values.shape[1], 1)

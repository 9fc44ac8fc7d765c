"""Late values that are lost, as when monitoring ends."""

import numpy as np

from mora_bench.missing.gaps.contract import GapMechanism, Uniform


class EndGap(GapMechanism):
    """The last round(rate * T) steps are lost in all channels: at a rate of 0.5 of two days, all from hour 24 on."""

    title = "gaps: all from a time on"
    source = "drop-out; Little and Rubin 2019, section 1.2"

    def lost(self, values: np.ndarray, uniform: Uniform, rate: float) -> np.ndarray:
        steps = len(values)
        late = np.arange(steps) >= steps - round(rate * steps)
        return np.repeat(late[:, None], values.shape[1], 1)

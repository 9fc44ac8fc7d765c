"""The contract of a mechanism of gaps: which values of a signal are lost, as a pure function of its arguments."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from mora_bench import registry

#: Uniform numbers in [0, 1) of a shape, by what they are for; the same for every rate, so that gaps are nested.
Uniform = Callable[..., np.ndarray]


class GapMechanism(ABC):
    """Subclass it directly; it holds no state. Gaps are nested: what is lost at a rate is lost at every higher one.

    Values that were never measured (NaN) are natural gaps. They stay, and are no part of the rate.
    """

    group: ClassVar[str] = registry.GAPS
    title: ClassVar[str]
    source: ClassVar[str]
    #: Change it when the same arguments would take other values.
    version: ClassVar[int] = 1

    @abstractmethod
    def lost(self, values: np.ndarray, uniform: Uniform, rate: float) -> np.ndarray:
        """Which values of one sample are lost, bool [T, C].

        Args:
            values: float [T, C], NaN in natural gaps.
            uniform: `uniform("name", T, C)` gives uniform numbers [T, C] that depend on the sample, the cell's seed and
                the name alone.
            rate: the share of measured values that is to be lost, 0..1.
        """

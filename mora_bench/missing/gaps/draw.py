"""Takes values of signals: a function of the sample's id, data, mechanism and seed, never of the method or the side."""

import numpy as np

from mora_bench import registry, seeds
from mora_bench.cells.missing import Gaps
from mora_bench.missing.gaps.contract import GapMechanism


def with_gaps(values: np.ndarray, gaps: Gaps, *names: object) -> np.ndarray:
    """A copy of float [T, C] with NaN where a value is lost. The first measured value stays where all would be lost:
    a signal without a value is no signal, and `--missing` takes these.

    Args:
        names: what the draw depends on: data, modality, seed, the sample's id.
    """
    mechanism: GapMechanism = registry.get(registry.GAPS, gaps.mechanism)()

    def uniform(name: str, *shape: int) -> np.ndarray:
        return seeds.rng("gaps", gaps.mechanism, gaps.version, *names, name).random(shape)

    lost = np.asarray(mechanism.lost(values, uniform, gaps.rate))
    if lost.shape != values.shape or lost.dtype != bool:
        raise ValueError(f"gaps {gaps.mechanism} drew {lost.dtype} {lost.shape}, not bool {values.shape}")
    seen = np.isfinite(values)
    if (seen & ~lost).any() or not seen.any():
        return np.where(lost, np.nan, values)
    first = np.unravel_index(np.flatnonzero(seen)[0], values.shape)
    remaining = np.full_like(values, np.nan)
    remaining[first] = values[first]
    return remaining

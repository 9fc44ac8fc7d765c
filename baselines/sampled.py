"""Plain features of sampled series."""

from __future__ import annotations

from typing import Any

import numpy as np

from mora_bench.data.remembered import Remembered

#: Bands of frequency, each twice as wide as the one below it; statistics of a channel.
BANDS, STATISTICS = 6, 7


def described(signal: Any) -> np.ndarray:
    """Features of one signal, float [C * (STATISTICS + BANDS)], NaN where nothing was measured.

    For each channel the share of steps at which it was measured; mean, deviation, least, greatest, first and last
    measured value; and the share of its variance in each band of frequency, gaps at the mean.
    """
    return np.concatenate([_channel(channel.astype(np.float64)) for channel in signal.read().values.T])


#: `described`, remembered. Change the version when it gives other numbers.
SIGNALS = Remembered(described, "plain signals", 1, np.__version__)


def _channel(values: np.ndarray) -> np.ndarray:
    """Features of one channel, float [T]."""
    seen = np.isfinite(values)
    known = values[seen]
    if not len(known):
        return np.concatenate([[0.0], np.full(STATISTICS - 1 + BANDS, np.nan)])
    statistics = [seen.mean(), known.mean(), known.std(), known.min(), known.max(), known[0], known[-1]]
    return np.concatenate([statistics, _bands(np.where(seen, values, known.mean()) - known.mean())])


def _bands(values: np.ndarray) -> np.ndarray:
    """The share of variance in each band, the lowest first: up to 1/64 of the rate, 1/32, ..., 1/2."""
    power = np.abs(np.fft.rfft(values)[1:]) ** 2
    frequency = np.fft.rfftfreq(len(values))[1:]
    edges = 0.5 ** np.arange(BANDS, 1, -1)
    variances = np.bincount(np.searchsorted(edges, frequency, side="left"), power, BANDS)
    return variances / max(variances.sum(), np.finfo(float).tiny)

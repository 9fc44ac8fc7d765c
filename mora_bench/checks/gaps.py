"""The rules that every mechanism of gaps keeps."""

from collections.abc import Iterator

import numpy as np

from mora_bench import seeds
from mora_bench.checks.rules import described, expect, tried
from mora_bench.missing.gaps.contract import GapMechanism

STEPS, CHANNELS, SAMPLES = 200, 3, 40
RATES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


def values(sample: int) -> np.ndarray:
    """A signal of which a fifth was never measured."""
    rng = seeds.rng("checked gaps", sample)
    signal = rng.normal(size=(STEPS, CHANNELS))
    signal[rng.random(signal.shape) < 0.2] = np.nan
    return signal


def lost(mechanism: GapMechanism, rate: float, sample: int = 0, seed: int = 0) -> np.ndarray:
    def uniform(name: str, *shape: int) -> np.ndarray:
        return seeds.rng("checked gaps", sample, seed, name).random(shape)

    return np.asarray(mechanism.lost(values(sample), uniform, rate))


def named(mechanism: GapMechanism) -> None:
    """It has a title and a source, as text."""
    described(type(mechanism), ("title", "source"))


def shape(mechanism: GapMechanism) -> None:
    """It gives bool [T, C], the same of the same arguments, and leaves the values alone."""
    signal = values(0)
    before = signal.copy()
    mask = mechanism.lost(signal, lambda name, *size: seeds.rng("checked gaps", 0, 0, name).random(size), 0.5)
    expect(isinstance(mask, np.ndarray) and mask.dtype == bool, f"it gave {type(mask).__name__}, not a bool array")
    expect(mask.shape == signal.shape, f"it gave {list(mask.shape)}; expected {list(signal.shape)}")
    expect(np.array_equal(signal, before, equal_nan=True), "it changed the values that it was handed")
    expect(np.array_equal(mask, lost(mechanism, 0.5)), "two draws from the same arguments differ")


def nested(mechanism: GapMechanism) -> None:
    """What is lost at a rate is lost at every higher one; nothing at 0, everything that was measured at 1."""
    for sample in range(5):
        seen = np.isfinite(values(sample))
        masks = [lost(mechanism, rate, sample) & seen for rate in RATES]
        for low, high, lower, higher in zip(masks, masks[1:], RATES, RATES[1:], strict=False):
            expect(bool((~low | high).all()), f"something is lost at rate {lower} and kept at {higher}")
        expect(not masks[0].any(), "something is lost at rate 0")
        expect(np.array_equal(masks[-1], seen), "something is kept at rate 1")


def realised(mechanism: GapMechanism) -> None:
    """Over 40 signals the share of measured values that is lost is the rate, within 0.05."""
    for rate in RATES[1:-1]:
        counts = [(lost(mechanism, rate, sample)[np.isfinite(values(sample))]).mean() for sample in range(SAMPLES)]
        share = float(np.mean(counts))
        expect(abs(share - rate) <= 0.05, f"at rate {rate}, {share:.3f} of the measured values are lost")


def alone(mechanism: GapMechanism) -> None:
    """One step, and a channel in which nothing was measured, are no error."""
    for signal in (np.zeros((1, 1)), np.full((5, 2), np.nan), np.zeros((5, 2))):
        mask = mechanism.lost(signal, lambda name, *size: seeds.rng("checked gaps", name).random(size), 0.5)
        expect(np.asarray(mask).shape == signal.shape, f"of {list(signal.shape)} it gave {list(np.shape(mask))}")


def check(mechanism: type[GapMechanism]) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    return tried((named, shape, nested, realised, alone), mechanism(), needed=shape)

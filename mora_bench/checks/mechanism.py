"""The rules that every mechanism of missingness keeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mora_bench import seeds
from mora_bench.checks.rules import described, expect, tried
from mora_bench.missing.contract import UNREAD, Context, Known, Mechanism, Reads

N = 400
LABELS, MODALITIES = ("A", "B", "C"), ("text", "image")
RATES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


def context(mechanism: Mechanism, seed: int = 0, sets: tuple[tuple[int, ...], ...] = ((0,), (1,))) -> Context:
    """400 units of two modalities, with whatever a mechanism may ask for."""
    rng = np.random.default_rng(1)
    covariates = {"age": tuple(rng.normal(60, 9, N).round(1)), "site": tuple(rng.choice(list("abcdefgh"), N).tolist())}
    reads = mechanism.reads
    return Context(
        natural=np.ones((N, 2), bool),
        tokens=seeds.tokens(f"unit {i}" for i in range(N)),
        taken=sets,
        argument=_argument(mechanism),
        labels=LABELS,
        modalities=MODALITIES,
        names=("data", "train", "both", seed),
        shared=("data", seed),
        covariates=covariates if "covariates" in reads else UNREAD,
        patients=tuple(f"p{i // 2}" for i in range(N)) if "patients" in reads else UNREAD,
        targets=rng.integers(0, 2, (N, 3), np.uint8) if "targets" in reads else UNREAD,
        contents=rng.normal(size=(N, 2)) if "contents" in reads else UNREAD,
        brought=rng.random((N, 2)) < 0.6 if "brought" in reads else UNREAD,
    )


def _argument(mechanism: Mechanism) -> str:
    return "age" if mechanism.problem("", Known({"age": (), "site": ()}, LABELS, MODALITIES)) else ""


def named(mechanism: Mechanism) -> None:
    """It has a title and a source, as text."""
    described(type(mechanism), ("title", "source"))


def shape(mechanism: Mechanism) -> None:
    """It draws bool [units, modalities], and a unit loses one of the sets of its pattern whole, or nothing (or, with a
    rate of its own, some of what they name)."""
    for sets in (((0,), (1,)), ((1,),), ((0, 1),)):
        kept = mechanism.draw(context(mechanism, sets=sets), 0.5, 1.0)
        expect(isinstance(kept, np.ndarray) and kept.dtype == bool, f"it drew {type(kept).__name__}, not a bool array")
        expect(kept.shape == (N, 2), f"it drew {list(kept.shape)}; expected [{N}, 2]")
        lost = {tuple(np.flatnonzero(~row).tolist()) for row in kept} - {()}
        if not mechanism.rated:
            named = {m for columns in sets for m in columns}
            expect({m for row in lost for m in row} <= named, f"units lost what the pattern {sets} does not take")
            continue
        expect(lost <= set(sets), f"units lost {sorted(lost - set(sets))}, which the pattern {sets} does not take")


def pure(mechanism: Mechanism) -> None:
    """The same arguments give the same mask, another seed another."""
    first, again = (mechanism.draw(context(mechanism), 0.5, 1.0) for _ in range(2))
    expect(np.array_equal(first, again), "two draws from the same arguments differ")
    if mechanism.rated:
        other = mechanism.draw(context(mechanism, seed=1), 0.5, 1.0)
        expect(not np.array_equal(first, other), "every seed draws alike")


def nested(mechanism: Mechanism) -> None:
    """What is lost at a rate is lost at every higher one; nothing at 0, something of everyone at 1 (not asked where
    the rate is its own)."""
    if not mechanism.rated:
        return
    masks = [mechanism.draw(context(mechanism), rate, 1.0) for rate in RATES]
    for low, high, lower, higher in zip(masks, masks[1:], RATES, RATES[1:], strict=False):
        expect(bool((low | ~high).all()), f"something is lost at rate {lower} and kept at {higher}")
    expect(bool(masks[0].all()), "something is lost at rate 0")
    expect(not masks[-1].all(1).any(), "somebody loses nothing at rate 1")


def realised(mechanism: Mechanism) -> None:
    """The share of units that lose something is the rate, within three binomial deviations, at any strength (not asked
    of a rate of its own)."""
    if not mechanism.rated:
        return
    for rate in RATES[1:-1]:
        for strength in (0.0, 0.5, 1.0):
            draws = [mechanism.draw(context(mechanism, seed), rate, strength) for seed in range(8)]
            share = float(np.mean([(~kept.all(1)).mean() for kept in draws]))
            # Groups of an eighth of the units may fall to either side of the rate.
            bound = 3 * np.sqrt(rate * (1 - rate) / (N * len(draws))) + 1 / N
            expect(abs(share - rate) <= bound, f"at rate {rate}, strength {strength}, {share:.3f} lose something")


def put(mechanism: Mechanism) -> None:
    """A unit that goes changes nothing for the others, but for one at the boundary of an exact total or, on average,
    two whose probability it shifts."""
    full = context(mechanism)
    flips = []
    for gone in range(0, N, 8):
        rest = np.delete(np.arange(N), gone)
        before, after = (mechanism.draw(units, 0.5, 1.0) for units in (full, _only(full, rest, mechanism.reads)))
        flips.append(int((before[rest] != after).any(1).sum()))
    flipped, allowed = (float(np.mean(flips)), 2) if mechanism.reads else (max(flips), 1)
    expect(
        flipped <= allowed,
        f"without one of {N} units {flipped:g} others lose something else. Draw from context.uniform() alone, which is "
        "a number of each unit's own",
    )


def _only(full: Context, rows: np.ndarray, reads: tuple[Reads, ...]) -> Context:
    def chosen(values: Any) -> Any:
        if isinstance(values, dict):
            return {name: chosen(column) for name, column in values.items()}
        return values[rows] if isinstance(values, np.ndarray) else tuple(values[row] for row in rows)

    # Not by `replace`, which asks for what is not read, too.
    return Context(**vars(full) | {name: chosen(getattr(full, name)) for name in ("natural", "tokens", *reads)})


def graded(mechanism: Mechanism) -> None:
    """Another strength draws another mask, up to the greatest that `strengths` names."""
    low, high = mechanism.strengths
    expect(low <= 1 <= high, f"strengths is {mechanism.strengths}; it must hold 1, which is what runs if none is given")
    strengths = [strength for strength in (0.0, 0.5, 1.0, 2.0, 4.0) if low <= strength <= high]
    masks = [mechanism.draw(context(mechanism), 0.5, strength) for strength in strengths]
    for weak, strong, weaker, stronger in zip(masks, masks[1:], strengths, strengths[1:], strict=False):
        same = np.array_equal(weak, strong)
        if mechanism.graded:
            expect(
                not same,
                f"strengths {weaker:g} and {stronger:g} draw the same mask; say in `strengths` how far it goes",
            )
        else:
            expect(same, f"strengths {weaker:g} and {stronger:g} draw other masks, and graded is False")


@dataclass(frozen=True)
class Draws:
    """A mechanism and a seed of masks."""

    mechanism: Mechanism
    seed: int

    def answers(self) -> np.ndarray:
        """What is kept at each rate, 0 or 1 [R, N, M]."""
        units = context(self.mechanism, self.seed)
        return np.array([self.mechanism.draw(units, rate, 1.0) for rate in RATES], float)


def example(kind: type[Mechanism], others: bool = False) -> Draws:
    """A mechanism's masks of the units that rules are tried on, or `others`."""
    return Draws(kind(), int(others))


RULES = (named, shape, pure, nested, realised, put, graded)


def check(mechanism: type[Mechanism]) -> Iterator[tuple[str, str | None]]:
    """Try every rule: its text, and what is wrong or None."""
    return tried(RULES, mechanism(), needed=shape)

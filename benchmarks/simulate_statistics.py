"""How often tables tell a difference that is not there, and how often one that is: simulated grids of known truth.

python benchmarks/simulate_statistics.py [--grids N] [--rows N ...] [--seeds N ...]

Prints the tables of docs/statistics.md; ends with 1 if a setting has more false differences, or less power, than that
page promises. Some minutes of one core; the noise of a seed that all rows share drops out of paired differences, and
is left out.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from scipy.stats import t
from tabulate import tabulate

from mora_bench.statistics.agree import agreed
from mora_bench.statistics.differences import corrected, detectable, paired_tests, resolution
from mora_bench.statistics.holm import adjusted
from mora_bench.statistics.power import LEVEL, POWER
from mora_bench.statistics.variances import _inverse_trigamma

ROWS, SEEDS, GRIDS = (2, 3, 6, 12, 20), (2, 3, 5, 10), 2000
#: The most false differences, and the least power beside that of the rule before, that the page promises.
MOST, LEAST = 0.065, 0.9
#: Grids that are drawn at once, so that the arrays stay small.
BATCH = 500
FAR = 100.0
#: How many scores must agree, how far their noise may move together, and of what kind it is.
KINDS, CORRELATIONS, OF_AGREEMENT = 3, (0.3, 0.6, 0.8, 0.95), ("normal", "heavy tails", "steps of 0.5")
#: What the name of deviations ends with that rows have by the first score alone; by the others they are alike.
ONCE = ", by one score"
OF_SPREAD = ("alike", "one tenfold", "half tenfold", f"one tenfold{ONCE}")
#: The true differences of three scores, in parts of the one that a single score tells in 80 % of grids.
OPPOSED = {
    "all three": (1, 1, 1), "one alone": (1, 0, 0), "third turned, 1/4": (1, 1, -0.25), "1/2": (1, 1, -0.5),
    "1": (1, 1, -1), "three times all, third turned, 1": (3, 3, -1),
}  # fmt: skip

Test = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def spread(kind: str, rows: int) -> np.ndarray:
    """The standard deviations of R rows, [R, 1]."""
    deviations = np.ones(rows)
    if kind == "one tenfold":
        deviations[0] = 10
    elif kind == "one fivefold":
        deviations[0] = 5
    elif kind == "one a tenth":
        deviations[0] = 0.1
    elif kind == "two tenfold":
        deviations[: min(2, rows // 2)] = 10
    elif kind == "half tenfold":
        deviations[: rows // 2] = 10
    elif kind == "one to ten":
        deviations = 10 ** np.linspace(0, 1, rows)
    elif kind == "loud to quiet":
        deviations = 10 ** np.linspace(1, 0, rows)
    return deviations[:, None]


SPREADS = ("alike", "one fivefold", "one tenfold", "one a tenth", "two tenfold", "half tenfold", "one to ten")

#: Of which the power of single pairs is shown.
UNLIKE = ("one tenfold", "half tenfold", "loud to quiet")


def noise(kind: str, shape: tuple[int, int, int], rng: np.random.Generator) -> np.ndarray:
    """Noise of standard deviation 1 (of families: more), [G, R, S]."""
    rows = shape[1]
    if kind == "heavy tails":
        return rng.standard_t(5, shape) / np.sqrt(5 / 3)
    if kind == "skewed":
        return (rng.gamma(4, size=shape) - 4) / 2
    values = rng.normal(size=shape)
    if kind == "half the same":
        values[:, : max(rows // 2, 2)] = values[:, :1]
    elif kind == "half nearly the same":
        values[:, 1 : max(rows // 2, 2)] = values[:, :1] + 0.02 * values[:, 1 : max(rows // 2, 2)]
    elif kind.startswith("two families"):
        family = rng.normal(size=(shape[0], 2, shape[2]))
        values = values + (3 if kind.endswith("0.9") else 1) * family[:, np.arange(rows) % 2]
    return values


#: How scores of few test samples come: in steps of this many standard deviations of a quiet row.
STEPS = {"steps of 0.5": 0.5, "steps of 2": 2.0}
NOISES = ("normal", "heavy tails", *STEPS, "half the same", "half nearly the same", "two families, r = 0.5", "half far")
#: What a t test does not promise to stand.
BEYOND = ("skewed", "two families, r = 0.9")


def drawn(kind: str, spreads: str, rows: int, seeds: int, grids: int) -> Iterator[np.ndarray]:
    """Grids in which no two rows differ in the mean, but for "half far", batch by batch: [G, R, S]."""
    rng = np.random.default_rng([rows, seeds, *f"{kind} {spreads}".encode()])
    for first in range(0, grids, BATCH):
        shape = (min(BATCH, grids - first), rows, seeds)
        scores = noise(kind, shape, rng) * spread(spreads, rows)
        if kind in STEPS:
            scores = np.round(scores / STEPS[kind]) * STEPS[kind]
        if kind == "half far":
            scores[:, 1::2] += FAR
        yield scores


def now(scores: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The corrected p-values of today's rule, [G, P]."""
    return corrected(paired_tests(scores, first, second).p[:, None], scores.shape[1])[:, 0]


def before(scores: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Those of the rule until 307f536: Smyth's (2004), half of its prior, whatever the rows look like."""
    apart = scores[:, first] - scores[:, second]
    freedom, rows = scores.shape[2] - 1, scores.shape[1]
    variance = apart.var(2, ddof=1)
    prior, center = np.zeros((len(scores), 1)), np.zeros((len(scores), 1))
    if len(first) > 1:
        logs = np.log(np.maximum(variance, 1e-30)) - digamma(freedom / 2) + np.log(freedom / 2)
        beyond = logs.var(1, ddof=1, keepdims=True) - polygamma(1, freedom / 2)
        full_prior = np.where(beyond > 0, 2 * _inverse_trigamma(np.maximum(beyond, 1e-9)), 1e9)
        center = np.exp(logs.mean(1, keepdims=True) + digamma(full_prior / 2) - np.log(full_prior / 2))
        prior = np.minimum(full_prior / 2, (rows - 2) * freedom)
    error = np.sqrt((prior * center + freedom * variance) / (prior + freedom) / scores.shape[2])
    ratio = np.divide(apart.mean(2), error, out=np.full(error.shape, np.inf), where=error > 0)
    return adjusted(np.where(apart.mean(2) == 0, 1.0, 2 * t.sf(np.abs(ratio), prior + freedom)))


def wrong(test: Test, kind: str, spreads: str, rows: int, seeds: int, grids: int) -> float:
    """The share of grids in which two rows of the same mean are told apart."""
    first, second = np.triu_indices(rows, 1)
    equal = (first - second) % 2 == 0 if kind == "half far" else np.ones(len(first), bool)
    told_apart = [
        (test(batch, first, second) < LEVEL)[:, equal].any(1) for batch in drawn(kind, spreads, rows, seeds, grids)
    ]
    return float(np.concatenate(told_apart).mean())


def seen(test: Test, batches: list[np.ndarray], difference: float, row: int = 0, pair: int = 0) -> float:
    """The share of grids in which the rows of a pair are told apart, `row` being better than all others."""
    first, second = np.triu_indices(batches[0].shape[1], 1)
    better = np.zeros((batches[0].shape[1], 1))
    better[row] = difference
    return float(np.concatenate([test(scores + better, first, second)[:, pair] < LEVEL for scores in batches]).mean())


def printed(batch: np.ndarray) -> np.ndarray:
    """The minimum detectable difference of each pair, [G, P]."""
    rows, seeds = batch.shape[1:]
    return detectable(paired_tests(batch, *np.triu_indices(rows, 1)), seeds, rows)


def powers(rows: int, seeds: int, grids: int) -> dict[str, float]:
    """Of rows that are alike: the power where the rule before had 0.8 and 0.5, and where the table says 0.8."""
    batches = list(drawn("normal", "alike", rows, seeds, grids))
    line: dict[str, float] = {"rows": rows, "seeds": seeds}
    for power in (POWER, 0.5):
        difference = brentq(lambda d, power=power: seen(before, batches, d) - power, 0, 100, xtol=0.01)
        line[f"beside {power}"] = seen(now, batches, difference) / seen(before, batches, difference)
    medians = np.concatenate([np.median(printed(scores), 1) for scores in batches])
    line["smallest"] = float(np.median(medians))
    line["at smallest"] = seen(now, batches, line["smallest"])
    return line


def single(spreads: str, rows: int, seeds: int, grids: int) -> dict[str, object]:
    """The range that a table prints where deviations differ, and the power of pairs at their own printed difference."""
    batches = list(drawn("normal", spreads, rows, seeds, grids))
    smallest = np.concatenate([printed(scores) for scores in batches])
    low, high = np.median([resolution(differences) for differences in smallest], axis=0)
    line: dict[str, object] = {"deviations": spreads, "rows": rows, "seeds": seeds, "low": low, "high": high}
    pairs = np.transpose(np.triu_indices(rows, 1)).tolist()
    for name, (i, j) in {"loud": (0, 1), "mixed": (0, rows - 1), "quiet": (rows - 2, rows - 1)}.items():
        number = pairs.index([i, j])
        difference = float(np.median(smallest[:, number]))
        line[f"{name} pair"] = difference
        line[f"its power at {name}"] = seen(now, batches, difference, i, number)
    return line


def false_differences(noises: tuple[str, ...], rows: list[int], seeds: list[int], grids: int) -> tuple[str, float, int]:
    """A table of the largest shares over the numbers of rows; the largest of all; how many settings there are."""
    body, most, settings = [], 0.0, 0
    for kind in noises:
        for spreads in SPREADS:
            shares = [[wrong(now, kind, spreads, r, s, grids) for r in rows] for s in seeds]
            most, settings = max(most, *map(max, shares)), settings + len(rows) * len(seeds)
            body.append([kind, spreads, *(f"{100 * max(by_rows):.1f}" for by_rows in shares)])
    headers = ["noise", "deviations", *(f"{s} seeds" for s in seeds)]
    return tabulate(body, headers, tablefmt="github", disable_numparse=True), most, settings


def correlated(kind: str, spreads: str, shape: tuple[int, int], grids: int, r: float) -> Iterator[np.ndarray]:
    """Grids of `KINDS` scores whose noise has a correlation of r, no two rows differing: [G, K, R, S]."""
    rows, seeds = shape
    rng = np.random.default_rng([rows, seeds, int(100 * r), *f"{kind} {spreads}".encode()])
    for first in range(0, grids, BATCH):
        size = min(BATCH, grids - first)
        shared, separate = noise(kind, (size, rows, seeds), rng), noise(kind, (size * KINDS, rows, seeds), rng)
        scores = r**0.5 * shared[:, None] + (1 - r) ** 0.5 * separate.reshape(size, KINDS, rows, seeds)
        scores = scores * spread(spreads.removesuffix(ONCE), rows)
        if spreads.endswith(ONCE):
            scores[:, 1:] /= spread(spreads.removesuffix(ONCE), rows)
        yield np.round(scores / STEPS[kind]) * STEPS[kind] if kind in STEPS else scores


def together(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By the rule of several scores: who leads in each pair, [G, P], and whether any score tells it, [G, P]."""
    first, second = np.triu_indices(scores.shape[-2], 1)
    tests = paired_tests(scores, first, second, several=True)
    holm = corrected(tests.p, scores.shape[-2])
    leads, depends = agreed(np.sign(tests.difference).astype(int), holm)
    return leads, (leads != 0) | depends


def false_leads(rows: list[int], seeds: list[int], grids: int) -> tuple[str, float, int]:
    """A table of the largest shares, over rows and deviations, of grids in which a lead is named where none is; the
    largest of all; how many settings there are."""
    body, most, settings = [], 0.0, 0
    for kind in OF_AGREEMENT:
        for r in CORRELATIONS:
            line = []
            for s in seeds:
                designs = [(d, (n, s)) for d in OF_SPREAD for n in rows]
                shares = [
                    _any(together(scores) for scores in correlated(kind, d, shape, grids, r)) for d, shape in designs
                ]
                line.append(np.max(shares, 0))
                most, settings = max(most, line[-1][0]), settings + len(designs)
            body.append([kind, f"{r:g}", *(f"{100 * lead:.1f} ({100 * depends:.1f})" for lead, depends in line)])
    headers = ["noise", "correlation", *(f"{s} seeds" for s in seeds)]
    return tabulate(body, headers, tablefmt="github", disable_numparse=True), most, settings


def _any(verdicts: Iterator[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The share of grids with a lead, and with a difference told by some score, [2]."""
    return np.concatenate([np.stack([(leads != 0).any(1), depends.any(1)], 1) for leads, depends in verdicts]).mean(0)


def opposed(rows: int, seeds: int, grids: int) -> list[dict[str, object]]:
    """How often the first of two rows is said to lead the second: its true differences are the one that one score alone
    tells in 80 % of grids, in all scores; in one score alone; or in two scores, and a part of it, turned, in the third.
    """
    lines = []
    plain = list(drawn("normal", "alike", rows, seeds, grids))
    least = brentq(lambda d: seen(now, plain, d) - POWER, 0, 100, xtol=0.01)
    for r in CORRELATIONS:
        batches = list(correlated("normal", "alike", (rows, seeds), grids, r))
        line: dict[str, object] = {"rows": rows, "seeds": seeds, "correlation": r, "one score": seen(now, plain, least)}
        for name, parts in OPPOSED.items():
            better = np.zeros((KINDS, rows, 1))
            better[:, 0, 0] = least * np.array(parts)
            line[name] = np.mean(np.concatenate([together(scores + better)[0][:, 0] > 0 for scores in batches]))
        lines.append(line)
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--grids", type=int, default=GRIDS, help="simulated grids a setting")
    parser.add_argument("--rows", type=int, nargs="+", default=[*ROWS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[*SEEDS])
    asked = parser.parse_args()
    text, most, settings = false_differences(NOISES, asked.rows, asked.seeds, asked.grids)
    print(f"False differences, % of {asked.grids} grids, the largest over {asked.rows} rows:\n\n{text}\n")
    print(f"The largest of {settings} settings: {100 * most:.1f} %.\n")
    text, _, _ = false_differences(BEYOND, asked.rows, asked.seeds, asked.grids)
    print(f"The same beyond what is promised:\n\n{text}\n")
    table = [powers(r, s, asked.grids) for s in asked.seeds if s > 2 for r in asked.rows]
    print(f"Power, rows alike:\n\n{tabulate(table, 'keys', tablefmt='github', floatfmt='.2f')}")
    text, leads, settings = false_leads(asked.rows, asked.seeds, asked.grids)
    print(f"\nA lead by {KINDS} scores (told by some score), % of grids, no difference:\n\n{text}\n")
    print(f"The largest share of leads in {settings} settings: {100 * leads:.1f} %.\n")
    both = [line for s in (3, 5, 10) for line in opposed(6, s, asked.grids)]
    print(f"Leads named, by true differences:\n\n{tabulate(both, 'keys', tablefmt='github', floatfmt='.2f')}")
    unlike = [single(kind, r, s, asked.grids) for kind in UNLIKE for s in (3, 5) for r in (6, 12)]
    print(f"\nPrinted, and single pairs, rows unlike:\n\n{tabulate(unlike, 'keys', tablefmt='github', floatfmt='.2f')}")
    return int(max(most, leads) > MOST or any(line["beside 0.8"] < LEAST for line in table))


if __name__ == "__main__":
    sys.exit(main())

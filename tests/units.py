"""Samples that mechanisms of missingness are tried on."""

from dataclasses import replace

import numpy as np

from mora_bench import seeds
from mora_bench.missing.masks import Units, mask

N = 4000


def units(n=N, modalities=("text", "image"), patients=None, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 10, n).round(2)
    summaries = np.random.default_rng([seed, 1]).normal(100, 15, (n, len(modalities)))
    return Units(
        natural=np.ones((n, len(modalities)), bool),
        modalities=modalities,
        tokens=seeds.tokens(map(str, range(n))),
        covariates={"age": tuple(map(str, age)), "site": tuple(rng.choice(list("abcdefghij"), n).tolist())},
        patients=tuple(f"p{i % patients}" for i in range(n)) if patients else tuple(map(str, range(n))),
        targets=rng.integers(0, 2, (n, 2), np.uint8),
        labels=("A", "B"),
        contents=lambda: summaries,
    )


def drawn(samples, missing, pattern="both", rate=0.5, seed=0, split="train"):
    return mask(samples, pattern, rate, missing, data="d", split=split, seed=seed)


def only(cohort, rows):
    """Some of the samples, with contents as they were."""
    contents = cohort.contents()[rows]
    return replace(
        cohort,
        natural=cohort.natural[rows],
        tokens=cohort.tokens[rows],
        covariates={name: tuple(values[i] for i in rows) for name, values in cohort.covariates.items()},
        patients=tuple(cohort.patients[i] for i in rows),
        targets=cohort.targets[rows],
        contents=lambda: contents,
    )

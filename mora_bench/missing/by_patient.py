"""What a mechanism reads of patients who lose a modality with all their samples: of each all samples, whatever their
order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mora_bench import seeds

if TYPE_CHECKING:
    from mora_bench.missing.masks import Units

#: Behind the version of a mechanism that draws by patient. Before, it read the first of a patient's rows alone.
VERSION = ".p2"


def of_patients(units: Units) -> tuple[Units, np.ndarray]:
    """The P patients of N samples, and the number of each sample's, int [N].

    A patient has a modality and a label that any of the samples has, the mean of their summaries of contents, and of a
    covariate the mean of their numbers or the most frequent text (of equals the first by name).
    """
    tokens, back = np.unique(seeds.tokens(units.patients), return_inverse=True)
    # Sums of the same numbers in another order may differ in the last digit.
    order = np.lexsort((units.tokens, back))
    members = np.split(order, np.cumsum(np.bincount(back, minlength=len(tokens)))[:-1]) if len(units) else []
    first = np.array([samples[0] for samples in members], int)
    contents, brought = units.contents, units.brought
    patients = replace(
        units,
        natural=_most(units.natural, members),
        tokens=tokens,
        covariates={
            name: tuple(_one([str(values[i]).strip() for i in samples]) for samples in members)
            for name, values in units.covariates.items()
        },
        patients=tuple(units.patients[i] for i in first) if units.patients else (),
        targets=_most(units.targets, members) if len(units.targets) else units.targets,
        contents=None if contents is None else lambda: _means(contents(), members),
        brought=None if brought is None else lambda *names: brought(*names)[first],
    )
    return patients, back


def _most(values: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """The largest of each patient's rows, column by column."""
    rows = [values[samples].max(0) for samples in members]
    return np.stack(rows) if rows else values[:0]


def _means(values: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of each patient's rows without NaN, NaN where there is nothing else."""
    known = np.isfinite(values)
    sums = [np.where(known[samples], values[samples], 0).sum(0) for samples in members]
    counts = np.array([known[samples].sum(0) for samples in members]).reshape(-1, values.shape[1])
    return np.where(counts > 0, np.reshape(sums, counts.shape) / np.maximum(counts, 1), np.nan)


def _one(texts: Sequence[str]) -> str:
    """The value of a covariate that stands for several, those that say nothing left out."""
    filled = sorted(text for text in texts if text)
    if len(set(filled)) <= 1:
        return filled[0] if filled else ""
    try:
        return f"{np.mean([float(text) for text in filled]):.15g}"
    except ValueError:
        counts = Counter(filled)
        return min(counts, key=lambda text: (-counts[text], text))

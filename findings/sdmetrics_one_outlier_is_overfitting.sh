#!/bin/sh
# What one would expect: DCROverfittingProtection of sdmetrics asks whether synthetic patients lie closer to the patients a
#   generator was trained on than to others. Synthetic patients that are drawn without a look at either set are
#   "equidistant from the real training data and validation data", and score near 1. Copies of the training set with a
#   little noise score near 0. A single odd patient changes neither by much, as it is no one's neighbour.
# What happens: with one laboratory value in the training set a hundred times the greatest of the others, synthetic
#   patients that saw neither set score 0.05, which says overfitted; with it ten times, 0.31. With the odd value in the
#   validation set instead, noisy copies of the training set, 0.10 without it, score 1.00, which says private. Each
#   distance is divided by the range of the set that it leads to, and the two distances are then compared as if
#   they had one unit: the wider set is the closer one. With the range of one set for both, by hand below, the odd value
#   changes nothing. Nothing is raised or printed.
# Versions: sdmetrics 0.32.0, scikit-learn 1.9.1, pandas 2.3.3, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: synthetic patients are how records are shared and how missing ones are made up, and this score is
#   given as proof that they leak nobody. Laboratory values have odd ones (a wrong unit, a 9999). One of them, in either
#   set, makes the score what it is.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet sdmetrics==0.32.0 scikit-learn==1.9.1 pandas==2.3.3 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    from sdmetrics.single_table import DCROverfittingProtection

META = {"tables": {"patients": {"columns": {"lab": {"sdtype": "numerical"}, "age": {"sdtype": "numerical"}}}}}
draw = np.random.default_rng(1)


def patients(number=400):
    return pd.DataFrame({"lab": draw.lognormal(0, 1, number), "age": draw.normal(60, 10, number)})


def odd(table, times):
    """The same patients; of the first, the laboratory value is so many times the greatest of all."""
    table = table.copy()
    table.loc[0, "lab"] = table["lab"].max() * times
    return table


def score(trained, made, others):
    return DCROverfittingProtection.compute(trained, made, others, META, "patients")


def by_hand(trained, made, others, unit):
    """The same score with one unit for both distances."""
    near = [(np.abs(made.to_numpy()[:, None] - real.to_numpy()[None]) / unit).clip(max=1).mean(axis=2).min(axis=1) for real in (trained, others)]
    return min(2 * (1 - (near[0] < near[1]).mean()), 1)


trained, others, unrelated = patients(), patients(), patients()
copies = trained + draw.normal(0, 1, trained.shape) * [0.01, 0.1]
unit = np.ptp(trained.to_numpy(), axis=0)
good = True
for name, made, place, wanted in (
    ("synthetic patients that saw neither set", unrelated, "training", {1: 1.0, 10: 0.31, 100: 0.05}),
    ("noisy copies of the training set", copies, "validation", {1: 0.1, 10: 0.62, 100: 1.0}),
):
    print(f"{name}; the greatest value of the {place} set times")
    for times in wanted:
        sets = (odd(trained, times), made, others) if place == "training" else (trained, made, odd(others, times))
        by_package, one_unit = score(*sets), by_hand(*sets, unit)
        print(f"  {times}: {by_package:.2f} by sdmetrics, {one_unit:.2f} with one unit")
        good &= abs(by_package - wanted[times]) < 0.03
        good &= one_unit > 0.85 if made is unrelated else one_unit < 0.3
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

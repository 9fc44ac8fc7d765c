#!/bin/sh
# What one would expect: smoothed_edf of aif360.sklearn.metrics compares the rates of groups after smoothing, (P + a) / (N + a *
#   classes) as its documentation has it, so that a group of whom nobody is chosen does not make it infinite. Of 20
#   patients of whom four are chosen and 20 of whom nobody is, the greater rate is nine times the smaller: log 9 = 2.20;
#   and as many if it is the other answer that nobody has. generalized_entropy_index with alpha=0 is the mean of -log(b / mean),
#   the mean log deviation, in which the unit of b has no part.
# What happens: smoothed_edf is 1.50, log 4.5: the group without a chosen patient is smoothed as if there were one class. Of a
#   group in which everybody is chosen it is infinite. smoothed_base_rate counts the classes among the labels that it is
#   handed, and smoothed_edf hands it one group at a time. BinaryLabelDatasetMetric of the same package has 2.20 for
#   both. The index with alpha=0 is divided by the mean once more than its formula: 0.18 of benefits in units, 1.8 of the same in
#   tens, 0.018 in tenths. Alpha 1 and 2 are right. But for numpy's warning about the infinite one nothing is
#   raised or printed.
# Versions: aif360 0.6.1, scikit-learn 1.9.1, pandas 3.1.1, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: groups by age, sex and missing modality are small, and of rare diseases a group often has nobody. It
#   is for these that the measure is smoothed, and for these it is wrong: the group that is left out altogether looks
#   half as far away as it is.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet aif360==0.6.1 scikit-learn==1.9.1 pandas==3.1.1 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import logging
import sys
import warnings

import numpy as np
import pandas as pd

logging.disable(logging.WARNING)  # what importing says about parts that are not installed
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import BinaryLabelDatasetMetric
    from aif360.sklearn.metrics import generalized_entropy_index, smoothed_edf, smoothed_selection_rate
logging.disable(logging.NOTSET)
warnings.simplefilter("error")  # a warning would be a change


def two_groups(first, second):
    """20 patients in each of two groups, of whom so many are chosen."""
    chosen = np.array([1] * first + [0] * (20 - first) + [1] * second + [0] * (20 - second))
    return chosen, np.repeat([0, 1], 20)


def by_formula(first, second):
    rates = np.array([first + 0.5, second + 0.5]) / 21
    return max(abs(np.diff(np.log(rates))[0]), abs(np.diff(np.log(1 - rates))[0]))


def by_other_part(first, second):
    chosen, group = two_groups(first, second)
    table = pd.DataFrame({"chosen": chosen.astype(float), "group": group.astype(float)})
    data = BinaryLabelDataset(df=table, label_names=["chosen"], protected_attribute_names=["group"])
    return float(BinaryLabelDatasetMetric(data).smoothed_empirical_differential_fairness())


good = True
for first, second, was in ((4, 1, None), (4, 0, np.log(4.5)), (16, 20, np.inf)):
    chosen, group = two_groups(first, second)
    truth = pd.Series(np.tile([0, 1], 20))
    with warnings.catch_warnings():
        if was == np.inf:
            warnings.filterwarnings("ignore", "divide by zero")
        seen = smoothed_edf(truth, chosen, prot_attr=group)
    wanted, other = by_formula(first, second), by_other_part(first, second)
    print(f"{first} and {second} of 20 chosen: {seen:.2f} by smoothed_edf, {wanted:.2f} by its formula, {other:.2f} by the other part")
    good &= abs(other - wanted) < 1e-9 and bool(np.isclose(seen, wanted if was is None else was))
nobody = smoothed_selection_rate(np.zeros(20), np.zeros(20), pos_label=1)
print(f"smoothed rate of a group of 20 without a chosen one: {nobody:.4f}, by the formula {0.5 / 21:.4f}")
good &= abs(nobody - 1 / 21) < 1e-9

benefit = np.random.default_rng(0).gamma(3, 1 / 3, 1000)
benefit = benefit / benefit.mean()
for unit in (1, 0.1, 10):
    found = {alpha: generalized_entropy_index(benefit * unit, alpha) for alpha in (0, 1, 2)}
    right = -np.log(benefit).mean()
    print(f"benefits times {unit}: " + ", ".join(f"alpha {a} {v:.4g}" for a, v in found.items()) + f"; alpha 0 by its formula {right:.4g}")
    good &= bool(np.isclose(found[0], right / unit))
    good &= bool(np.isclose(found[1], (benefit * np.log(benefit)).mean())) and bool(np.isclose(found[2], benefit.var() / 2))
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

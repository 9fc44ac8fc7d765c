#!/bin/sh
# What one would expect: RandomSampleImputer of feature_engine fills a gap with a value drawn from the training patients, which
#   "preserves the original variable distribution". With seed="observation" each patient has a seed of their own, the sum or
#   the product of the columns named in random_state, so a patient gets the same value again. The unit cannot matter.
# What happens: the sum is rounded to a whole number first. With an ejection fraction as a share (0.15 to 0.80) every seed is
#   0 or 1: 300 patients without HbA1c get two values, one of them two in three, and their C-reactive protein two, with a
#   mean of 7.1 where it is 11.8. Two columns that have nothing to do with each other have rank correlation 1 in these
#   patients. The same share in per cent gives 26 values. A standardized column gives 5 (a seed below 0 is refused). The guide
#   speaks of the sum, with whole centimetres and kilograms, and not of rounding. Nothing is raised or printed.
# Versions: feature_engine 1.9.4, scikit-learn 1.9.1, statsmodels 0.15.0, pandas 3.1.1, numpy 2.4.6, scipy 1.17.1, Python 3.11.
#   Seen on 2026-12-01.
# Why it matters here: this imputer is chosen so as not to make a peak at the mean, and seeds by observation so that
#   train, test and deployment agree. It makes a peak elsewhere, at a value that is nowhere near the mean, and scores of
#   "random" imputation are those of a constant.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet feature_engine==1.9.4 scikit-learn==1.9.1 statsmodels==0.15.0 pandas==3.1.1 numpy==2.4.6 \
  scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import pandas as pd
from feature_engine.imputation import RandomSampleImputer

PATIENTS = 1000
rng = np.random.default_rng(0)
share = np.clip(rng.normal(0.55, 0.1, PATIENTS), 0.15, 0.8).round(2)
age = rng.integers(40, 90, PATIENTS)
whole = pd.DataFrame({"ejection": share, "per cent": (100 * share).round(), "age": age})
whole["age, standard"] = (age - age.mean()) / age.std() + 2
whole["hba1c"] = rng.normal(6, 1, PATIENTS).round(1)
whole["crp"] = np.exp(rng.normal(2, 1, PATIENTS)).round(1)
gone = rng.random(PATIENTS) < 0.3
table = whole.copy()
table.loc[gone, ["hba1c", "crp"]] = np.nan


def show(name, filled):
    hba1c, crp = filled["hba1c"][gone], filled["crp"][gone]
    row = hba1c.nunique(), hba1c.value_counts(normalize=True).iloc[0], crp.mean(), hba1c.corr(crp, method="spearman")
    print(
        f"{name:32}: {row[0]:3} values of HbA1c, the commonest in {row[1]:.0%}, deviation {hba1c.std():.2f};"
        f" CRP {crp.nunique():3} values, mean {row[2]:.1f}; rank correlation {row[3]:.2f}"
    )
    return row


def fill(**options):
    return RandomSampleImputer(variables=["hba1c", "crp"], **options).fit(table).transform(table)


with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    print(f"{gone.sum()} of {PATIENTS} patients lack both")
    true = show("the true values", whole)
    seen = {"general": show("one seed for the table", fill(random_state=0))}
    for column in ("ejection", "per cent", "age", "age, standard"):
        seen[column] = show(f"seeded by {column}", fill(random_state=[column], seed="observation"))
    told = [str(w.message) for w in told if "feature_engine" in str(w.filename)]
own = table.copy()
for name in ("hba1c", "crp"):
    # The same, with a seed of its own for each value of the share.
    known = table[name].dropna().to_numpy()
    own.loc[gone, name] = [known[np.random.default_rng(round(1e6 * value)).integers(len(known))] for value in share[gone]]
right = show("own: by the share, not rounded", own)
print("warnings of the package:", told or "none")
rounded = seen["ejection"]
two = rounded[0] == 2 and rounded[1] > 0.6 and rounded[2] < 0.7 * true[2] and rounded[3] > 0.99
others = min(seen["per cent"][0], seen["age"][0], right[0]) > 20 and seen["general"][0] > 40 and seen["age, standard"][0] < 8
sys.exit(0 if two and others and not told else 1)
PYTHON
venv/bin/python seen.py

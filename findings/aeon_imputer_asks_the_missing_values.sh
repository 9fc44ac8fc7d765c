#!/bin/sh
# What one would expect: SimpleImputer of aeon takes a function as its strategy, "a function that returns the value to
#   replace missing values with on each 1D array containing all non-missing values of each series". So the mean by a
#   function is what "mean" gives, and the last value by a function carries on the last that was measured. After it
#   no value is missing: its tag removes_missing_values says so.
# What happens: the function is given the missing values, and none of those that were measured. The mean, the median, the
#   greatest and the last are NaN, which is put where NaN was: nothing is imputed. Of a function that counts, "as many as
#   were measured" is the number that are missing. Arrays and lists are the same. Nothing is raised or printed. _transform
#   selects by the mask of missing values where its opposite is meant. The strategies that are named by a word are
#   right. aeon's own test uses a function that gives the same number whatever it is handed.
# Versions: aeon 1.6.0, scikit-learn 1.9.1, pandas 2.3.3, numba 0.63.1, scipy 1.17.1, numpy 2.3.5, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: charts of vital signs have gaps, and a trimmed mean or the last value is how they are filled. Where
#   a forest that accepts NaN comes next, the run goes through, and the paper compares an imputer that did not impute.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet aeon==1.6.0 scikit-learn==1.9.1 pandas==2.3.3 numba==0.63.1 scipy==1.17.1 numpy==2.3.5
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from aeon.transformations.collection import SimpleImputer

warnings.simplefilter("error")  # a warning would be a change
draw = np.random.default_rng(0)
charts = draw.normal(80, 5, (4, 2, 10))
charts[:, :, 4:7] = np.nan
seen = np.isfinite(charts)
gaps = int((~seen).sum())
FUNCTIONS = {
    "mean": lambda values: values.mean(),
    "median": lambda values: np.median(values),
    "last": lambda values: values[-1],
    "number": lambda values: float(len(values)),
}


def filled(strategy, data):
    made = SimpleImputer(strategy=strategy).fit_transform(data.copy() if isinstance(data, np.ndarray) else [one.copy() for one in data])
    return np.asarray(made)


good = SimpleImputer.get_class_tag("removes_missing_values") is True
for word in ("mean", "median"):
    made = filled(word, charts)
    good &= bool(np.isfinite(made).all())
    print(f"strategy {word!r}: {np.isnan(made).sum()} of {gaps} gaps are left; first {made[0, 0, 4]:.2f}")
for name, function in FUNCTIONS.items():
    for kind, data in (("array", charts), ("list", list(charts))):
        made = filled(function, data)
        wanted = function(charts[0, 0][seen[0, 0]])
        print(f"{name} by a function, {kind}: {np.isnan(made).sum()} of {gaps} gaps are left; first {made[0, 0, 4]:.2f}, wanted {wanted:.2f}")
        good &= np.array_equal(made[seen], charts[seen])
        if name == "number":
            good &= wanted == 7 and bool((made[~seen] == 3).all())
        else:
            good &= bool(np.isfinite(wanted)) and bool(np.isnan(made[~seen]).all())
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: Imputer of sktime takes missing_values, "value to consider as np.nan and impute": entries that equal it are
#   as if they were absent. "mean" and "median" fill with those of the data seen in fit, "drift" with a line through it,
#   "random" with values between the least and the greatest of the "fit data".
# What happens: the mark is taken out where values are filled, and not where they are learned. A heart rate of 84 with -999 for
#   what was not measured, 30 % of it, is filled with -241 by "mean" and with -246 by "drift"; with NaN in its place with
#   84. From a half on "median" fills with -999 again. missing_values=0 is not heard at all (reported in April 2026,
#   issue 10017); as [0] it is, and "mean" fills with 59. "random" draws from the range of the new patient,
#   not of those that it was fitted to. New patients of a panel are filled by "mean" with the last value before, not
#   with a mean. "linear", "nearest" and "ffill" learn nothing and are right. Nothing is raised or printed.
# Where: _fit of sktime/transformations/impute.py (and the data that BaseTransformer remembers) never replaces the mark; _transform does, if the
#   mark is true as a condition. _create_random_distribution gets what is to be filled. A mean by patient is laid on
#   rows by the patient's name.
# Versions: sktime 1.2.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.0.6, numpy 2.3.5, Python 3.11. Seen on 2026-12-01.
# Why it matters here: monitors and exports write 0, -1 or -999 for what was not measured. The more of a signal is missing, the
#   further off is what is filled in, and a table over missing rates blames the method.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet sktime==1.2.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.0.6 numpy==2.3.5
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of imports
    from sktime.transformations.impute import Imputer

draw = np.random.default_rng(0)
rate = draw.normal(84, 2, 300).round(1)
said = []


def filled(share, mark, method, given="mark"):
    """Mean of what is filled in where this share of the heart rate has the mark."""
    gone = np.arange(300) % 30 < 30 * share
    table = pd.DataFrame({"rate": np.where(gone, mark, rate)})
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        found = Imputer(method=method, missing_values=mark if given == "mark" else given, random_state=0).fit_transform(table)
    said.extend(str(one.message) for one in raised if not issubclass(one.category, FutureWarning) and "remember_data" not in str(one.message))
    return float(found["rate"].to_numpy()[gone].mean())


rows = {}
for share in (0.1, 0.3, 0.6):
    for method in ("mean", "median", "drift", "linear"):
        rows[share, method] = filled(share, np.nan, method, None), filled(share, -999.0, method), filled(share, 0.0, method), filled(share, 0.0, method, [0.0])
        print("{:.0%} missing, {}: filled with {:.1f} where NaN, {:.1f} where -999, {:.1f} where 0, {:.1f} where [0]".format(share, method, *rows[share, method]))

old, new = pd.DataFrame({"x": np.arange(1.0, 6)}), pd.DataFrame({"x": [100.5, np.nan, 102, 103, 104]})
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    random = [float(Imputer(method="random", random_state=one).fit(old).transform(new)["x"].iloc[1]) for one in range(50)]
    names = [pd.MultiIndex.from_product([two, range(5)], names=["patient", "hour"]) for two in (["a", "b"], ["c", "d"])]
    known = pd.DataFrame({"x": [1.0, 2, 3, 4, 5, 11, 12, 13, 14, 15]}, index=names[0])
    others = pd.DataFrame({"x": [1.0, 20, np.nan, 4, 5, 10, np.nan, 12, 13, 14]}, index=names[1])
    panel = Imputer(method="mean").fit(known).transform(others)["x"].to_numpy()[[2, 6]].tolist()
print(f"random, fitted to 1 to 5: {min(random):.1f} to {max(random):.1f}")
print(f"mean, fitted to two patients: two others are filled with {panel}, after 20 and 10; means 3 and 13, of both 8")
print("warnings:", said)
before = {
    (0.1, "mean"): (83.9, -24.4, 0, 75.5),
    (0.3, "mean"): (83.9, -241.0, 0, 58.7),
    (0.3, "drift"): (84.0, -245.8, 0, 58.4),
    (0.3, "median"): (83.9, 82.7, 0, 82.7),
    (0.6, "median"): (84.0, -999, 0, 0),
    (0.6, "linear"): (84.0, 84.0, 0, 84.0),
}
as_before = (
    all(np.allclose(rows[one], values, atol=0.6) for one, values in before.items())
    and min(random) > 100
    and panel == [20, 10]
    and not said
)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: of two sites whose values differ by a standard deviation evidently's population stability index
#   ("psi", drift from 0.1 on) says so, also where one of 2000 values is a mistype or a code for missing. Its docstring has
#   buckets "based on reference quantiles", 30 of them, which one far value hardly moves.
# What happens: the buckets are equally wide, about a dozen, from the lowest to the highest value of both sites together. With
#   one value of 9999 everybody else falls into the first one: the index goes from 1.09 to under 0.001, and "jensenshannon",
#   "kl_div" and "hellinger", which have the same buckets, go below their limits with it. By quantiles of the reference
#   the index is 1.13 with and without it. Nothing is said. "wasserstein" and "ks" still see the drift.
# Versions: evidently 0.7.23, scikit-learn 1.9.1, pandas 2.3.3, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: clinical tables hold such values, 9999 for "not measured" above all. The dirtier column looks the more
#   stable, and two sites pass for one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" DO_NOT_TRACK=1
python3 -m venv venv
venv/bin/pip install --quiet evidently==0.7.23 scikit-learn==1.9.1 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

METHODS = ("psi", "jensenshannon", "kl_div", "hellinger", "wasserstein", "ks")
rng = np.random.default_rng(0)
pressure = rng.normal(120, 15, 2000)
clean = rng.normal(135, 15, 2000)
dirty = clean.copy()
dirty[0] = 9999
columns = DataDefinition(numerical_columns=["pressure"])


def table(values):
    return Dataset.from_pandas(pd.DataFrame({"pressure": values}), columns)


def drift(method, values):
    report = Report([ValueDrift(column="pressure", method=method)]).run(table(values), table(pressure))
    return float(report.dict()["metrics"][0]["value"])


def by_quantiles(values):
    inner = np.quantile(pressure, np.linspace(0, 1, 31))[1:-1]
    one, other = (np.bincount(np.digitize(v, inner), minlength=30) / len(v) for v in (pressure, values))
    other = np.maximum(other, 0.0001)
    return ((one - other) * np.log(one / other)).sum()


seen = {method: (drift(method, clean), drift(method, dirty)) for method in METHODS}
for method, (before, after) in seen.items():
    print(f"{method}: {before:.3g}, with one value of 9999 {after:.3g}")
quantiles = by_quantiles(clean), by_quantiles(dirty)
print(f"psi by 30 quantiles of the reference: {quantiles[0]:.3g}, with one value of 9999 {quantiles[1]:.3g}")
hidden = all(seen[method][0] > 0.2 and seen[method][1] < 0.1 for method in METHODS[:4]) and seen["psi"][1] < 0.01
others = seen["wasserstein"][1] > 0.1 and seen["ks"][1] < 1e-6 and abs(quantiles[0] - quantiles[1]) < 0.02 and quantiles[1] > 0.5
sys.exit(0 if hidden and others else 1)
PYTHON
venv/bin/python -W ignore seen.py

#!/bin/sh
# What one would expect: evidently's default test of drift of a numerical column of over 1000 rows, the Wasserstein distance
#   "normed by std of reference data" (drift from 0.1 on), is the same number in every unit.
# What happens: the standard deviation is replaced by 0.001 where it is smaller. Troponin at a new site that is five times as
#   high is 6.41 standard deviations away in ng/l and in ug/l, and 0.058 in mg/l: no drift. Every column with a smaller
#   deviation than 0.001 is measured so, whatever it is. By scipy's distance over numpy's deviation all three are 6.41.
#   Nothing is raised, and the docstring does not have it.
# Versions: evidently 0.7.23, scikit-learn 1.9.1, pandas 2.3.3, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: tables of laboratory values come in the unit of each site, and "no drift between the sites" is said with
#   such a report. A share of drifted columns hangs on the units in which a table was exported.
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
from evidently.presets import DataDriftPreset
from scipy.stats import wasserstein_distance

rng = np.random.default_rng(0)
UNITS = {"ng/l": 1, "ug/l": 1e-3, "mg/l": 1e-6}
before, after = rng.lognormal(np.log(12), 0.6, 2000), rng.lognormal(np.log(60), 0.6, 2000)
columns = DataDefinition(numerical_columns=list(UNITS))
one, other = (Dataset.from_pandas(pd.DataFrame({u: values * f for u, f in UNITS.items()}), columns) for values in (before, after))
found = Report([DataDriftPreset()]).run(other, one).dict()["metrics"]
count = next(metric["value"]["count"] for metric in found if metric["metric_name"].startswith("DriftedColumnsCount"))
seen = {u: next(m["value"] for m in found if m["metric_name"].startswith(f"ValueDrift(column={u},")) for u in UNITS}
true = {u: wasserstein_distance(before * f, after * f) / np.std(before * f) for u, f in UNITS.items()}
for unit in UNITS:
    print(f"troponin in {unit}: evidently {seen[unit]:.3f}, distance over standard deviation {true[unit]:.3f}")
print(f"drifted columns: {count:.0f} of {len(UNITS)}")
same = max(true.values()) - min(true.values()) < 1e-6 and abs(seen["ng/l"] - true["ng/l"]) < 1e-6
sys.exit(0 if same and count == 2 and seen["mg/l"] < 0.1 < 6 < seen["ug/l"] else 1)
PYTHON
venv/bin/python -W ignore seen.py

#!/bin/sh
# What one would expect: drift detectors of alibi-detect that are given a table with a missing value refuse it, leave the
#   value out, or at least give no verdict: "is_drift" is 1 where the new patients differ from the old ones and 0 where they do not.
# What happens: one missing laboratory value of one of 200 patients decides. MMDDrift has p = 0.00 and is_drift = 1 for new
#   patients of the very same distribution (0.31 without the gap). KSDrift, CVMDrift and TabularDrift give the column p = NaN and
#   count it as the same: of a column that is three standard deviations higher is_drift is 0, by feature and, where no other
#   column has moved, for the table; 1 without the gap. A missing value among the old patients does the same to each later test. LSDDDrift
#   raises an error. Nothing is raised or printed by the others, and docstrings do not speak of missing values; the p value or, of
#   MMDDrift, the distance in what comes back is NaN.
# Where: score of alibi_detect/cd/pytorch/mmd.py takes as p the share of permutations whose distance is not below the one that was found,
#   and no number is at least NaN; base.py asks whether p is below the threshold, and NaN is not.
# Versions: alibi-detect 0.13.0, torch 2.13.0 (CPU), scikit-learn 1.9.1, scipy 1.17.1, pandas 2.3.3, numpy 1.26.4, Python 3.11. Seen
#   on 2026-12-01.
# Why it matters here: tables of patients have gaps, and which verdict comes out hangs on the detector alone. A site is
#   reported as different or as the same by whether anybody's value is missing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet alibi-detect==0.13.0 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==2.3.3 numpy==1.26.4
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys
import warnings

import numpy as np

with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
    warnings.simplefilter("ignore")  # of imports
    from alibi_detect.cd import CVMDrift, KSDrift, MMDDrift, TabularDrift

warnings.simplefilter("error")  # a warning would be a change
draw = np.random.default_rng(0)
old, same = (draw.normal(size=(200, 3)).astype("float32") for _ in range(2))
higher = same.copy()
higher[:, 0] += 3


def with_gap(table):
    table = table.copy()
    table[5, 0] = np.nan
    return table


detectors = {
    "KSDrift": KSDrift,
    "CVMDrift": CVMDrift,
    "TabularDrift": lambda table: TabularDrift(table, categories_per_feature={}),
    "MMDDrift": lambda table: MMDDrift(table, backend="pytorch", device="cpu"),
}
pairs = {
    "same": (old, same),
    "same, one value missing": (old, with_gap(same)),
    "first column 3 higher": (old, higher),
    "first column 3 higher, one value missing": (old, with_gap(higher)),
    "first column 3 higher, one old value missing": (with_gap(old), higher),
}
seen = {}
for name, detector in detectors.items():
    for pair, (before, after) in pairs.items():
        found = detector(before).predict(after)["data"]
        p = np.ravel(found["p_val"])[0]
        seen[name, pair] = int(found["is_drift"]), float(p)
        print(f"{name}, {pair}: is_drift {found['is_drift']}, p {'of the first column ' if name != 'MMDDrift' else ''}{p:.2f}")
without = [seen[name, pair][0] == ("higher" in pair) for name, pair in seen if "missing" not in pair]
columns = [seen[name, pair] for name, pair in seen if name != "MMDDrift" and "missing" in pair]
whole = [seen[name, pair] for name, pair in seen if name == "MMDDrift" and "missing" in pair]
as_before = all(without) and all(drift == 0 and np.isnan(p) for drift, p in columns) and all(one == (1, 0) for one in whole) and seen["MMDDrift", "same"][1] > 0.1
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: Little's test of pyampute and of missmecha, at 5 %, rejects about 5 of 100 tables whose values are
#   missing completely at random, whatever the columns are.
# What happens: so it is where the columns know nothing of each other. Where they correlate by 0.9 it rejects about a third
#   of such tables, of 300 rows and of 1000 ("unlikely to be Missing Completely At Random", says missmecha). Both take the
#   mean of what each column has; the test is defined with the mean of greatest likelihood. So chance in one column
#   counts as a shift of its neighbours. With that mean and covariance, found by EM below, the share stays near 5 %. That a
#   simpler estimate is taken stands in a comment of pyampute's code, in the docstring of neither.
# Versions: pyampute 0.0.3, missmecha-py 0.1.2, numpy 2.4.6, pandas 3.1.1, scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: papers name a mechanism by this p-value. What is measured of one patient correlates (visits, both
#   eyes, neighbouring regions), so gaps by chance are called not random, and of two tables with the same gaps the one whose
#   columns are closer is called so more often. Our audit of a mask tests odds ratios by trait instead.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
# missmecha needs IPython and does not ask for it.
venv/bin/pip install --quiet pyampute==0.0.3 missmecha-py==0.1.2 ipython==9.18.1 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys

import numpy as np
import pandas as pd
from missmecha import MCARTest as Missmecha
from pyampute.exploration.mcar_statistical_tests import MCARTest as Pyampute
from scipy.stats import chi2

TABLES, COLUMNS, MISSING = 100, 4, 0.3


def by_likelihood(table):
    """The same statistic with the mean and covariance of highest likelihood, found by EM."""
    values = table.to_numpy()
    seen = np.isfinite(values)
    parts = [(has, np.flatnonzero((seen == has).all(1))) for has in np.unique(seen, axis=0)]
    mean, cov = np.nanmean(values, 0), np.diag(np.nanvar(values, 0))
    for _ in range(60):
        full, spread = np.where(seen, values, 0.0), np.zeros_like(cov)
        for has, rows in parts:
            slope = np.linalg.solve(cov[np.ix_(has, has)], cov[np.ix_(has, ~has)])
            full[np.ix_(rows, ~has)] = mean[~has] + (values[np.ix_(rows, has)] - mean[has]) @ slope
            spread[np.ix_(~has, ~has)] += len(rows) * (cov[np.ix_(~has, ~has)] - cov[np.ix_(~has, has)] @ slope)
        mean = full.mean(0)
        cov = ((full - mean).T @ (full - mean) + spread) / len(values)
    distance = 0.0
    for has, rows in parts:
        off = values[np.ix_(rows, has)].mean(0) - mean[has]
        distance += len(rows) * off @ np.linalg.solve(cov[np.ix_(has, has)], off)
    return chi2.sf(distance, sum(has.sum() for has, _ in parts) - COLUMNS)


rejected = {}
for rows in (300, 1000):
    for correlation in (0.0, 0.9):
        rng = np.random.default_rng(0)
        small = []
        for _ in range(TABLES):
            shared, own = rng.normal(size=(rows, 1)), rng.normal(size=(rows, COLUMNS))
            gaps = rng.random((rows, COLUMNS)) < MISSING
            gaps[gaps.all(1)] = False
            table = pd.DataFrame(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own).mask(gaps)
            with contextlib.redirect_stdout(io.StringIO()):
                small.append([test(table) < 0.05 for test in (Pyampute("little"), Missmecha("little"), by_likelihood)])
        rejected[rows, correlation] = share = np.mean(small, axis=0)
        each = f"pyampute {share[0]:.0%}, missmecha {share[1]:.0%}, by likelihood {share[2]:.0%}"
        print(f"{rows} rows, correlation {correlation}, missing by chance; rejected at 5 %: {each}")
apart = all(rejected[rows, 0.0].max() < 0.12 for rows in (300, 1000))
together = all(rejected[rows, 0.9][:2].min() > 0.2 and rejected[rows, 0.9][2] < 0.12 for rows in (300, 1000))
sys.exit(0 if apart and together else 1)
PYTHON
venv/bin/python seen.py

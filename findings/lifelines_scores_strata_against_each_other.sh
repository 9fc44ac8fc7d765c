#!/bin/sh
# What one would expect: of one stratified Cox model and one table, `concordance_index_` and `score(table,
#   "concordance_index")` of lifelines are the same number, and k_fold_cross_validation, which scores folds, estimates it.
# What happens: `concordance_index_` compares patients within their stratum. `score` compares those of different strata,
#   too, by risks that have no common scale, because each stratum has a baseline of its own: here 0.71 within strata
#   becomes 0.25, worse than chance. Nothing is said; the sum over strata stands in no option of `score`.
# Versions: lifelines 0.30.3, pandas 2.3.3, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: sites and scanners are strata, and folds are scored by `score`. A table of methods by
#   cross-validation then ranks how well each happens to order sites, while the fitted model prints the other number.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet lifelines==0.30.3 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.utils import concordance_index, k_fold_cross_validation

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
n = 600
site = rng.integers(3, size=n)
# The marker is higher at sites whose patients live longer, and bad within each of them.
marker = rng.normal(size=n) + 2.5 * site
times = rng.exponential(np.exp(4 * site - (marker - 2.5 * site)))
end = np.quantile(times, 0.8)
table = pd.DataFrame({"marker": marker, "site": site, "time": np.minimum(times, end), "event": times < end})
model = CoxPHFitter().fit(table, "time", "event", strata=["site"])
risk = model.predict_partial_hazard(table)


def within(rows):
    return float(concordance_index(rows["time"], -risk[rows.index], rows["event"]))


printed, scored = float(model.concordance_index_), float(model.score(table, scoring_method="concordance_index"))
by_site = [within(rows) for _, rows in table.groupby("site")]
folds = k_fold_cross_validation(
    CoxPHFitter(), table, "time", "event", k=5, seed=0, scoring_method="concordance_index", fitter_kwargs={"strata": ["site"]}
)
print("concordance_index_", round(printed, 3), "; within each site", np.round(by_site, 3))
print("score", round(scored, 3), "; five folds", np.round(folds, 3))
print("all patients as if of one site", round(within(table), 3))
across = abs(scored - within(table)) < 1e-9 and scored < 0.5 and max(folds) < 0.5
inside = min(by_site) - 0.02 < printed < max(by_site) + 0.02 and printed > 0.65
sys.exit(0 if across and inside else 1)
PYTHON
venv/bin/python seen.py

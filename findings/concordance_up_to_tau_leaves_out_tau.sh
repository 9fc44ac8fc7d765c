#!/bin/sh
# What one would expect: with whole years of follow-up, a concordance "up to five years" and an AUC "at five years" look at
#   the same deaths, those of the fifth year among them, so a model that is wrong about these loses by both.
# What happens: scikit-survival's concordance_index_ipcw(tau=5) leaves out the deaths at 5 and counts these patients as
#   alive for longer; cumulative_dynamic_auc at 5 counts them as deaths. A model that calls everybody who dies in the fifth
#   year the safest of all loses seven points of AUC and gains two of concordance. A tau just above 5 counts them.
# Versions: scikit-survival 0.28.0, numpy 2.4.6, Python 3.11. Seen on 2026-11-29.
# Why it matters here: horizons of clinical tables are whole years or months, and so are their times. A concordance up to
#   a horizon must say whether what happens at the horizon is in it; ours counts it, as the probability "by" it does.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet scikit-survival==0.28.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from sksurv.metrics import concordance_index_ipcw, cumulative_dynamic_auc
from sksurv.util import Surv

PATIENTS, YEAR = 2_000, 5
rng = np.random.default_rng(0)
risk = rng.normal(size=PATIENTS)
death = np.ceil(rng.exponential(6 * np.exp(-risk)))
left = np.minimum(np.ceil(rng.uniform(2, 12, PATIENTS)), 9.5)
time, event = np.minimum(death, left), death <= left
known = Surv.from_arrays(event, time)
in_the_fifth = event & (time == YEAR)
models = {"knows the risk": risk, "calls deaths of the fifth year safe": np.where(in_the_fifth, risk.min() - 1, risk)}
print(f"{in_the_fifth.sum()} of {(event & (time <= YEAR)).sum()} deaths are in the fifth year")
found = {}
for name, score in models.items():
    up_to, just_above = (concordance_index_ipcw(known, known, score, tau=tau)[0] for tau in (YEAR, YEAR + 1e-6))
    auc = cumulative_dynamic_auc(known, known, score, [YEAR])[0][0]
    found[name] = up_to, just_above, auc
    print(f"{name}: concordance up to 5 {up_to:.4f}, up to just above 5 {just_above:.4f}, AUC at 5 {auc:.4f}")
right, wrong = found.values()
gains, loses = wrong[0] - right[0], [after - before for before, after in zip(right[1:], wrong[1:])]
sys.exit(0 if gains > 0.01 and max(loses) < -0.02 else 1)
PYTHON
venv/bin/python seen.py

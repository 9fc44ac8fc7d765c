#!/bin/sh
# What one would expect: dcurves turns a marker into a risk where it is named in models_to_prob ("columns that need to be
#   converted to risk scores from 0 to 1"): by a logistic model, or by a Cox model where there are times. Patients with a
#   higher marker, who die sooner, get the higher risk, and the curve of a good marker lies above "treat all" and "treat none".
# What happens: with times the converted number is the Cox model's probability to survive. Who is safest counts as ill, and who
#   dies counts as well. Net benefit of a marker with a concordance of 0.74 is below "treat all" at every threshold, below
#   "treat none" from 0.4 on, and below that of a marker that is noise. The same Cox model's risk, handed over as a
#   probability, has the net benefit of the true risk to 0.01. Without times, by the logistic model, the conversion is right.
#   Nothing is raised or printed.
# Versions: dcurves 1.1.7, lifelines 0.30.3, statsmodels 0.15.0, pandas 2.3.3, numpy 2.4.6, scipy 1.17.1, Python 3.11.
#   Seen on 2026-11-30.
# Why it matters here: decision curves are asked for by clinical journals, and scores of a model (a logit, a log hazard) are no
#   probabilities, so models_to_prob is the way in. The better a model with follow-up is, the more harmful it looks.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet dcurves==1.1.7 lifelines==0.30.3 statsmodels==0.15.0 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import pandas as pd
from dcurves import dca
from lifelines import CoxPHFitter
from lifelines.utils import concordance_index

warnings.simplefilter("error")  # a warning would be a change
THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
rng = np.random.default_rng(0)
marker, noise = rng.standard_normal((2, 2000))
death = rng.exponential(1 / (0.1 * np.exp(marker)))
leaves = rng.uniform(0, 15, 2000)
table = pd.DataFrame({"time": np.minimum(death, leaves), "dead": (death <= leaves).astype(int), "marker": marker, "noise": noise})
table["true"] = 1 - np.exp(-0.5 * np.exp(marker))
cox = CoxPHFitter().fit(table[["time", "dead", "marker"]], "time", "dead")
table["by hand"] = 1 - cox.predict_survival_function(table, times=5).to_numpy()[0]


def benefit(table, outcome, models, convert, **times):
    curves = dca(table, outcome, models, thresholds=THRESHOLDS, models_to_prob=convert, **times)
    return curves.pivot(index="threshold", columns="model", values="net_benefit")[[*models, "all", "none"]]


follow = {"time": 5, "time_to_outcome_col": "time"}
# "by hand" and "true" are probabilities already; the other two are converted.
seen = benefit(table, "dead", ["marker", "noise", "by hand", "true"], ["marker", "noise"], **follow)
print(f"net benefit at 5 years, concordance of the marker {concordance_index(table['time'], -marker, table['dead']):.2f}")
print(seen.round(3).to_string())
ill = pd.DataFrame({"marker": marker, "ill": (rng.random(2000) < table["true"]).astype(int), "true": table["true"]})
plain = benefit(ill, "ill", ["marker", "true"], ["marker"])
print("without times, by the logistic model")
print(plain.round(3).to_string())
by_hand = (seen["by hand"] - seen["true"]).abs().max()
logistic = (plain["marker"] - plain["true"]).abs().max()
worse = (seen["marker"] < seen["all"]).all() and (seen.loc[0.4:, "marker"] < -0.1).all() and (seen["marker"] < seen["noise"]).all()
sys.exit(0 if worse and by_hand < 0.02 and logistic < 0.03 else 1)
PYTHON
venv/bin/python seen.py

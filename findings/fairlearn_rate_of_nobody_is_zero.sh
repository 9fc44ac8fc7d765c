#!/bin/sh
# What one would expect: a group in which nobody is ill has no true positive rate. fairlearn's equal_opportunity_difference
#   leaves it out, or is undefined, or says something. A model without an error is fair by it: difference 0, ratio 1.
# What happens: the rate of the empty part counts as 0. A model that makes no error at all gets the difference 1 and the
#   ratio 0, the worst values that there are, because of 20 healthy patients in 600. Of the same group the false negative
#   rate is 0, too, though the two rates sum to 1. equalized_odds_difference and MetricFrame do the same. Nothing is warned
#   of, where scikit-learn's recall_score in the same frame warns, and ThresholdOptimizer of the same library refuses
#   such a group. difference() would leave out a rate of NaN. The documentation says nothing of such groups.
# Versions: fairlearn 0.15.0, scikit-learn 1.9.1, numpy 2.4.6, pandas 3.1.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: rare diseases by age, sex or site make such groups, the more so by pattern of missing modalities and
#   in bootstrap samples. Methods then look equally unfair by the sensitivity of the others, and the split decides, not the model.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet fairlearn==0.15.0 scikit-learn==1.9.1 numpy==2.4.6 pandas==3.1.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from fairlearn.metrics import (
    MetricFrame,
    equal_opportunity_difference,
    equal_opportunity_ratio,
    equalized_odds_difference,
    false_negative_rate,
    true_positive_rate,
)
from fairlearn.postprocessing import ThresholdOptimizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score

rng = np.random.default_rng(0)
site = np.repeat(["A", "B", "C"], [290, 290, 20])
ill = (rng.random(600) < 0.4).astype(int)
ill[site == "C"] = 0
found = {"no error": ill, "15 % errors": np.where(rng.random(600) < 0.85, ill, 1 - ill)}


def scores(who, truth, answer):
    return [
        round(float(score(truth[who], answer[who], sensitive_features=site[who])), 3)
        for score in (equal_opportunity_difference, equal_opportunity_ratio, equalized_odds_difference)
    ]


def rate_or_nan(truth, answer):
    return true_positive_rate(truth, answer) if truth.any() else np.nan


everyone, others = np.ones(600, bool), site != "C"
seen = {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for name, answer in found.items():
        seen[name] = scores(everyone, ill, answer), scores(others, ill, answer)
        print(f"{name}: difference, ratio, equalized odds: all sites {seen[name][0]}, without C {seen[name][1]}")
    rates = {"true positive": true_positive_rate, "false negative": false_negative_rate, "or NaN": rate_or_nan}
    frame = MetricFrame(metrics=rates, y_true=ill, y_pred=found["15 % errors"], sensitive_features=site)
    gaps = frame.difference()
print(frame.by_group.round(3).to_string())
print("difference() of the three columns", gaps.round(3).tolist(), "; warnings:", len(told))
with warnings.catch_warnings(record=True) as recall:
    warnings.simplefilter("always")
    MetricFrame(metrics=recall_score, y_true=ill, y_pred=ill, sensitive_features=site).by_group
print("recall_score in the frame warns:", sorted({w.category.__name__ for w in recall}))
features = rng.normal(size=(600, 2))
try:
    ThresholdOptimizer(estimator=LogisticRegression(), constraints="equalized_odds").fit(
        features, ill, sensitive_features=site
    )
    refused = ""
except ValueError as error:
    refused = str(error)
print("ThresholdOptimizer:", refused)
worst = seen["no error"] == ([1.0, 0.0, 1.0], [0.0, 1.0, 0.0])
sensitivity = frame.by_group["true positive"]
whole = abs(seen["15 % errors"][0][0] - sensitivity.max()) < 1e-3 and seen["15 % errors"][1][0] < 0.05
nobody = frame.by_group.loc["C", "true positive"] == frame.by_group.loc["C", "false negative"] == 0 and gaps["or NaN"] < 0.05
sys.exit(0 if worst and whole and nobody and not told and recall and refused else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: predictions of samples by folds, pooled as scikit-learn's cross_val_predict gives them, have an
#   AUROC of one half where the model knows nothing.
# What happens: a fold that holds more positives than its share is predicted by a training set that holds fewer. So a model
#   that says the prevalence alone ranks positives below negatives: 0.0 under leave-one-out, about a quarter under ten folds
#   of 60 samples, and a logistic regression on noise lies below a half too. Nothing is raised. Folds that are
#   stratified lose less, the mean of the folds' own areas nothing. (Known: Airola et al., CSDA 55 (2011) 1828-1844.)
# Versions: scikit-learn 1.9.1, numpy 2.4.6, Python 3.11. Seen on 2026-11-28.
# Why it matters here: a competitor whose pooled predictions are imported, and a floor of prevalence beside it, are held
#   against a half. A row at 0.45 may be as good as chance, one at 0.5 better. Our own tables score each fold by itself;
#   `doctor` pools, so that an AUROC below a half there says nothing, and its alarms begin at 0.6.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet scikit-learn==1.9.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, LeaveOneOut, StratifiedKFold, cross_val_predict, cross_val_score

SAMPLES = 60


def pooled(model, folds):
    """The mean AUROC over twenty tables whose five columns are noise."""
    areas = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values, label = rng.normal(size=(SAMPLES, 5)), rng.random(SAMPLES) < 0.3
        predicted = cross_val_predict(model, values, label, cv=folds, method="predict_proba")[:, 1]
        areas.append(roc_auc_score(label, predicted))
    return float(np.mean(areas))


prior, logistic = DummyClassifier(strategy="prior"), LogisticRegression()
ten = {"ten folds": KFold(10, shuffle=True, random_state=0), "stratified": StratifiedKFold(10, shuffle=True, random_state=0)}
seen = {
    ("prevalence", "leave-one-out"): pooled(prior, LeaveOneOut()),
    **{("prevalence", name): pooled(prior, folds) for name, folds in ten.items()},
    **{("logistic", name): pooled(logistic, folds) for name, folds in ten.items()},
}
for (model, folds), area in seen.items():
    print(f"{model}, {folds}: {area:.2f}")
rng = np.random.default_rng(0)
values, label = rng.normal(size=(SAMPLES, 5)), rng.random(SAMPLES) < 0.3
alone = cross_val_score(prior, values, label, cv=ten["stratified"], scoring="roc_auc").mean()
print(f"prevalence, mean of the folds' own areas: {alone:.2f}")
below = seen["prevalence", "leave-one-out"] == 0 and seen["prevalence", "ten folds"] < 0.35
sys.exit(0 if below and seen["logistic", "ten folds"] < 0.48 and alone == 0.5 else 1)
PYTHON
venv/bin/python seen.py

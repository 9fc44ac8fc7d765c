#!/bin/sh
# What one would expect: the accuracy by the .632+ bootstrap of mlxtend lies between 0 and 1, near what the fitted model reaches
#   on new patients. Its docstring names Efron and Tibshirani (1997), whose relative overfitting rate R is held between 0 and 1.
# What happens: R is computed anew in each round and held nowhere. Its denominator, the error of knowing nothing minus the
#   error on all patients, is near 0 in some rounds where markers tell little, so single accuracies reach from -1919.9 to
#   140.5. Their mean, which the docstring shows as the result, is -18.8, -1.7, 1.25 and nan in four of 12 tables of 80
#   patients, and the 95 % interval, made of the same rounds, leaves the scale in 10. By the published method, worked out
#   below, all 12 lie between 0.50 and 0.60, on average 0.531 (on new patients: 0.523). Eight tables give no warning, that of
#   -18.8 among them; 0 / 0 gives numpy's own. The guide has the formula of R without its limits.
# Versions: mlxtend 0.25.0, scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, Python 3.11. Seen on 2026-12-01.
# Why it matters here: this bootstrap is there for small tables and models that overfit, which is what a rare modality leaves. A
#   mean of -18.8 is seen; one of 0.43 or 0.61, where 0.55 and 0.53 are right, is not, and it picks the method.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet mlxtend==0.25.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from mlxtend.evaluate import BootstrapOutOfBag, bootstrap_point632_score
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

PATIENTS, MARKERS, TABLES, ROUNDS = 80, 4, 12, 200


def draw(rng, patients):
    markers = rng.normal(size=(patients, MARKERS))
    return markers, (rng.random(patients) < 1 / (1 + np.exp(-0.3 * markers[:, 0]))).astype(int)


def published(markers, ill):
    """.632+ of Efron and Tibshirani: one R for the table, held between 0 and 1."""
    answer = LinearDiscriminantAnalysis().fit(markers, ill).predict(markers)
    seen = (answer != ill).mean()
    wrong, times = np.zeros(len(ill)), np.zeros(len(ill))
    for train, test in BootstrapOutOfBag(ROUNDS, random_seed=0).split(markers):
        model = LinearDiscriminantAnalysis().fit(markers[train], ill[train])
        wrong[test] += model.predict(markers[test]) != ill[test]
        times[test] += 1
    nothing = ill.mean() * (1 - answer.mean()) + (1 - ill.mean()) * answer.mean()
    unseen = min((wrong / times).mean(), nothing)
    rate = (unseen - seen) / (nothing - seen) if min(unseen, nothing) > seen else 0.0
    weight = 0.632 / (1 - 0.368 * rate)
    return 1 - weight * unseen - (1 - weight) * seen


rows = []
for table in range(TABLES):
    rng = np.random.default_rng(table)
    markers, ill = draw(rng, PATIENTS)
    others, theirs = draw(rng, 20_000)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        scores = bootstrap_point632_score(
            LinearDiscriminantAnalysis(), markers, ill, n_splits=ROUNDS, method=".632+", random_seed=0
        )
    new = (LinearDiscriminantAnalysis().fit(markers, ill).predict(others) == theirs).mean()
    low, high = np.percentile(scores, [2.5, 97.5])
    rows.append([scores.mean(), low, high, scores.min(), scores.max(), published(markers, ill), new, len(told)])
    print(
        "mlxtend {:7.3f}, interval {:5.2f} to {:5.2f}, rounds {:7.1f} to {:6.1f}; published {:.3f}; new patients {:.3f};"
        " warnings {}".format(*rows[-1])
    )
rows = np.array(rows)
mean, low, high, least, most, right, new, told = rows.T
outside = ~((mean >= 0) & (mean <= 1))
print(f"means outside of 0 to 1: {outside.sum()}; intervals: {(~((low >= 0) & (high <= 1))).sum()}; of {TABLES} tables")
print(f"tables without a warning: {(told == 0).sum()}, with a round outside: {((told == 0) & ((least < 0) | (most > 1))).sum()}")
print(f"published: {right.min():.3f} to {right.max():.3f}, mean {right.mean():.3f}; new patients, mean {new.mean():.3f}")
good = right.min() > 0.4 and right.max() < 0.7 and abs(right.mean() - new.mean()) < 0.05
silent = told == 0
wild = (silent & ((least < -1) | (most > 2))).sum() >= 4 and (silent & outside).any()
sys.exit(0 if outside.sum() >= 3 and wild and good else 1)
PYTHON
venv/bin/python seen.py

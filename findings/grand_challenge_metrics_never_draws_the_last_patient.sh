#!/bin/sh
# What one would expect: get_bootstrapped_roc_ci_curves of grand-challenge-metrics gives the interval of an AUC from
#   samples of "len(y_pred) samples randomly (with replacement)", in which each patient is as likely as any other. The
#   order of the patients has no part in it, and the interval holds the AUC. accuracies_from_confusion_matrix of the
#   same package gives each class an accuracy between 0 and 1.
# What happens: the last patient is never drawn. Of 30 healthy and 10 ill patients with an AUC of 0.91, of whom one ill
#   patient is missed, the interval is 1.00 to 1.00 if the missed one stands last in the table, and his sensitivity is
#   not 0.90 but 1.00 at any specificity. With any other patient last it is 0.68 to 0.72 up to 1.00; with all patients
#   drawn, 0.70 to 1.00. get_bootstrapped_ci_point_error draws alike. The more patients, the less it matters: one in
#   forty here. The accuracies are rounded down to whole numbers: a class with 0.96 has 0, and so has each that is not
#   perfect. Nothing is raised or printed, and the docstrings do not say so.
# Versions: grand-challenge-metrics 0.6.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: challenges score small test sets with this package, and tables are often sorted by label, so that
#   the last patient is an ill one. An interval that leaves out the AUC beside it says of two methods that they differ,
#   or that they do not, by who stands last; in strata by missing modality there are few patients.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile grand-challenge-metrics==0.6.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from grand_challenge_metrics.roc import get_bootstrapped_roc_ci_curves
from grand_challenge_metrics.stats import accuracies_from_confusion_matrix
from sklearn.metrics import confusion_matrix, roc_auc_score

warnings.simplefilter("error")  # a warning would be a change
draw = np.random.default_rng(0)
ill = np.repeat([0, 1], [30, 10])
score = np.concatenate([draw.normal(0, 1, 30), draw.normal(3, 1, 10)])
score[-1] = -1  # one ill patient looks healthy
patients = np.arange(40)
auc = roc_auc_score(ill, score)


def interval(last):
    """Interval of the AUC, and sensitivity at a specificity of one half, with this patient at the end of the table."""
    order = np.append(np.delete(patients, last), last)
    curves = get_bootstrapped_roc_ci_curves(score[order], ill[order], num_bootstraps=1000)
    return curves.low_az_val, curves.high_az_val, curves.mean_tpr_vals[50]


all_drawn = []
while len(all_drawn) < 4000:
    some = draw.integers(0, 40, 40)
    if 0 < ill[some].sum() < 40:
        all_drawn.append(roc_auc_score(ill[some], score[some]))
low, high = np.quantile(all_drawn, [0.025, 0.975])
missed_last = interval(39)
others = np.array([interval(one) for one in range(39)])
print(f"AUC {auc:.2f}; its interval with all 40 patients drawn by hand {low:.2f} to {high:.2f}")
print("  by grand-challenge-metrics, the missed patient last: {:.2f} to {:.2f}".format(*missed_last))
lowest, highest = others.min(axis=0), others.max(axis=0)
print(f"  any other patient last: {lowest[0]:.2f} to {highest[0]:.2f} below, {lowest[1]:.2f} above")
print(f"  sensitivity at a specificity of 0.50, the missed patient last: {missed_last[2]:.2f}")
print(f"  counted: {np.mean(score[ill == 1] > np.median(score[ill == 0])):.2f}")

truth = np.repeat([0, 1], 100)
answer = truth.copy()
answer[:5], answer[100:103] = 1, 0
matrix = confusion_matrix(truth, answer)
accuracies = accuracies_from_confusion_matrix(matrix)
print(f"accuracy of both classes: {accuracies}; counted {np.mean(truth == answer):.2f}")

as_before = (
    np.allclose(missed_last, 1)
    and auc < missed_last[0]
    and 0.6 < lowest[0]
    and highest[0] < 0.75
    and abs(low - 0.70) < 0.03
    and np.array_equal(accuracies, [0, 0])
)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

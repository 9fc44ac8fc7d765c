#!/bin/sh
# What one would expect: of ordinal grades 0 to 4 the error of a 4 for a 0 is 4 grades, whoever else is in the test set: it is
#   no error of one grade (dlordinal's accuracy_off1), and counts 4 in the mean absolute error by class (amae, mmae).
# What happens: distances are taken in the confusion matrix, which has rows only for grades that occur. In a test set
#   without grades 1 to 3 a healthy eye that is graded 4 is "off by one": accuracy_off1 is 1.0, not 0.75, and amae 0.25, not
#   1.0. accuracy_off1 also drops every sample that is predicted a grade nobody has. With labels=range(5) it is right; amae
#   and mmae take no labels. Five more samples, all predicted right, that bring the grades in make amae greater.
# Versions: dlordinal 2.7.0, scikit-learn 1.9.1, numpy 2.4.6, Python 3.11. Seen on 2026-11-30.
# Why it matters here: severe grades are rare, so a fold, a stratum of missing modalities or a group by site lacks some of
#   them, and is then scored with a shorter scale than its neighbour: a table by presence pattern compares scales, not
#   methods. Our mean absolute error takes the grades from the dataset, not from the samples that a test happens to have.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6 scikit-learn==1.9.1
# Its losses need torch, which its scores do not.
venv/bin/pip install --quiet --no-deps dlordinal==2.7.0
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from dlordinal.metrics import accuracy_off1, amae, mmae


def by_hand(true, predicted):
    error = np.abs(true - predicted)
    by_class = [error[true == grade].mean() for grade in np.unique(true)]
    return float((error <= 1).mean()), float(np.mean(by_class)), float(np.max(by_class))


def scores(true, predicted):
    return float(accuracy_off1(true, predicted)), float(amae(true, predicted)), float(mmae(true, predicted))


few = np.array([0, 0, 4, 4]), np.array([0, 4, 4, 4])
# The same, and one sample of each grade that is predicted right.
whole = tuple(np.concatenate([part, np.arange(5)]) for part in few)
alone = np.array([0, 0, 1, 1]), np.array([0, 3, 1, 1])
for name, samples in {"grades 0 and 4": few, "all grades": whole, "3 is predicted, nobody has it": alone}.items():
    print(f"{name}: accuracy_off1, amae, mmae {np.round(scores(*samples), 3)}; by hand {np.round(by_hand(*samples), 3)}")
labelled = float(accuracy_off1(*few, labels=range(5)))
print("grades 0 and 4, labels=range(5): accuracy_off1", labelled)
shrunk = scores(*few) == (1.0, 0.25, 0.5) and by_hand(*few) == (0.75, 1.0, 2.0)
right = np.allclose(scores(*whole), by_hand(*whole)) and labelled == 0.75
dropped = scores(*alone)[0] == 1.0 and by_hand(*alone)[0] == 0.75
greater = scores(*whole)[1] > scores(*few)[1]
sys.exit(0 if shrunk and right and dropped and greater else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: ClassificationMetric of permetrics takes labels as a list or array, and a column of them, of the
#   shape (patients, 1) that a network with one output has, is the same labels; so it is in RegressionMetric of the
#   same package, and so it was in permetrics 2.0.0. Where each answer is wrong the accuracy is 0. And the correlation of
#   a prediction with itself is 1, with sample=True ("sample covariance or population covariance") or without it.
# What happens: of two columns of labels in which each answer is wrong, accuracy and F1-macro are 1, and so they are of
#   any two columns. Of a list of labels and a column of probabilities of a perfect network the accuracy is the
#   share of the healthy. Anything with two dimensions is taken for one column a class, and the greatest of one column is
#   always the first: everybody has class 0. A column is reshaped where the data of regression are read, and not where
#   those of classes are. With sample=True the correlation of four values with themselves is 1.33: the covariance is
#   divided by three, the standard deviations by four. Nothing is raised or printed.
# Versions: permetrics 2.1.0 beside 2.0.0, numpy 2.4.6 (2.0.0: numpy 1.26.4, scipy 1.12.0), Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: networks with one output for ill or healthy give a column, and a dataframe's column often is one.
#   The table then shows 1.000 for each method, or for each the share of the healthy, which looks like a result.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet permetrics==2.1.0 numpy==2.4.6
python3 -m venv before
before/bin/pip install --quiet permetrics==2.0.0 numpy==1.26.4 scipy==1.12.0
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from permetrics import ClassificationMetric, RegressionMetric

new = sys.argv[1] == "new"
warnings.simplefilter("error")  # a warning would be a change
ill = np.array([0, 1, 1, 0, 1, 0, 0, 0])
turned = 1 - ill
network = np.where(ill == 1, 0.9, 0.1)
column = (-1, 1)
flat = ClassificationMetric(ill, turned)
upright = ClassificationMetric(ill.reshape(column), turned.reshape(column))
accuracy = [flat.accuracy_score(), upright.accuracy_score()]
f1 = [flat.f1_score(average="macro"), upright.f1_score(average="macro")]
print(f"each answer wrong: accuracy {accuracy[0]} as a list, {accuracy[1]} as columns; F1-macro {f1[0]} and {f1[1]}")
perfect = [ClassificationMetric(ill, one).accuracy_score() for one in (network, network.reshape(column))]
print(f"each answer right: accuracy {perfect[0]} by a list of probabilities, {perfect[1]} by a column")
values = np.array([1.0, 2.0, 3.0, 4.0])
errors = [RegressionMetric(a, a[::-1]).mean_absolute_error() for a in (values, values.reshape(column))]
correlation = [RegressionMetric(values, values).correlation(sample=sample) for sample in (False, True)]
print(f"regression: mean absolute error {errors[0]} and {errors[1]}")
print(f"correlation of values with themselves: {correlation[0]:.3f}, with sample=True {correlation[1]:.3f}; wanted 1")
good = accuracy[0] == 0 and f1[0] == 0 and perfect[0] == 1 and np.ravel(errors[0]) == np.ravel(errors[1])
good &= accuracy[1] == f1[1] == (1 if new else 0) and perfect[1] == (0.625 if new else 1)
good &= abs(correlation[0] - 1) < 1e-12 and abs(correlation[1] - 4 / 3) < 1e-12
sys.exit(0 if good else 1)
PYTHON
echo "permetrics 2.0.0"
before/bin/python seen.py before
echo "permetrics 2.1.0"
venv/bin/python seen.py new

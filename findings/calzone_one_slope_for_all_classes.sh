#!/bin/sh
# What one would expect: calzone takes a class of interest, class_to_calculate, and of three grades gives each metric for that
#   class against the rest; its documentation says to test each class so. The calibration slope and intercept of a grade
#   ("COX") are those of its own probabilities, as are ECE, Hosmer-Lemeshow, Spiegelhalter and Loess.
# What happens: CalibrationMetrics fits "COX" to class 1 whichever class it is asked for, and prints its slope, intercept and
#   intervals under the other's name. A grade that is foretold far too surely (slope 0.53) gets slope 1.02 and a "COX ICI"
#   of 0.001, where its Loess ICI is 0.043. cox_regression_analysis, called with class_to_calculate=2, takes the labels of
#   class 2 and the probabilities of class 1: its slope is negative, of a calibrated model, too. A table of two columns, the
#   rest and the class, gives the right one. Nothing is raised or printed.
# Versions: calzone-tool 0.1.0, numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0, Python 3.11. Seen on 2026-11-30.
# Why it matters here: slope and intercept are what clinical guidelines ask of a model, and grades and diagnoses have more than
#   two classes. A table by class shows one row again and again, and the class that is worst looks as good as class 1.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet calzone-tool==0.1.0 numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from calzone.metrics import CalibrationMetrics, cox_regression_analysis
from scipy.special import expit, logit, softmax

rng = np.random.default_rng(0)
true = softmax(1.5 * rng.normal(size=(20000, 3)) + [1, 0, -1], axis=1)
grade = (true.cumsum(1) > rng.random((20000, 1))).argmax(1)
# Grade 1 keeps its true probability. Between grades 0 and 2 the model is twice too sure.
rest = 1 - true[:, 1]
second = rest * expit(2 * logit(true[:, 2] / rest))
said = np.column_stack([rest - second, true[:, 1], second])
rows, alone, direct = {}, {}, {}
calibrated = float(cox_regression_analysis(grade, true, class_to_calculate=2)[0])
for name in range(3):
    metrics = CalibrationMetrics(class_to_calculate=name).calculate_metrics(grade, said, "all")
    rows[name] = {key: float(metrics[key]) for key in ("COX coef", "COX intercept", "COX ICI", "Loess ICI", "ECE-C")}
    direct[name] = float(cox_regression_analysis(grade, said, class_to_calculate=name)[0])
    two = np.column_stack([1 - said[:, name], said[:, name]])
    alone[name] = float(cox_regression_analysis((grade == name).astype(int), two)[0])
    shown = ", ".join(f"{key} {value:.3f}" for key, value in rows[name].items())
    print(f"grade {name}: {shown}")
    print(f"  slope by cox_regression_analysis {direct[name]:.3f}; of this grade's column beside the rest {alone[name]:.3f}")
print(f"of the true probabilities, grade 2: slope by cox_regression_analysis {calibrated:.3f}")
same = all(rows[name][key] == rows[1][key] for name in (0, 2) for key in ("COX coef", "COX intercept"))
looks_fine = abs(rows[2]["COX coef"] - 1) < 0.1 and rows[2]["COX ICI"] < 0.02
is_not = alone[2] < 0.7 and rows[2]["Loess ICI"] > 0.03 and rows[2]["ECE-C"] > 0.03
sys.exit(0 if same and looks_fine and is_not and max(direct[2], calibrated) < 0 < direct[1] else 1)
PYTHON
venv/bin/python seen.py

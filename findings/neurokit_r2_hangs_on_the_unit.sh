#!/bin/sh
# What one would expect: fit_r2 of neurokit2, and "R2" of fit_error, is the share of the variance that a model
#   explains: 1 for a prediction without an error, 0 for the mean of all, the same in every unit, as r2_score of
#   scikit-learn, by which fit_polynomial of the same package has its R2.
# What happens: it is the squared error divided by the standard deviation times n, not by the variance times n, and
#   not taken from 1. With adjusted=False a perfect prediction has 0, and the mean of all patients has the standard
#   deviation: of a blood pressure 19.4 in mmHg, 2.6 in kPa. With adjusted=True, the default, it is taken from 1: a
#   model with R2 0.79 has -3.1 in mmHg, 0.45 in kPa and 0.995 in bar, and one that says the mean has 0.97 in bar.
#   MSE and RMSE are right. Nothing is raised or printed.
# Versions: neurokit2 0.3.0, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, scikit-learn 1.9.1, matplotlib 3.11.2, Python
#   3.11. Seen on 2026-12-01.
# Why it matters here: R2 is how models of blood pressure or breathing from signals are reported. By unit it is a
#   failure or nearly perfect, and adjusted=False puts the best model last.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet neurokit2==0.3.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 scikit-learn==1.9.1 matplotlib==3.11.2
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from sklearn.metrics import r2_score

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    import neurokit2

warnings.simplefilter("error")  # a warning would be a change
rng = np.random.default_rng(0)
known = rng.normal(size=500)
pressure = 120 + 17 * known + 9.5 * rng.normal(size=500)
models = {"model": 120 + 17 * known, "mean of all": np.full(500, pressure.mean()), "without an error": pressure}
seen = {}
for unit, factor in (("mmHg", 1), ("kPa", 0.133322), ("bar", 0.00133322)):
    for name, said in models.items():
        true, said = factor * pressure, factor * said
        plain, adjusted = neurokit2.fit_r2(true, said, adjusted=False), neurokit2.fit_r2(true, said)
        seen[unit, name] = float(plain), float(adjusted), float(r2_score(true, said)), float(np.std(true))
        print(f"{name}, {unit}: R2 {plain:.3g}, adjusted {adjusted:.3g}; by scikit-learn {seen[unit, name][2]:.3g}")
good = all(abs(seen[unit, "model"][2] - seen["mmHg", "model"][2]) < 1e-9 for unit in ("kPa", "bar"))
for (unit, name), (plain, adjusted, right, deviation) in seen.items():
    good &= abs(plain - (1 - right) * deviation) < 1e-9 * max(1, deviation)
    good &= abs(adjusted - (1 - plain * 499 / 498)) < 1e-9 * max(1, deviation)
good &= seen["mmHg", "without an error"][0] == 0 and seen["mmHg", "mean of all"][0] > 15
good &= seen["mmHg", "model"][1] < -3 and seen["bar", "model"][1] > 0.99 and 0.7 < seen["bar", "model"][2] < 0.8
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

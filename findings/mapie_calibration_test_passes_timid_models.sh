#!/bin/sh
# What one would expect: MAPIE has three tests of the "null hypothesis of perfect calibration" of probabilities:
#   kolmogorov_smirnov_p_value, kuiper_p_value and spiegelhalter_p_value. All three reject a model that is far from
#   calibrated, whichever way it is wrong. Of Spiegelhalter's statistic its docstring says: the closer to zero, the better.
# What happens: spiegelhalter_p_value is one-sided. A model that is too sure of itself gets p = 0; one that is too timid
#   (logits halved) has a statistic of -8 and gets p = 1.0, the best value that there is, where the two others say 0.00. The
#   further off it is, the better the p. Twice the smaller tail, the test of both sides, rejects both ways and about 5 % of
#   calibrated models. Neither the docstring nor the documentation says that one side alone is tested.
# Versions: MAPIE 1.6.0, scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: Spiegelhalter's test is a usual one for clinical prediction models. Label smoothing,
#   dropout of modalities, averages of models and too hot a temperature make models timid, and each of them passes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet mapie==1.6.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from mapie.metrics.calibration import (
    kolmogorov_smirnov_p_value,
    kuiper_p_value,
    spiegelhalter_p_value,
    spiegelhalter_statistic,
)
from scipy.special import expit
from scipy.stats import norm

SETS, PATIENTS = 200, 1000
TESTS = ("Spiegelhalter", "Kolmogorov-Smirnov", "Kuiper", "Spiegelhalter, both sides")
share, mean, statistic = {}, {}, {}
for name, scale in {"timid": 0.5, "a little timid": 0.7, "calibrated": 1.0, "a little too sure": 1.4, "too sure": 2.0}.items():
    rng = np.random.default_rng(0)
    values, found = [], []
    for _ in range(SETS):
        logit = 2 * rng.normal(size=PATIENTS)
        ill = (rng.random(PATIENTS) < expit(logit)).astype(int)
        said = expit(scale * logit)
        z = spiegelhalter_statistic(ill, said)
        tests = [test(ill, said) for test in (spiegelhalter_p_value, kolmogorov_smirnov_p_value, kuiper_p_value)]
        values.append([*tests, 2 * norm.sf(abs(z))])
        found.append(z)
    share[name] = dict(zip(TESTS, np.mean(np.array(values) < 0.05, axis=0)))
    mean[name] = dict(zip(TESTS, np.mean(values, axis=0)))
    statistic[name] = float(np.mean(found))
    rejected = ", ".join(f"{test} {part:.0%} (mean p {mean[name][test]:.2f})" for test, part in share[name].items())
    print(f"{name}: statistic {statistic[name]:.1f}; rejected at 5 %: {rejected}")
wrong = ("timid", "too sure")
others = all(share[name][test] > 0.95 for name in wrong for test in TESTS[1:])
fair = all(0.01 <= part <= 0.1 for part in share["calibrated"].values())
one_side = share["too sure"]["Spiegelhalter"] > 0.95 and share["timid"]["Spiegelhalter"] == 0
best = mean["timid"]["Spiegelhalter"] > 0.99 and statistic["timid"] < -5
sys.exit(0 if others and fair and one_side and best else 1)
PYTHON
venv/bin/python seen.py

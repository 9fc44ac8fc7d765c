#!/bin/sh
# What one would expect: QuantileLoss of netcal, and PinballLoss, its other name, is the pinball loss that its docstring writes
#   down: the distance to the predicted quantile, times q where the truth lies above it and times 1 - q where it lies below. At
#   q = 0.5 it is half the mean absolute error, as in scikit-learn's mean_pinball_loss.
# What happens: q is taken for a central interval. The distance is that to the nearer of its two bounds, times 1 - q within the
#   interval and times q outside. Of a perfect forecast (normal, deviation 1) it is 0.074, 0.239 and 0.128 at 0.1, 0.5 and 0.9,
#   where the pinball loss is 0.177, 0.401 and 0.177. At 0.5 it changes with the deviation, which the median does not have.
#   And it does not know above from below: forecasts one too high and one too low have 0.108 and 0.108 at 0.1, where the
#   pinball loss is 0.304 and 0.232, so at 0.1 it prefers 0.9 too high to 1 too low, and the pinball loss does not. From
#   samples and from a cumulative distribution it is the same. The docstring speaks of "quantile boundaries", not
#   of intervals. Nothing is raised or printed.
# Versions: netcal 1.4.0, torch 2.13.0 (CPU), scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-12-01.
# Why it matters here: quantiles of an age, an ejection fraction or a length of stay are compared between methods, and with
#   papers, by this loss. A lower quantile is asked for because too high and too low do not cost the same.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet netcal==1.4.0 torch==2.13.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from scipy.stats import norm

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from netcal.metrics.regression import PinballLoss, QuantileLoss
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

PATIENTS, LEVELS = 20000, (0.1, 0.5, 0.9)
rng = np.random.default_rng(0)
mean = 3 * rng.normal(size=PATIENTS)
truth = mean + rng.normal(size=PATIENTS)


def both(bias=0.0, deviation=1.0):
    """netcal's loss and scikit-learn's of a normal forecast that lies bias too high, at each level."""
    forecast = mean + bias, np.full(PATIENTS, deviation)
    said = [QuantileLoss().measure(forecast, truth, q=np.array([level])) for level in LEVELS]
    right = [
        mean_pinball_loss(truth, forecast[0] + deviation * norm.ppf(level), alpha=level) for level in LEVELS
    ]
    return np.array(said), np.array(right)


seen = {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for bias, deviation in ((0, 1), (0, 0.5), (0, 2), (1, 1), (0.9, 1), (-1, 1)):
        seen[bias, deviation] = both(bias, deviation)
        shown = (np.round(row, 3).tolist() for row in seen[bias, deviation])
        print("bias {:4}, deviation {}: netcal {}, pinball loss {}".format(bias, deviation, *shown))
    several = PinballLoss().measure((mean, np.ones(PATIENTS)), truth, q=np.array(LEVELS))
    some = slice(0, 4000)
    drawn = mean[some] + rng.normal(size=(400, 4000))
    samples = [QuantileLoss().measure(drawn, truth[some], q=np.array([level])) for level in LEVELS]
half = mean_absolute_error(truth, mean) / 2
print(f"half the mean absolute error {half:.3f}; netcal, mean of the levels {several:.3f}; from samples {np.round(samples, 3)}")
width = norm.ppf(0.5 + np.array(LEVELS) / 2)
error = truth - mean
near = [
    np.mean(abs(abs(error) - half_width) * np.where(abs(error) < half_width, 1 - level, level))
    for level, half_width in zip(LEVELS, width)
]
print("distance to the nearer bound of the central interval, worked out here:", np.round(near, 3).tolist())
print("warnings:", [str(w.message)[:80] for w in told] or "none")
said, right = seen[0, 1]
other = np.allclose(said, near, atol=1e-9) and abs(right[1] - half) < 1e-9 and (said < 0.8 * right).all()
median = abs(seen[0, 2][0][1] - said[1]) > 0.05 and abs(seen[0, 2][1][1] - right[1]) < 1e-9
low = seen[0.9, 1][0][0] < seen[-1, 1][0][0] and seen[0.9, 1][1][0] > seen[-1, 1][1][0]
sys.exit(0 if other and median and low and np.allclose(samples, said, atol=0.02) and not told else 1)
PYTHON
venv/bin/python seen.py 2>progress || { cat progress >&2; exit 1; }

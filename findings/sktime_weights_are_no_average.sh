#!/bin/sh
# What one would expect: error metrics of sktime take sample_weight, "sample weights for each time point", and average
#   errors by it. With a weight of 1 where a value was measured and 0 where it was not, that is the error of the
#   measured values, as in scikit-learn. Weights of 2 throughout change nothing.
# What happens: MeanAbsoluteError, MeanSquaredError, MeanAbsolutePercentageError and MeanAbsoluteScaledError multiply
#   the errors by the weights, and divide by the number of values, not by the sum of weights. Where 10, 50 and 90 % of
#   the values are missing the mean absolute error is 0.90, 0.50 and 0.10 times that of the measured ones. With weights
#   of 2 it is doubled, and the scaled one, which multiplies twice, is four times as large. MeanSquaredPercentageError,
#   MeanSquaredScaledError and others of the same module divide by the sum of weights and are right, so is the function
#   mean_absolute_error with its horizon_weight. Without weights, or with weights whose mean is 1, the first three are
#   right. Nothing is raised or printed, and the docstrings do not say so. The scaled one was reported in 2026.
# Versions: sktime 1.2.0, scikit-learn 1.9.1, scipy 1.17.1, pandas 3.0.6, numpy 2.3.5, Python 3.11. Seen on 2026-12-01.
# Why it matters here: vital signs and laboratory values are forecast with gaps, and a mask is the obvious weight. The
#   more of a patient is missing the smaller is his error, so a table over missing rates shows a method that gets better
#   the less it is given.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile sktime==1.2.0 scikit-learn==1.9.1 scipy==1.17.1 pandas==3.0.6 numpy==2.3.5
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from sktime.performance_metrics import forecasting

warnings.simplefilter("error")  # a warning would be a change
draw = np.random.default_rng(0)
truth, before = draw.normal(10, 2, 200), draw.normal(10, 2, 200)
forecast = truth + draw.normal(0, 1, 200)


def mean_absolute_error(truth, forecast, y_train, sample_weight=None):
    return forecasting.mean_absolute_error(truth, forecast, horizon_weight=sample_weight)


METRICS = {
    "MeanAbsoluteError": forecasting.MeanAbsoluteError(),
    "mean_absolute_error, the function": mean_absolute_error,
    "MeanSquaredError, square root": forecasting.MeanSquaredError(square_root=True),
    "MeanAbsolutePercentageError": forecasting.MeanAbsolutePercentageError(),
    "MeanSquaredPercentageError": forecasting.MeanSquaredPercentageError(),
    "MeanAbsoluteScaledError": forecasting.MeanAbsoluteScaledError(),
    "MeanSquaredScaledError": forecasting.MeanSquaredScaledError(),
}
MASKS = {f"{share:.0%} missing": (np.arange(200) % 10 >= 10 * share).astype(float) for share in (0.1, 0.5, 0.9)}
WEIGHTS = {"no weights": None, **MASKS, "all weights 2": np.full(200, 2.0)}


def error(metric, weight):
    more = {} if weight is None else {"sample_weight": weight}
    return float(metric(truth, forecast, y_train=before, **more))


def by_hand(name, weight):
    """The same, of the values with a weight alone."""
    kept = slice(None) if weight is None else weight > 0
    return float(METRICS[name](truth[kept], forecast[kept], y_train=before))


seen, right = {}, {}
for name, metric in METRICS.items():
    seen[name] = [error(metric, weight) for weight in WEIGHTS.values()]
    right[name] = [by_hand(name, weight) for weight in WEIGHTS.values()]
    print(name)
    print("   ", ", ".join(f"{way} {value:.3f}" for way, value in zip(WEIGHTS, seen[name], strict=True)))
    print("    of the weighted values alone:", ", ".join(f"{value:.3f}" for value in right[name]))
ratio = {name: np.divide(seen[name], right[name]) for name in METRICS}
as_before = (
    np.allclose(ratio["MeanAbsoluteError"], [1, 0.9, 0.5, 0.1, 2])
    and np.allclose(ratio["MeanAbsolutePercentageError"], [1, 0.9, 0.5, 0.1, 2])
    and np.allclose(ratio["MeanSquaredError, square root"], np.sqrt([1, 0.9, 0.5, 0.1, 2]))
    and np.allclose(ratio["MeanAbsoluteScaledError"], [1, 0.9, 0.5, 0.1, 4])
    and all(
        np.allclose(ratio[name], 1)
        for name in ("mean_absolute_error, the function", "MeanSquaredPercentageError", "MeanSquaredScaledError")
    )
)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

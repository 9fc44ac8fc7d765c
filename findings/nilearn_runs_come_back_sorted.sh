#!/bin/sh
# What one would expect: signal.clean of nilearn takes runs, the run of each volume, and "each run will be cleaned
#   independently". The result has the "same shape as signals": row for row the volumes that it was given, as a call
#   for each run by itself gives them, with the same options.
# What happens: the rows come back sorted by run. A session whose second run is named before the first ("rest" after
#   "task", or 1 after 2) has its runs exchanged, and runs that alternate are taken apart: the rows are those of
#   other volumes than the labels beside them. With runs the options of the filter (butterworth__order and the like)
#   are dropped, and so are, by the source, standardize_confounds and extrapolate; in a call for each run they are
#   heard. Nothing is raised or printed. Runs whose names are in order, with default options, are right.
# Versions: nilearn 0.14.1, numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1, pandas 3.1.1, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: labels of a decoder, and the other modalities of a patient, are paired with volumes row by
#   row. Exchanged runs pair them with another run's, and a decoder that reads the task well is at chance or, with
#   blocks in the same place, nearly as good as before, with nothing to see.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet nilearn==0.14.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 pandas==3.1.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    from nilearn.signal import clean

warnings.simplefilter("error")  # a warning would be a change
VOLUMES = 120
rng = np.random.default_rng(0)
PLAIN = {"detrend": False, "standardize": None, "t_r": 2.0}


def alone(signals, runs, **options):
    """Each run cleaned by itself, each row where it was."""
    made = np.empty_like(signals)
    for run in np.unique(runs):
        made[runs == run] = clean(signals[runs == run], **options)
    return made


def likeness(one, other):
    return float(np.corrcoef(one[:, 0], other[:, 0])[0, 1])


rows = {}
for name, runs in (
    ("1, then 2", np.repeat([1, 2], VOLUMES)),
    ("2, then 1", np.repeat([2, 1], VOLUMES)),
    ("task, then rest", np.repeat(["task", "rest"], VOLUMES)),
    ("1 and 2 in turns", np.tile([1, 2], VOLUMES)),
):
    signals = np.cumsum(rng.normal(size=(2 * VOLUMES, 1)), axis=0)
    options = PLAIN | {"low_pass": 0.1}
    made, expected = clean(signals, runs=runs, **options), alone(signals, runs, **options)
    rows[name] = made.shape == signals.shape, np.array_equal(made, expected), likeness(made, expected)
    order = np.argsort(runs, kind="stable")
    rows[name] += (np.array_equal(made, expected[order]),)
    print(
        f"runs {name}: rows as given {rows[name][1]}, sorted by run {rows[name][3]}; "
        f"correlation with each run alone {rows[name][2]:.2f}"
    )
runs = np.repeat([1, 2], VOLUMES)
signals = rng.normal(size=(2 * VOLUMES, 1))
band = PLAIN | {"low_pass": 0.1, "high_pass": 0.02}
dropped = {}
for order in (1, 2, 5, 8):
    made = clean(signals, runs=runs, **band, butterworth__order=order)
    expected = alone(signals, runs, **band, butterworth__order=order)
    default = clean(signals, runs=runs, **band)
    dropped[order] = float(abs(made - expected).max()), bool(np.array_equal(made, default))
    print(
        f"butterworth__order={order}: off by {dropped[order][0]:.2f} from each run alone (deviation {expected.std():.2f}); "
        f"equal to the default {dropped[order][1]}"
    )
good = rows["1, then 2"][:2] == (True, True)
for name in ("2, then 1", "task, then rest", "1 and 2 in turns"):
    good &= rows[name][0] and not rows[name][1] and rows[name][3] and rows[name][2] < 0.9
good &= all(same for _, same in dropped.values()) and dropped[5][0] < 1e-9 and all(dropped[order][0] > 0.1 for order in (1, 2, 8))
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: signal.clean of nilearn, given a sample_mask of the volumes to keep and a Butterworth
#   filter, replaces the censored volumes (head motion) by a spline before it filters and takes them out after it:
#   "interpolate high motion volumes with cubic spline interpolation; detrend; filter; censor". So what the scanner
#   wrote into a censored volume cannot reach the result, and the result has the volumes of the mask.
# What happens: the mask is a list of places, and is negated as if it were one of truth values (~3 is -4). So a
#   censored volume is replaced only if the volume as far from the other end of the scan is kept. Of a pair that
#   lies so (volumes 30 and 69 of 100) both stay as they are, and their motion is filtered into their neighbours:
#   14.9 off where spikes were 50 and the signal is 1. With 10, 20 and 33 of 100 volumes censored at random it is so
#   in 38, 93 and 100 of 100 scans. Where both ends are censored (the first three and the last three volumes) the
#   result has other volumes than the mask: the first three, censored ones are in it, and volumes 94 to 96 are not.
#   A volume whose mirror is kept is right. Nothing is raised or printed. clean_img and all maskers go through this
#   function.
# Versions: nilearn 0.14.1, numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1, pandas 3.1.1, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: fMRI beside scans, tables and text is a usual set of modalities, and censored volumes are its
#   missing values. Patients move more than controls, so what leaks through tells them apart, and a model of
#   connectivity is better than it should be. By the result's shape nobody can see that its volumes are others than
#   those it is paired with.
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
    from scipy.interpolate import CubicSpline

warnings.simplefilter("error")  # a warning would be a change
VOLUMES, SECONDS = 100, 2.0
times = SECONDS * np.arange(VOLUMES)
signal = np.sin(2 * np.pi * times / 40)[:, None]


def cleaned(table, keep=None):
    return clean(table, sample_mask=keep, detrend=False, standardize=None, low_pass=0.1, t_r=SECONDS)


def off(censored):
    """How far two scans are apart that differ in censored volumes alone, and how far the result is off."""
    keep = np.setdiff1d(np.arange(VOLUMES), censored)
    moved = signal.copy()
    moved[censored] += 50
    plain, made = cleaned(signal, keep.copy()), cleaned(moved, keep.copy())
    by_hand = cleaned(CubicSpline(times[keep], signal[keep])(times))[keep]
    return abs(made - plain).max(), abs(made - by_hand).max()


seen = {}
for censored in ([30], [30, 40, 41], [30, 69], [49, 50], [0, 1, 2], [0, 1, 2, 97, 98, 99]):
    seen[tuple(censored)] = off(np.array(censored))
    leaked, error = seen[tuple(censored)]
    print(f"volumes {censored} censored: their motion changes the others by {leaked:.3g}; off by {error:.3g}")
print("expected: 0 and nearly 0 throughout")
rng = np.random.default_rng(0)
for count in (10, 20, 33):
    leaks = [off(np.sort(rng.choice(np.arange(1, VOLUMES - 1), count, replace=False)))[0] for _ in range(100)]
    seen[count] = np.mean(np.array(leaks) > 1)
    print(f"{count} of {VOLUMES} censored at random: motion leaks in {100 * seen[count]:.0f} of 100 scans")
numbered = np.arange(VOLUMES, dtype=float)[:, None]  # each volume holds its own number
keep = np.arange(3, 97)
which = cleaned(numbered, keep.copy())[:, 0]
print(f"volumes 3 to 96 asked for: those from {which[5]:.1f} to {which[-6]:.1f} are where 8 to 91 are expected")
good = all(leaked < 0.01 and error < 0.1 for leaked, error in (seen[30,], seen[30, 40, 41], seen[0, 1, 2]))
good &= all(min(seen[pair]) > 10 for pair in ((30, 69), (49, 50), (0, 1, 2, 97, 98, 99)))
good &= seen[10] > 0.3 and seen[20] > 0.8 and seen[33] > 0.95
good &= abs(which[5] - 5) < 0.2 and abs(which[-6] - 88) < 0.2
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

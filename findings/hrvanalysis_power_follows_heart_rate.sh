#!/bin/sh
# What one would expect: lf and hf of hrv-analysis are the "variance ( = power )" of heart rate variability in their
#   bands, in ms2. Two patients whose intervals swing by the same 30 ms, at the same frequency, have the same power, 450
#   ms2, whatever their heart rate is; and lf/hf is 1 where both swings are equally large.
# What happens: with method="lomb" the power is the variance times the heart rate over 120, because a periodogram of
#   single beats is added up as if it were a density per Hz: 168 ms2 at 45 beats a minute, 561 at 150. By default (Welch
#   on intervals that are joined by straight lines at 4 Hz) what the lines cut off follows the heart rate as well: of a
#   breathing swing at 0.3 Hz 148 ms2 are left at 45 beats, 409 at 150, and lf/hf of two equal swings is 2.7 at 45 and 1.1
#   at 150. Divided by that factor, or with a cubic spline from 75 beats on, both are within 5 % of the variance. Nothing
#   is raised or printed, and the docstring recommends neither.
# Versions: hrv-analysis 1.0.6, nolds 0.6.2, astropy 8.0.2, scipy 1.17.1, pandas 3.1.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: such numbers stand in a table for the ECG, as features of a baseline or as the modality "signals".
#   A slow heart (athletes, beta blockers) then has "little variability", and a model of outcome learns heart rate under
#   another name.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet astropy==8.0.2 scipy==1.17.1 pandas==3.1.1 numpy==2.4.6 matplotlib==3.11.2 future==1.0.0
# It asks for nolds 0.6.3, which cannot be imported under Python 3.11, and uses it for sample entropy only.
venv/bin/pip install --quiet --no-deps hrv-analysis==1.0.6 nolds==0.6.2
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from hrvanalysis import get_frequency_domain_features

RATES = 45, 60, 75, 100, 150


def intervals(rate, *swings, seconds=300):
    """Five minutes of intervals (ms) whose length swings about that of a heart rate, by (frequency, amplitude)."""
    now, found = 0.0, []
    while now < seconds:
        found.append(60000 / rate + sum(size * np.sin(2 * np.pi * frequency * now) for frequency, size in swings))
        now += found[-1] / 1000
    return found


def features(found, **options):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("always", RuntimeWarning)
        made = get_frequency_domain_features(list(found), **options)
    if said:
        sys.exit(f"a warning: {said[0].message}")
    return made


good = True
for band, frequency in (("lf", 0.1), ("hf", 0.3)):
    for rate in RATES:
        found = intervals(rate, (frequency, 30))
        variance = np.var(found)
        lomb = features(found, method="lomb")[band]
        welch = features(found)[band]
        cubic = features(found, interpolation_method="cubic")[band]
        print(
            f"30 ms at {frequency} Hz, {rate} beats a minute: variance {variance:.0f}; {band} by lomb {lomb:.0f}, "
            f"times 120 over the rate {lomb * 120 / rate:.0f}; by default {welch:.0f}, by a cubic spline {cubic:.0f}"
        )
        good &= abs(variance / 450 - 1) < 0.02 and abs(lomb / (450 * rate / 120) - 1) < 0.03
        good &= rate < 75 or abs(cubic / 450 - 1) < 0.05
        good &= band == "lf" or rate > 75 or welch < 0.75 * 450
ratios = {}
for rate in RATES:
    made = features(intervals(rate, (0.1, 25), (0.3, 25)))
    ratios[rate] = made["lf_hf_ratio"]
    print(f"25 ms at 0.1 Hz and 25 ms at 0.3 Hz, {rate} beats a minute: lf/hf by default {ratios[rate]:.2f}")
good &= ratios[45] > 2 and ratios[150] < 1.2
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

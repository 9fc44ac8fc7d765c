#!/bin/sh
# What one would expect: ar_psd and lomb_psd of pyhrv give the "absolute powers of all frequency bands in [ms^2]" and
#   the LF/HF ratio of heart beats, as its welch_psd does by a third way. Of intervals that swing by 30 ms at 0.1 Hz
#   (LF) all 450 ms^2 are in LF, and LF/HF is large; of the same swing at 0.3 Hz (HF) all are in HF, and LF/HF is near
#   0. Its sdsd is the "standard deviation of successive differences".
# What happens: ar_psd adds up decibels, not power: 10 log10 of the density, times 1000, is integrated as if it were
#   ms^2. The total is some 16,000 where the variance is 450, and LF/HF is 0.5 to 0.6 whatever the rhythm: 0.57 for
#   the swing at 0.1 Hz, 0.52 for that at 0.3 Hz. lomb_psd asks for the angular frequency 2 pi / f instead of 2 pi f;
#   what it finds is noise: a LF/HF of 0.46 and 0.39. welch_psd gives 450 ms^2 in the right band. sdsd takes the
#   deviation of the sizes of the differences, without their signs: 43 ms where the differences deviate by 71. Nothing
#   is raised or printed, and neither the docstrings nor the README say so.
# Versions: pyhrv 0.5.0, biosppy 2.2.4, spectrum 0.10.0, nolds 0.6.2, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: such numbers stand in a table beside the ECG, as features of a baseline or as a modality. Two
#   of the three ways that the package offers say the same of every patient, so that a model learns that the autonomic
#   tone tells nothing; an SDSD, of which RMSSD is a close relative, is 40 % below that of any other package.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet --use-pep517 numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 biosppy==2.2.4 \
    peakutils==1.3.5 spectrum==0.10.0
# It asks for any nolds; 0.6.3 cannot be imported under Python 3.11, and is used for entropies only.
venv/bin/pip install --quiet --use-pep517 --no-deps pyhrv==0.5.0 nolds==0.6.2
venv/bin/pip install --quiet --use-pep517 future==1.0.0
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    import pyhrv.frequency_domain as frequency_domain
    import pyhrv.time_domain as time_domain

LF, HF = 1, 2


def intervals(rate, *swings, seconds=300):
    """Five minutes of intervals (ms) whose length swings about that of a heart rate, by (frequency, amplitude)."""
    now, found = 0.0, []
    while now < seconds:
        found.append(60000 / rate + sum(size * np.sin(2 * np.pi * frequency * now) for frequency, size in swings))
        now += found[-1] / 1000
    return np.array(found)


def bands(way, found):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made = getattr(frequency_domain, f"{way}_psd")(nni=found, mode="dev")[0]
    spoken = [one for one in said if not issubclass(one.category, DeprecationWarning)]
    if spoken and way == "ar":  # welch shortens its window, lomb divides by 0 Hz
        sys.exit(f"a warning: {spoken[0].message}")
    name = {"welch": "fft"}.get(way, way)
    return np.array(made[f"{name}_abs"], float), float(made[f"{name}_ratio"]), float(made[f"{name}_total"])


good = True
ratios = {}
for frequency, band in ((0.1, LF), (0.3, HF)):
    found = intervals(75, (frequency, 30))
    print(f"30 ms at {frequency} Hz, 75 beats a minute: variance {found.var():.0f} ms^2")
    for way in ("welch", "ar", "lomb"):
        power, ratio, total = bands(way, found)
        ratios[way, band] = ratio
        print(f"  {way}: LF {power[LF]:.4g}, HF {power[HF]:.4g}, in all {total:.4g} ms^2; LF/HF {ratio:.3g}")
        if way == "welch":
            good &= abs(power[band] / found.var() - 1) < 0.05
        else:
            good &= not 0.5 < total / found.var() < 2 and power[band] / total < 0.7
good &= ratios["welch", LF] > 1000 and ratios["welch", HF] < 0.001
for way in ("ar", "lomb"):
    good &= 0.2 < ratios[way, LF] < 1 and 0.2 < ratios[way, HF] < 1 and ratios[way, LF] / ratios[way, HF] < 2

beats = 800 + np.random.default_rng(0).normal(0, 50, 2000)
difference = np.diff(beats)
sdsd, true, sizes = float(time_domain.sdsd(beats)["sdsd"]), difference.std(ddof=1), np.abs(difference).std(ddof=1)
print(f"sdsd {sdsd:.2f} ms; deviation of the differences {true:.2f}, of their sizes {sizes:.2f}")
good &= abs(sdsd - sizes) < 0.01 and true > 1.5 * sdsd
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

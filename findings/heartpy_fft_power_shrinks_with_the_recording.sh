#!/bin/sh
# What one would expect: calc_fd_measures of heartpy gives vlf, lf, hf and p_total, the absolute powers of bands in ms^2,
#   by method "welch", "periodogram" or "fft" ("method used to compute the spectrogram"). A swing of 20 ms at 0.1 Hz has
#   a power of 200 ms^2, by whichever method and however long the recording is.
# What happens: by "welch" and "periodogram" it has 200. By "fft" it has 0.28 ms^2 in six minutes, 0.14 in twelve and 0.07
#   in twenty-four: twice the length of the recording in seconds is divided out. LF/HF and the percentages agree, so
#   nothing looks wrong. Nothing is raised or printed. The squares of the transform are already powers of single
#   frequencies, of one side alone; calc_fd_measures integrates them over frequency as if they were a density. The
#   integration is right for the other two, and was put in for them.
# Versions: heartpy 1.2.7, scipy 1.15.3, numpy 1.26.4, Python 3.11. Seen on 2026-12-01.
# Why it matters here: powers of bands are features of ECG and pulse waves beside images and text, and are given in ms^2
#   and their logarithm in papers. Recordings of patients differ in length, and those of the ill are often the shorter or
#   longer ones: this feature is the length of the recording, and of two studies by different methods one is 720 times the
#   other.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet heartpy==1.2.7 scipy==1.15.3 numpy==1.26.4 matplotlib==3.11.2 setuptools==80.9.0
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    from heartpy.analysis import calc_fd_measures

warnings.simplefilter("error")  # a warning would be a change


def intervals(minutes):
    """Intervals (ms) at 60 beats a minute that swing by 20 ms at 0.1 Hz and by 30 ms at 0.25 Hz."""
    now, found = 0.0, []
    while now < 60 * minutes:
        found.append(1000 + 20 * np.sin(0.2 * np.pi * now) + 30 * np.sin(0.5 * np.pi * now))
        now += found[-1] / 1000
    return found


LENGTHS = (6, 12, 24)
measured = {}
for method in ("welch", "periodogram", "fft"):
    for minutes in LENGTHS:
        _, made = calc_fd_measures(method=method, measures={}, working_data={"RR_list_cor": intervals(minutes)})
        measured[method, minutes] = made
        print(f"{method}, {minutes} minutes: LF {made['lf']:.4g} ms^2, LF/HF {made['lf/hf']:.3f}")
print(f"swing: LF {20**2 / 2:.0f} ms^2")
good = True
for minutes in LENGTHS:
    welch, periodogram, fft = (measured[method, minutes] for method in ("welch", "periodogram", "fft"))
    good &= abs(welch["lf"] / 200 - 1) < 0.02 and abs(periodogram["lf"] / 200 - 1) < 0.02
    good &= abs(fft["lf"] * 2 * 60 * minutes / 200 - 1) < 0.02
    good &= abs(fft["lf/hf"] / periodogram["lf/hf"] - 1) < 0.001
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

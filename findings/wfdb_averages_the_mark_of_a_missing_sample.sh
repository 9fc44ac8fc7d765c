#!/bin/sh
# What one would expect: a record of WFDB marks samples that a monitor did not take with a number of their own (-32768 in 16
#   bits), and wfdb.rdrecord gives NaN for them. Where a channel has four samples a frame, rdrecord averages them by
#   default; a frame with one missing sample of four should be NaN, or the mean of the three that are there.
# What happens: the mark itself goes into the mean. A constant 1 mV with one missing sample reads as -7.442 mV in that
#   frame, with no warning; only a frame that lacks all four is NaN. With smooth_frames=False every sample is right.
# Versions: wfdb 4.3.1, numpy 2.4.6, Python 3.11. Seen on 2026-11-29.
# Why it matters here: bedside waveforms (ECG of 500 Hz in frames of 125) have such frames and such gaps, and are the
#   signals of which parts are missing. A benchmark of missingness that reads them by default trains on spikes that nobody
#   measured, exactly where something is missing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet wfdb==4.3.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import wfdb

FRAMES, SAMPLES = 10, 4
ecg = np.full(FRAMES * SAMPLES, 1.0)
ecg[5] = np.nan
ecg[8:12] = np.nan
pressure = np.full(FRAMES, 1.0)
record = {"fs": 125, "units": ["mV", "mmHg"], "sig_name": ["II", "ABP"], "fmt": ["16", "16"], "adc_gain": [1000.0, 1000.0]}
wfdb.wrsamp("bed", **record, baseline=[0, 0], e_p_signal=[ecg, pressure], samps_per_frame=[SAMPLES, 1])
print(open("bed.hea").read())
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    averaged = wfdb.rdrecord("bed").p_signal[:, 0]
whole = wfdb.rdrecord("bed", smooth_frames=False).e_p_signal[0]
about = [str(one.message) for one in said if "sample" in str(one.message).lower()]
print("every sample:", whole[:12])
print("by default:  ", averaged, "warnings about samples:", about)
right = np.array_equal(whole, ecg, equal_nan=True)
spike = averaged[1] < -7 and np.isnan(averaged[2]) and np.all(averaged[[0, *range(3, FRAMES)]] == 1)
sys.exit(0 if right and spike and not about else 1)
PYTHON
venv/bin/python seen.py

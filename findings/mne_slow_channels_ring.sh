#!/bin/sh
# What one would expect: an EDF file holds an ECG of 250 Hz beside a saturation of 1 Hz, declared to lie between 0 and 100 %.
#   mne.io.read_raw_edf gives all channels one rate, so it must invent samples of the slow one: repeated, or joined by lines,
#   none beyond its neighbours and none beyond the range that the file declares.
# What happens: the slow channel is brought to the fast one's rate in the frequency domain, which rings around every
#   step. A saturation that falls from 99 to 85 % reads as up to 101 % and down to 83 %; a sixth of the samples lie more than
#   half a point above all that was measured. No warning.
# Versions: mne 1.13.2, edfio 0.4.18, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-11-29.
# Why it matters here: bedside EDF holds waves and numbers side by side, and thresholds on the numbers (saturation below 90 %)
#   are what labels and rules are made of. Read this way, values exist that no monitor showed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet mne==1.13.2 edfio==0.4.18 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import edfio
import mne
import numpy as np

ecg = np.sin(np.arange(250 * 20) / 10)
saturation = np.repeat([99.0, 85.0], 10)
signals = [
    edfio.EdfSignal(ecg, 250, label="ECG", physical_dimension="mV", physical_range=(-2, 2)),
    edfio.EdfSignal(saturation, 1, label="SpO2", physical_dimension="%", physical_range=(0, 100)),
]
edfio.Edf(signals).write("bed.edf")
stored = edfio.read_edf("bed.edf").signals[1].data
with warnings.catch_warnings(record=True) as raised:
    warnings.simplefilter("always")
    raw = mne.io.read_raw_edf("bed.edf", preload=True, verbose="warning")
read = raw.get_data("SpO2")[0]
above = float((read > stored.max() + 0.5).mean())
print("stored:", stored.round(2))
print(f"read at {raw.info['sfreq']:g} Hz: {read.min():.2f} to {read.max():.2f} %, {above:.0%} of it above 99.5 %")
print("warnings:", [str(one.message) for one in raised])
ringing = read.max() > 100.5 and read.min() < 84 and above > 0.1 and abs(stored - saturation).max() < 0.01
sys.exit(0 if ringing and not raised else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: the detector of Hamilton (2002) in py-ecg-detectors, and its copy in neurokit2
#   ("hamilton2002"), looks back: where no beat was found for one and a half mean intervals, the first peak above
#   half the threshold, more than 360 ms after the last beat, is a beat as well. So a beat of a third of the usual
#   height is found once the next one comes. Both have code for it.
# What happens: the list of peaks is cut at the sample numbers of the last two beats instead of at their places in
#   the list. The list is far shorter than the recording, so what is cut out is empty and nothing is ever added.
#   With every tenth beat at 25 to 40 % of the usual height none of the 13 low beats is found by either; all of them
#   fulfil the rule, worked out below from the detector's own curve. At 50 % and more they are above the threshold
#   itself. Nothing is raised or printed.
# Versions: py-ecg-detectors 1.3.5, neurokit2 0.3.0, gatspy 0.3, PyWavelets 1.9.0, scipy 1.17.1, numpy 2.4.6, pandas
#   3.1.1, scikit-learn 1.9.1, matplotlib 3.11.2, Python 3.11. Seen on 2026-12-01.
# Why it matters here: intervals between beats are what heart rate, its variability and tests for arrhythmia are
#   made of. Each beat that is missed is a pause of two intervals: RMSSD is 354 ms where it is 41, in patients whose
#   beats vary in height by breathing, or come early. A comparison of detectors that lists Hamilton's by either
#   package lists something else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet py-ecg-detectors==1.3.5 neurokit2==0.3.0 gatspy==0.3 PyWavelets==1.9.0 scipy==1.17.1 \
    numpy==2.4.6 pandas==3.1.1 scikit-learn==1.9.1 matplotlib==3.11.2
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from scipy.signal import butter, lfilter

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    import neurokit2
    from ecgdetectors import Detectors

warnings.simplefilter("error")  # a warning would be a change
RATE, SECONDS = 250, 120
beats = np.arange(1, SECONDS - 1, 0.8)
low = np.arange(20, len(beats), 10)


def recording(height):
    """Beats every 0.8 s, each tenth as low as is asked for, with T waves that are all of one height."""
    time = np.arange(SECONDS * RATE) / RATE
    made = 0.005 * np.random.default_rng(0).normal(size=len(time))
    for number, beat in enumerate(beats):
        size = height if number in low else 1
        made += size * (np.exp(-(((time - beat) / 0.012) ** 2)) - 0.2 * np.exp(-(((time - beat - 0.03) / 0.01) ** 2)))
        made += 0.2 * np.exp(-(((time - beat - 0.28) / 0.05) ** 2))
    return made


def found(peaks):
    """How many low beats and how many others have a peak within 0.18 s after them."""
    after = np.asarray(peaks)[:, None] / RATE - beats
    hit = ((after > -0.06) & (after < 0.18)).any(0)
    return int(hit[low].sum()), int(np.delete(hit, low).sum())


def looks_back(ecg, detected):
    """How many gaps hold a peak that the rule takes for a beat, by the detector's own curve and threshold."""
    filtered = lfilter(*butter(1, [8 / RATE * 2, 16 / RATE * 2], btype="bandpass"), ecg)
    width = int(0.08 * RATE)
    curve = lfilter(np.ones(width) / width, [1], abs(np.diff(filtered)))
    peaks = np.flatnonzero((curve[1:-1] > curve[:-2]) & (curve[1:-1] > curve[2:])) + 1
    noise = np.setdiff1d(peaks, detected)
    count = 0
    for before, after in zip(detected[:-1], detected[1:]):
        if after - before > 1.5 * np.median(np.diff(detected)):
            beat = curve[[place for place in detected if place <= after][-8:]].mean()
            rest = curve[[place for place in noise if place < after][-8:]].mean()
            between = peaks[(peaks > before + 0.36 * RATE) & (peaks < after)]
            count += (curve[between] > 0.5 * (rest + 0.45 * (beat - rest))).any()
    return int(count)


seen = {}
for height in (1.0, 0.5, 0.4, 0.35, 0.3, 0.25):
    ecg = recording(height)
    theirs = np.asarray(Detectors(RATE).hamilton_detector(ecg))
    cleaned = neurokit2.ecg_clean(ecg, sampling_rate=RATE, method="hamilton2002")
    copied = neurokit2.ecg_findpeaks(cleaned, sampling_rate=RATE, method="hamilton2002")["ECG_R_Peaks"]
    rmssd = 1000 / RATE * np.sqrt((np.diff(theirs, 2) ** 2).mean())
    seen[height] = found(theirs), found(copied), looks_back(ecg, theirs), rmssd
    print(
        f"low beats of {height:.0%}: py-ecg-detectors finds {seen[height][0][0]}, neurokit2 {seen[height][1][0]} of {len(low)} "
        f"(and {seen[height][0][1]}, {seen[height][1][1]} of {len(beats) - len(low)} others); by the rule "
        f"{seen[height][2]} more are beats; RMSSD {rmssd:.0f} ms"
    )
good = True
for height, (theirs, copied, more, rmssd) in seen.items():
    good &= theirs[1] == copied[1] == len(beats) - len(low)
    if height >= 0.5:
        good &= theirs[0] == copied[0] == len(low) and more == 0 and rmssd < 60
    else:
        good &= theirs[0] == copied[0] == 0 and more == len(low) and rmssd > 200
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

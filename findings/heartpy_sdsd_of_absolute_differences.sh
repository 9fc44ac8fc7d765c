#!/bin/sh
# What one would expect: heartpy gives SDSD, by its README the "standard deviation of successive differences between adjacent
#   R-R intervals". In a record without a trend it is RMSSD but for the square of their mean, which is about 0, and it
#   is SD1 of the Poincare plot, of the same record and the same dictionary, times the square root of 2.
# What happens: it is the standard deviation of the absolute differences. Of intervals that vary at random it is 43 ms
#   where the differences have 71 (RMSSD 71, SD1 50): 0.60 times as much. Of a heart whose every second beat comes early,
#   620 and 980 ms in turn, it is 0 where it should be 360. Of a heart that speeds up and slows down by steps of 10 ms
#   it is 0 as well, and should be 10. RMSSD, SD1 and SD2 beside it are right. Nothing is raised or printed, and
#   docstrings do not say so.
# Where: calc_rr, update_rr and calc_rr_segment of heartpy/analysis.py take the absolute value of the differences, which
#   pNN20 and pNN50 need; calc_ts_measures then takes the standard deviation of that for sdsd.
# Versions: heartpy 1.2.7, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: SDSD is one of the columns that an ECG or a pulse wave is turned into before it meets the other
#   modalities. Against neurokit2, hrv-analysis or a published table it is too small by 40 %, and in bigeminy and other
#   alternating rhythms, where it is largest, it is the smallest that there is.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
# heartpy imports pkg_resources, which newer setuptools do not have.
venv/bin/pip install --quiet heartpy==1.2.7 scipy==1.17.1 numpy==2.4.6 matplotlib==3.11.2 setuptools==80.9.0
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pkg_resources
    import heartpy

RATE = 1000
draw = np.random.default_rng(0)
steps = np.resize([10.0] * 10 + [-10.0] * 10, 300)
records = {
    "at random": draw.normal(800, 50, 300),
    "every second beat early": np.resize([620.0, 980.0], 300),
    "steps of 10 ms": 800 + np.cumsum(steps),
}
seen, said = {}, []
for name, intervals in records.items():
    beats = np.cumsum(np.append(1000, intervals)).round().astype(int)
    signal = np.full(beats[-1] + 1000, 500.0)
    wave = 100 * np.exp(-0.5 * (np.arange(-60, 61) / 15) ** 2)
    for beat in beats:
        signal[beat - 60 : beat + 61] += wave
    out = io.StringIO()
    with warnings.catch_warnings(record=True) as raised, contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        data, found = heartpy.process(signal, RATE)
    said += [str(one.message) for one in raised if not issubclass(one.category, DeprecationWarning)] + out.getvalue().split("\n")[:-1]
    changes = np.diff(np.diff(beats))
    right = np.array_equal(np.asarray(data["RR_list_cor"]), np.diff(beats))
    seen[name] = found["sdsd"], changes.std(), found["rmssd"], np.sqrt(np.mean(changes**2.0)), found["sd1"] * np.sqrt(2), np.abs(changes).std()
    print("{}: SDSD {:.1f}, expected {:.1f}; RMSSD {:.1f}, expected {:.1f}; SD1 times root 2 {:.1f}; of absolute differences {:.1f}".format(name, *seen[name]))
    if not right:
        sys.exit("heartpy found other beats than were drawn")
print("warnings:", said)
rows = np.array(list(seen.values()))
sdsd, expected, rmssd, expected_rmssd, sd1, absolute = rows.T
as_before = (
    np.allclose(sdsd, [42.7, 0, 0], atol=0.5)
    and np.allclose(expected, [71.0, 360, 10], atol=0.5)
    and np.allclose(sdsd, absolute, atol=0.1)
    and np.allclose(rmssd, expected_rmssd, atol=0.1)
    and np.allclose(sd1, expected, atol=0.1)
    and not said
)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

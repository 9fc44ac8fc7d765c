#!/bin/sh
# What one would expect: fbands of hrv_frequencydomain in biosppy, "dictionary specifying the desired HRV frequency
#   bands", sets the bands of which powers, peaks and LF/HF are given. An infant at 130 beats a minute breathes at 0.7
#   Hz, beyond the 0.4 Hz at which the bands of adults end, and is measured with HF from 0.2 to 1.5 Hz.
# What happens: the bands of adults are used whatever is asked for. Of a breathing swing of 15 ms at 0.7 Hz (112 ms^2)
#   HF is 0.001 ms^2, to the digit what is given without fbands, and LF/HF is 35,508 where it is 0.44. The result
#   lists the bands that were asked for beside these numbers. biosppy's own compute_fbands, handed spectrum and bands,
#   gives 101 ms^2 and 0.49. hrv(fbands=...) is no different. Nothing is raised; one line is printed, about the trend.
# Versions: biosppy 2.2.4, peakutils 1.3.5, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: ECG of newborns and children is one of the public sets of signals, and such features are a
#   baseline beside it. "No vagal tone" in every child is what a table of them says, and a model across ages learns
#   age from it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet biosppy==2.2.4 peakutils==1.3.5 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    from biosppy.signals import hrv

INFANT = {"vlf": (0.003, 0.04), "lf": (0.04, 0.2), "hf": (0.2, 1.5)}
warnings.simplefilter("error")  # a warning would be a change


def intervals(rate, *swings, seconds=300):
    """Five minutes of intervals (ms) whose length swings about that of a heart rate, by (frequency, amplitude)."""
    now, found = 0.0, []
    while now < seconds:
        found.append(60000 / rate + sum(size * np.sin(2 * np.pi * frequency * now) for frequency, size in swings))
        now += found[-1] / 1000
    return np.array(found)


def measured(found, **options):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        made = hrv.hrv_frequencydomain(found, **options)
    if "band" in said.getvalue().lower():
        sys.exit(f"it says: {said.getvalue()}")
    return made


found = intervals(130, (0.7, 15), (0.1, 10))
asked, default = measured(found, fbands=INFANT), measured(found)
right = hrv.compute_fbands(asked["frequencies"], asked["powers"], fbands=INFANT)
for name, made in (("asked for", asked), ("without fbands", default), ("compute_fbands", right)):
    print(f"{name}: LF {made['lf_pwr']:.4g}, HF {made['hf_pwr']:.4g} ms^2, LF/HF {made['lf_pwr'] / made['hf_pwr']:.4g}")
print(f"swings: LF {10**2 / 2:.0f}, HF {15**2 / 2:.1f} ms^2, LF/HF {10**2 / 15**2:.2f}; bands listed: {asked['fbands']}")
good = asked["hf_pwr"] == default["hf_pwr"] < 0.01 and asked["fbands"] == INFANT and asked["lf_hf"] > 1000
good &= abs(right["hf_pwr"] / (15**2 / 2) - 1) < 0.15 and abs(right["lf_pwr"] / right["hf_pwr"] / (10**2 / 15**2) - 1) < 0.15
with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    whole = hrv.hrv(rri=found, parameters="frequency", fbands=INFANT, show=False)
print(f"hrv(fbands=...): HF {whole['hf_pwr']:.4g} ms^2")
good &= whole["hf_pwr"] < 0.1
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

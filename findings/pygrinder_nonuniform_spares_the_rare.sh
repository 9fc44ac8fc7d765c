#!/bin/sh
# What one would expect: mnar_nonuniform takes more values of channels that were measured seldom ("probabilities that can be
#   increased for under-observed features"), the more so the greater increase_factor is.
# What happens: at its default, 0.5, it takes four times as many values of the channels that were measured most as of those
#   that were measured least, because a channel below the average has its probability multiplied by the factor, and one
#   above it divided. At 1 both ends lose more than the middle; above 1 the direction is the documented one. In each
#   case two channels of nearly the same number of values, one above the average and one below it, differ by the square of
#   the factor. And seq_missing, asked to hide 90 % of the values in stretches of six, hides 58 %: stretches fall on each
#   other.
# Versions: pygrinder 0.7, numpy 2.4.6, torch 2.13.0, Python 3.11. Seen on 2026-11-29.
# Why it matters here: gaps of vital signs and laboratory values are drawn with such a generator, and a paper says "30 %
#   missing not at random, rare channels more often". Here the rare ones are spared, and the rate is another one; a mask
#   that is measured after it is drawn shows both.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet pygrinder==0.7 numpy==2.4.6 torch==2.13.0
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from pygrinder import mnar_nonuniform, seq_missing

PATIENTS, HOURS, ASKED = 400, 48, 0.3
rng = np.random.default_rng(0)
np.random.seed(0)
measured = np.array([0.55, 0.69, 0.71, 0.85])
charts = rng.normal(size=(PATIENTS, HOURS, len(measured)))
charts[rng.random(charts.shape) >= measured] = np.nan
seen = np.isfinite(charts)
lost = {}
for factor in (0.5, 1.0, 2.0):
    left, _ = mnar_nonuniform(charts, ASKED, increase_factor=factor)
    lost[factor] = np.array([np.isnan(left[..., k])[seen[..., k]].mean() for k in range(len(measured))])
    shares = ", ".join(f"{had:.0%} measured: {gone:.0%} lost" for had, gone in zip(measured, lost[factor]))
    print(f"mnar_nonuniform, asked for {ASKED:.0%}, increase_factor {factor}: {shares}")
whole = rng.normal(size=(PATIENTS, HOURS, 4))
hidden = {asked: np.isnan(seq_missing(whole, asked, 6)).mean() for asked in (0.1, 0.3, 0.5, 0.7, 0.9)}
print("seq_missing, stretches of 6:", ", ".join(f"asked {asked:.0%}, hidden {share:.0%}" for asked, share in hidden.items()))
spares = lost[0.5][-1] > 3 * lost[0.5][0] and lost[0.5][2] > 3 * lost[0.5][1]
turns = lost[2.0][0] > 3 * lost[2.0][-1]
sys.exit(0 if spares and turns and hidden[0.9] < 0.65 else 1)
PYTHON
venv/bin/python seen.py

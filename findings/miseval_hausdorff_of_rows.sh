#!/bin/sh
# What one would expect: miseval's "HausdorffDistance" of two masks is the distance between the two regions, in pixels: 40 for a
#   mask that lies 40 rows below the truth. Its "AverageHausdorffDistance", which its guideline recommends, is a mean over
#   points, so that one stray pixel far away hardly moves it.
# What happens: "HausdorffDistance" hands the two pictures to a function for lists of points. Each row of pixels is taken for one
#   point with as many coordinates as the picture has columns, and where it stands in the picture is lost. A mask that lies
#   40 rows lower has the distance 0, with a Dice of 0; 5 columns to the right it is 3.16, and a stray pixel 73 pixels away
#   makes it 1. "AverageHausdorffDistance" is the maximum: 73.5 for that stray pixel, where the mean is 0.02. It is, to the
#   digit, what "HausdorffDistance" should be by scipy. Nothing is raised; the tables of the documentation say neither.
# Versions: miseval 1.3.0, hausdorff 0.2.6, dictances 1.5.3, numba 0.68.1, scikit-image 0.26.0, scikit-learn 1.9.1, numpy 2.4.6,
#   scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: tumours in MRI with sequences missing are the oldest task of this field, and its papers report Dice and
#   Hausdorff side by side. Of two methods the one whose mask is at the wrong height wins, and a mean is held against a maximum.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet miseval==1.3.0 hausdorff==0.2.6 dictances==1.5.3 numba==0.68.1 scikit-image==0.26.0 scikit-learn==1.9.1 \
    numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from miseval import evaluate
from scipy.spatial.distance import cdist

warnings.simplefilter("error")  # a warning would be a change


def distances(truth, said):
    """The largest and the mean distance between two regions, each the larger and the mean of both directions."""
    table = cdist(np.argwhere(truth), np.argwhere(said))
    one, other = table.min(1), table.min(0)
    return max(one.max(), other.max()), (one.mean() + other.mean()) / 2


truth = np.zeros((128, 128), int)
truth[20:60, 40:80] = 1
stray = truth.copy()
stray[120, 120] = 1
CASES = {
    "the same": truth,
    "40 rows lower": np.roll(truth, 40, 0),
    "5 columns to the right": np.roll(truth, 5, 1),
    "a stray pixel": stray,
}
seen = {}
for name, said in CASES.items():
    dice, hd, average = (float(evaluate(truth, said, metric)) for metric in ("DSC", "HausdorffDistance", "AverageHausdorffDistance"))
    largest, mean = distances(truth, said)
    seen[name] = hd, average, largest, mean
    print(
        f"{name}: Dice {dice:.3f}; HausdorffDistance {hd:.2f}, by scipy {largest:.2f}; "
        f"AverageHausdorffDistance {average:.2f}, by scipy {mean:.2f}"
    )
rows = seen["40 rows lower"][0] == 0 and seen["40 rows lower"][2] == 40 and abs(seen["a stray pixel"][0] - 1) < 1e-6
largest = all(abs(average - must) < 1e-6 for _, average, must, _ in seen.values()) and seen["a stray pixel"][3] < 0.1
sys.exit(0 if rows and largest else 1)
PYTHON
venv/bin/python seen.py

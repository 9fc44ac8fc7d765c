#!/bin/sh
# What one would expect: sample_entropy of antropy counts pairs of stretches whose distance is below the tolerance,
#   by one way for up to 4999 samples and by another for 5000 and more: "both code paths should produce equivalent
#   results". One more sample of a long recording changes next to nothing.
# What happens: below 5000 samples a distance that equals the tolerance does not count, from 5000 on it does. Of
#   values that are stored as whole numbers many distances equal it. A saturation in whole per cent, with
#   tolerance=1 ("one per cent apart is the same"), has 0.79 with 4999 samples and 0.16 with 5000; by Richman and
#   Moorman's definition (a distance of at most r) it is 0.16 for both. RR intervals of 8 ms steps with tolerance=16
#   go from 0.90 to 0.51. In app_entropy an equal distance counts, whatever the length. Values that are not rounded,
#   and the default tolerance (a fifth of the deviation), which hardly ever is a whole number, are right. Nothing is
#   raised or printed.
# Versions: antropy 0.2.3, numba 0.68.1, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: recordings differ in length, and nights longer than 83 minutes at 1 Hz are beyond the break.
#   A feature that falls to a fifth there tells short recordings from long ones, and sicker patients are recorded
#   longer. A table that gives m and r does not say which of the two it holds.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet antropy==0.2.3 numba==0.68.1 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from antropy import app_entropy, sample_entropy

warnings.simplefilter("error")  # a warning would be a change


def by_hand(values, tolerance, order=2, equal=True):
    """Richman and Moorman's: pairs whose distance is at most the tolerance (or below it), none with itself."""
    near = abs(values[:, None] - values) <= tolerance if equal else abs(values[:, None] - values) < tolerance
    short = near[: -order, : -order].copy()
    for step in range(1, order):
        short &= near[step : step - order, step : step - order]
    longer = short & near[order:, order:]
    count = len(short)
    return -np.log((longer.sum() - count) / (short.sum() - count))


rng = np.random.default_rng(0)
slow = np.zeros(5001)
for place in range(1, len(slow)):
    slow[place] = 0.9 * slow[place - 1] + 0.5 * rng.normal()
seen = {}
for name, values, tolerance in (
    ("saturation in whole per cent", np.round(96 + slow), 1),
    ("RR intervals in steps of 8 ms", 8 * np.round((800 + 30 * slow) / 8), 16),
    ("saturation as measured", 96 + slow, 1),
):
    for length in (4998, 4999, 5000, 5001):
        cut = values[:length]
        entropies = sample_entropy(cut, tolerance=tolerance), sample_entropy(cut), app_entropy(cut, tolerance=tolerance)
        seen[name, length] = entropies
        print(
            f"{name}, {length} samples: sample entropy {seen[name, length][0]:.3f} with tolerance {tolerance}, "
            f"{seen[name, length][1]:.3f} with the default; approximate entropy {seen[name, length][2]:.3f}"
        )
    seen[name] = by_hand(values[:4999], tolerance), by_hand(values[:4999], tolerance, equal=False)
    print(f"  by definition, 4999 samples: {seen[name][0]:.3f}; leaving out equal distances: {seen[name][1]:.3f}")
good = True
for name in ("saturation in whole per cent", "RR intervals in steps of 8 ms", "saturation as measured"):
    before, after = seen[name, 4999], seen[name, 5000]
    good &= abs(before[1] - after[1]) < 0.01 and abs(before[2] - after[2]) < 0.01  # by default, and approximate
    good &= abs(before[0] - seen[name][1]) < 1e-6 and abs(after[0] - seen[name][0]) < 0.01
    good &= abs(before[0] - after[0]) < 0.01 if "measured" in name else before[0] > after[0] + 0.3
good &= abs(seen["saturation in whole per cent", 4999][0] - 0.79) < 0.01
good &= abs(seen["saturation in whole per cent", 5000][0] - 0.16) < 0.01
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

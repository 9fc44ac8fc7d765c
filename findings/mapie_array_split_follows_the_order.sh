#!/bin/sh
# What one would expect: the expected calibration error of a set of patients does not depend on the order in which they
#   stand, and each way of cutting the scores into bins (split_strategy) gives about the same number with many patients.
# What happens: split_strategy="array split" of MAPIE cuts the scores in the order in which they come and takes the maximum of
#   each piece for a border. Only of sorted scores are these borders spread. In a random order all of them lie at the
#   top, nearly everybody falls into the first bin, and errors in opposite directions cancel there: 0.009 where "uniform"
#   and "quantile" say 0.129, and 0.132 for the same patients once sorted. top_label_ece moves, too.
#   Nothing is raised; that scores must be sorted stands in neither docstring nor documentation.
# Versions: MAPIE 1.6.0, scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: a table of calibration with bins of equal count would be made by this name. Models that are too sure at
#   both ends look calibrated then, and a table that was sorted, by score or by site, makes another number of them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet mapie==1.6.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from mapie.metrics.calibration import expected_calibration_error, top_label_ece

STRATEGIES = ("uniform", "quantile", "array split")
rng = np.random.default_rng(0)
# Says anything from 0 to 1; the truth is 0.35 below one half and 0.65 above it.
said = rng.random(5000)
ill = (rng.random(5000) < np.where(said < 0.5, 0.35, 0.65)).astype(int)
both = np.column_stack([1 - said, said])
top = np.argsort(both.max(1))
given, in_order, label, label_in_order = {}, {}, {}, {}
for name in STRATEGIES:
    how = {"num_bins": 10, "split_strategy": name}
    rows = np.argsort(said)
    given[name] = expected_calibration_error(ill, said, **how)
    in_order[name] = expected_calibration_error(ill[rows], said[rows], **how)
    label[name] = top_label_ece(ill, both, **how)
    label_in_order[name] = top_label_ece(ill[top], both[top], **how)
    print(
        f"{name}: ECE as the patients come {given[name]:.3f}, sorted by score {in_order[name]:.3f}; "
        f"top-label {label[name]:.3f} and {label_in_order[name]:.3f}"
    )
shuffled = []
for _ in range(20):
    rows = rng.permutation(5000)
    shuffled.append(expected_calibration_error(ill[rows], said[rows], num_bins=10, split_strategy="array split"))
print(f"array split, twenty orders: {min(shuffled):.3f} to {max(shuffled):.3f}")
steady = all(abs(given[name] - in_order[name]) < 1e-9 and given[name] > 0.1 for name in STRATEGIES[:2])
moves = max(shuffled) < 0.05 < 0.1 < in_order["array split"]
sys.exit(0 if steady and moves and given["array split"] < 0.05 else 1)
PYTHON
venv/bin/python seen.py

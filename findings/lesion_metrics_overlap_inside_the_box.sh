#!/bin/sh
# What one would expect: ltpr of lesion-metrics, "lesion true positive rate", takes an iou_threshold: a lesion is found
#   if its intersection over union with the prediction exceeds it. iou_per_lesion gives these numbers, "iou of each
#   lesion using target as reference". A mask that is far larger than a lesion has a small one.
# What happens: prediction and truth are cut to the box around the lesion before they are compared, and what lies
#   outside is in no union. A prediction that marks the whole brain has 0.35 with each round lesion, where it has 0.002,
#   and 1.0 with each that fills its box, where it has 0.003. At a threshold of 0.25 it finds all lesions, and at 0.5
#   half of them, where it finds none. lfdr, "lesion false discovery rate", does the same with the box around what was
#   predicted: a speck of one voxel in a lesion of 257 has 1.0 with it, and is no false discovery at a threshold of
#   0.5. So a mask too large is right by the one rate, and one too small by the other. At the threshold 0, the default,
#   both rates are right. Nothing is raised or printed, and the documentation does not say so.
# Versions: lesion-metrics 0.1.12, scikit-image 0.26.0, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: sclerosis lesions in FLAIR and T1 with sequences missing are counted like this, and a network
#   that lacks its best sequence marks too much or too little. A threshold is chosen to punish that, and does not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile lesion-metrics==0.1.12 scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from lesion_metrics.metrics import iou_per_lesion, lfdr, ltpr
from scipy import ndimage

warnings.simplefilter("error")  # a warning would be a change
GRID = np.indices((48, 48, 48))


def ball(centre, radius):
    return sum((axis - at) ** 2 for axis, at in zip(GRID, centre, strict=True)) <= radius**2


def cube(centre, half):
    return np.all([abs(axis - at) <= half for axis, at in zip(GRID, centre, strict=True)], axis=0)


def overlaps(target, other):
    """Of each region of the one mask: intersection over union with those regions of the other that it touches."""
    regions, number = ndimage.label(target)
    others, _ = ndimage.label(other)
    found = []
    for one in range(1, number + 1):
        region = regions == one
        touched = np.isin(others, np.setdiff1d(others[region], 0))
        found.append((region & touched).sum() / (region | touched).sum())
    return np.array(found)


truth = ball((12, 12, 12), 4) | ball((12, 36, 12), 4) | cube((36, 12, 36), 3) | cube((36, 36, 36), 3)
points = np.zeros_like(truth)
for centre in ((12, 12, 12), (12, 36, 12), (36, 12, 36), (36, 36, 36)):
    points[centre] = True
predictions = {
    "whole brain": ball((24, 24, 24), 40),
    "each lesion": truth,
    "one voxel in each lesion": points,
}
seen = {}
for name, predicted in predictions.items():
    by_lesion, by_finding = overlaps(truth, predicted), overlaps(predicted, truth)
    boxed = np.round(iou_per_lesion(truth, predicted), 3)
    print(f"{name}: overlap of each lesion {boxed}, counted {by_lesion.round(3)}")
    for threshold in (0, 0.25, 0.5):
        rates = ltpr(predicted, truth, iou_threshold=threshold), lfdr(predicted, truth, iou_threshold=threshold)
        counted = (by_lesion > threshold).mean(), (by_finding <= threshold).mean()
        seen[name, threshold] = [float(one) for one in (*rates, *counted)]
        print(
            "  threshold {:4}: found {:.2f}, counted {:.2f}; false {:.2f}, counted {:.2f}".format(
                threshold, rates[0], counted[0], rates[1], counted[1]
            )
        )
must = {
    ("whole brain", 0): [1, 0, 1, 0],
    ("whole brain", 0.25): [1, 1, 0, 1],
    ("whole brain", 0.5): [0.5, 1, 0, 1],
    ("each lesion", 0.5): [1, 0, 1, 0],
    ("one voxel in each lesion", 0): [1, 0, 1, 0],
    ("one voxel in each lesion", 0.5): [0, 0, 0, 1],
}
sys.exit(0 if all(np.allclose(seen[case], numbers) for case, numbers in must.items()) else 1)
PYTHON
venv/bin/python seen.py

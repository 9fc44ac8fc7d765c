#!/bin/sh
# What one would expect: HistogramStandardization.train of torchio takes cutoff, the two quantiles that bound the "range
#   of intensity of interest" (the pc1 and pc2 of Nyul and Udupa's paper), and the transform that is made of its landmarks
#   maps these two quantiles of every scan to the ends of the scale, 0 and 100. A scan brought onto its own landmarks
#   keeps its shape: a straight line.
# What happens: training takes the cutoff, and the transform its own, 1 and 99 %, whatever the landmarks were trained
#   with; it has no argument for it. With (0.05, 0.95) the 5 % quantile of a scan goes to 3 instead of 0, and the 95 %
#   quantile to 87 instead of 100, or to 82 where 3 % of the voxels are bright metal, from which this cutoff was to
#   protect. The scan that the landmarks were trained on does not keep its shape. With the default cutoff all of this is
#   right, and so it is where the same mapping is worked out below with the trained cutoff. Nothing is raised or printed.
# Versions: torchio 1.2.1, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: MR sequences of several scanners are brought to one scale this way before training, and the cutoff
#   is what one changes where vessels, metal or fat are in the way. The upper tenth of the grey levels, where lesions are,
#   then still depends on them, though the paper says otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet torchio==1.2.1 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import torch
import torchio as tio

rng = np.random.default_rng(0)


def scan(name, gain, metal):
    """Tissue with one histogram, times the scanner's gain, and a share of bright voxels."""
    voxels = rng.gamma(4, 100, (32, 32, 32))
    bright = rng.random(voxels.shape) < metal
    voxels[bright] = rng.uniform(3000, 6000, bright.sum())
    image = tio.ScalarImage(tensor=torch.tensor(voxels[None] * gain, dtype=torch.float32))
    image.save(f"{name}.nii.gz")
    return image


scans = {"plain": scan("plain", 1, 0), "other gain": scan("other", 1.3, 0), "metal": scan("metal", 0.8, 0.03)}
paths = ["plain.nii.gz", "other.nii.gz", "metal.nii.gz"]


def percents(cutoff):
    return sorted({100 * cutoff[0], 100 * cutoff[1], 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90})


def by_hand(image, landmarks, cutoff):
    """Piecewise linear between the scan's own percentiles and the landmarks (25 and 75 are left out, as in torchio)."""
    places = np.array(percents(cutoff))
    keep = [place not in (25, 75) for place in places]
    values = image.data.numpy().ravel().astype(np.float64)
    x, y = np.percentile(values, places)[keep], np.asarray(landmarks)[keep]
    piece = np.clip(np.searchsorted(x, values) - 1, 0, len(x) - 2)
    return y[piece] + (values - x[piece]) * (y[piece + 1] - y[piece]) / (x[piece + 1] - x[piece])


seen = {}
for cutoff in ((0.01, 0.99), (0.05, 0.95)):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        landmarks = tio.HistogramStandardization.train(paths, cutoff=cutoff, progress=False)
        own = tio.HistogramStandardization.train(paths[:1], cutoff=cutoff, progress=False)
        for name, image in scans.items():
            made = tio.HistogramStandardization({"mr": landmarks})(tio.Subject(mr=image))["mr"].data.numpy().ravel()
            ends = np.quantile(made, cutoff), np.quantile(by_hand(image, landmarks, cutoff), cutoff)
            seen[cutoff, name] = ends
            print(
                f"cutoff {cutoff}, {name}: its quantiles {cutoff} go to {ends[0].round(1)}, "
                f"with the trained cutoff to {ends[1].round(1)}; by the landmarks 0 and 100"
            )
        itself = tio.HistogramStandardization({"mr": own})(tio.Subject(mr=scans["plain"]))["mr"].data.numpy().ravel()
    if any("cutoff" in str(one.message) for one in said):
        sys.exit("a warning about the cutoff")
    before = scans["plain"].data.numpy().ravel()
    low, high = np.quantile(before, cutoff)
    bent = np.abs(itself - 100 * (before - low) / (high - low))[(before > low) & (before < high)].max()
    seen[cutoff, "bent"] = bent
    print(f"cutoff {cutoff}: the scan on its own landmarks is off a straight line by up to {bent:.1f} of 100")
default, other = (0.01, 0.99), (0.05, 0.95)
good = all(np.allclose(seen[cutoff, name][1], [0, 100], atol=0.5) for cutoff in (default, other) for name in scans)
good &= all(np.allclose(seen[default, name][0], [0, 100], atol=0.5) for name in scans) and seen[default, "bent"] < 0.5
good &= all(seen[other, name][0][0] > 2 and seen[other, name][0][1] < 90 for name in scans) and seen[other, "bent"] > 5
good &= seen[other, "plain"][0][1] - seen[other, "metal"][0][1] > 3
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

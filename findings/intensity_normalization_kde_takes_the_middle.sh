#!/bin/sh
# What one would expect: KDENormalizer of intensity-normalization ("kernel density estimation-based tissue mode
#   normalization") divides a T1 scan by the mode of white matter, the last peak of its smoothed histogram, so that
#   white matter is 1 in all patients, in whatever unit the scanner writes.
# What happens: the bandwidth, a 80th of the greatest value, is handed to scipy's gaussian_kde, which multiplies it by
#   the standard deviation. Of grey values up to 1,000 the kernel is a dozen standard deviations wide; all peaks melt
#   into one, and the scan is divided by about the mean of the head. White matter is at 1.34 instead of 1, at 1.14 in
#   a patient with little grey matter and CSF, and at 1.68 in one with wide ventricles, though all three have the same
#   grey value there. Divided by 900 before, the same scans come out at 1.00. A density with that bandwidth in grey
#   values, as it is meant, finds the peak in any unit. WhiteStripeNormalizer and FCMNormalizer do not depend on the
#   unit. Nothing is raised or printed.
# Versions: intensity-normalization 3.0.1, scikit-fuzzy 0.5.0, nibabel 5.4.2, scipy 1.17.1, numpy 2.4.6, Python 3.11.
#   Seen on 2026-12-01.
# Why it matters here: MR sequences are brought to one scale this way before training. What is left in each voxel is
#   the size of the ventricles, which is a sign of age and dementia, so that a network reads it off a single voxel;
#   between scanners that write 0 to 1 and those that write 0 to 4095 the scale differs by a third.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet intensity-normalization==3.0.1 scikit-fuzzy==0.5.0 nibabel==5.4.2 scipy==1.17.1 \
    numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from intensity_normalization import FCMNormalizer, KDENormalizer, WhiteStripeNormalizer, create_image
from scipy.signal import argrelmax

warnings.simplefilter("error")  # a warning would be a change
AIR, CSF, GREY, WHITE = range(4)
LEVELS = np.array([0, 300, 600, 900])
PATIENTS = {  # shares of air, CSF, grey and white matter
    "usual": (0.3, 0.1, 0.3, 0.3),
    "little grey matter and CSF": (0.3, 0.03, 0.17, 0.5),
    "wide ventricles": (0.3, 0.3, 0.2, 0.2),
}


def scan(shares, unit):
    rng = np.random.default_rng(0)
    tissue = rng.choice(4, 30**3, p=shares)
    grey = np.where(tissue == AIR, 0, LEVELS[tissue] + rng.normal(0, 40, tissue.size)).clip(0)
    return (grey * unit).reshape(30, 30, 30), tissue.reshape(30, 30, 30)


def last_peak(head):
    """The same smoothed histogram with the bandwidth in grey values."""
    head = head[head <= np.percentile(head, 96)]
    grid = np.linspace(head.min(), head.max(), 80)
    density = np.exp(-0.5 * ((grid[:, None] - head) / (head.max() / 80)) ** 2).sum(1)
    return grid[argrelmax(density)[0][-1]]


seen = {}
for name, shares in PATIENTS.items():
    for unit in (1 / 900, 1, 10):
        grey, tissue = scan(shares, unit)
        white = {}
        for kind in (KDENormalizer, WhiteStripeNormalizer, FCMNormalizer):
            image = create_image(grey)
            white[kind] = kind().fit(image).transform(image).get_data()[tissue == WHITE].mean()
        head = grey[grey > 0]
        must, middle = grey[tissue == WHITE].mean() / last_peak(head), grey[tissue == WHITE].mean() / head.mean()
        seen[name, unit] = white[KDENormalizer], must, middle
        print(
            f"{name}, white matter scanned as {grey[tissue == WHITE].mean():.0f}: KDE {white[KDENormalizer]:.3f}, bandwidth "
            f"in grey values {must:.3f}, divided by the mean of the head {middle:.3f}; "
            f"WhiteStripe {white[WhiteStripeNormalizer]:.2f}, FCM {white[FCMNormalizer]:.3f}"
        )
good = all(abs(must - 1) < 0.05 for _, must, _ in seen.values())
good &= all(abs(seen[name, 1 / 900][0] - 1) < 0.05 for name in PATIENTS)
large = [seen[name, unit][0] for name in PATIENTS for unit in (1, 10)]
good &= min(large) > 1.08 and max(large) > 1.5
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

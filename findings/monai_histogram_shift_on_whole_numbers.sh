#!/bin/sh
# What one would expect: RandHistogramShift of MONAI ("apply random nonlinear transform to the image's intensity
#   histogram") bends the grey levels of a picture at random, another way at each call, and keeps them between the lowest
#   and the highest level. CT and MR are stored as whole numbers of 16 bits; what needs fractions turns them into
#   fractions first, as most of MONAI's transforms of intensity do.
# What happens: its control points, which lie between 0 and 1, are cast to the picture's type, so all but the last become
#   0. Of a signed picture of 16 bits nothing is bent: each call gives the same picture, where as float32 grey levels move
#   by hundreds. Pixels of the lowest level, the air of a CT that is clipped at -1000, come out of a division of nothing
#   by nothing: air becomes 0, which is water. Of an unsigned picture they become -2147483648 (on x86), and scaled to 0..1
#   all others are 1. Nothing is raised or printed; the docstring names no type. The same numbers as float32 are right.
# Versions: monai 1.6.1, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: pictures come as they are stored from pydicom, tifffile, nibabel's dataobj or a reader of one's
#   own. An augmentation that a paper lists is then none, or the picture is two grey levels, and a network still trains.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet monai==1.6.1 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from monai.transforms import RandHistogramShift, ScaleIntensity

CALLS = 20
warnings.simplefilter("ignore", DeprecationWarning)
warnings.simplefilter("ignore", FutureWarning)
rng = np.random.default_rng(0)
body = rng.normal(40, 250, (1, 96, 96))
body[:, :16] = -1024  # air
scans = {
    "CT, int16": np.clip(body, -1000, 2000).astype(np.int16),
    "MR, uint16": np.rint(rng.gamma(4, 120, (1, 96, 96))).astype(np.uint16),
}
seen = {}
for name, scan in scans.items():
    for kind in (scan.dtype.type, np.float32):
        shift = RandHistogramShift(num_control_points=10, prob=1.0)
        shift.set_random_state(0)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            warnings.simplefilter("always", RuntimeWarning)
            made = [np.asarray(shift(scan.astype(kind))).astype(np.float64) for _ in range(CALLS)]
        if said:
            sys.exit(f"a warning: {said[0].message}")
        inside = scan > scan.min()
        moved = np.mean([np.abs(one - scan)[inside].mean() for one in made])
        apart = np.max([np.abs(one - made[0]).max() for one in made])
        low = {float(level) for one in made for level in one[~inside]}
        scaled = np.asarray(ScaleIntensity()(made[0].astype(np.float32)))
        seen[name, kind] = moved, apart, low, np.quantile(scaled, [0.05, 0.95])
        print(
            f"{name} as {kind.__name__}: {CALLS} calls move a grey level by {moved:.1f} on average, "
            f"differ among each other by up to {apart:.0f}, make {scan.min()} into {sorted(low)}; "
            f"scaled to 0..1, 5 and 95 % of the pixels lie below {seen[name, kind][3].round(3)}"
        )
good = True
for name, scan in scans.items():
    whole, real = seen[name, scan.dtype.type], seen[name, np.float32]
    good &= whole[0] == 0 and whole[1] == 0 and whole[2] != {float(scan.min())}
    good &= real[0] > 20 and real[1] > 100 and all(abs(level - scan.min()) < 0.01 for level in real[2])
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

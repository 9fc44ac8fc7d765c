#!/bin/sh
# What one would expect: generate_ball(radius, spacing) of acvl_utils (of the makers of nnU-Net) is the ball of so many
#   millimetres for voxels of such a size: "a radius of 10 with a spacing of 5 will result in a ball with radius 2 pixels". A mask
#   that is dilated with it grows by the radius on all sides.
# What happens: where the spacing differs by axis, the ball is resized to 2 r + 1 slices, rounded, which may be even. It
#   has no middle then: 5 mm in slices of 3 mm give four slices, and a dilated lesion grows by two slices (6 mm) on one side
#   and by one (3 mm) on the other; its centre moves by 1.5 mm. The ball fills all of these slices: 252 voxels where the ball
#   has 175. And the radius is rounded to whole millimetres before it is divided by the spacing: 2.5 mm in voxels of 0.5 mm are
#   4 voxels and not 5, half of the volume. Nothing is raised or printed. (The package's own dilation on a
#   GPU refuses such an element: "Only structure elements of uneven shape supported".)
# Versions: acvl_utils 0.2.6, scikit-image 0.26.0, scipy 1.17.1, torch 2.13.0, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: margins around lesions, for features of the rim or for a tolerance in a score, are drawn so. CT and MR
#   have thick slices, and the margin sits to one side, on each patient the same one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile acvl_utils==0.2.6 scikit-image==0.26.0 scipy==1.17.1 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from acvl_utils.morphology.morphology_helper import generate_ball
from scipy.ndimage import distance_transform_edt
from skimage.morphology import dilation

seen, right = {}, {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for radius, spacing in ((5, (3, 1, 1)), (10, (4, 1, 1)), (5, (2.5, 1, 1)), (10, (5, 5, 5)), (2.5, (0.5, 0.5, 0.5))):
        ball = generate_ball((radius,) * 3, spacing)
        lesion = np.zeros((41, 61, 61), np.uint8)
        lesion[18:23, 28:33, 28:33] = 1
        near = distance_transform_edt(lesion == 0, spacing) <= radius + 1e-9

        def margins(grown):
            slices = np.flatnonzero(grown.any((1, 2)))
            return round((18 - slices[0]) * spacing[0], 2), round((slices[-1] - 22) * spacing[0], 2)

        millilitres = 4 / 3 * np.pi * radius**3 / np.prod(spacing)
        seen[radius, spacing] = *margins(dilation(lesion, ball)), int(ball.sum()), ball.shape[0]
        right[radius, spacing] = *margins(near), millilitres
        one, own = seen[radius, spacing], right[radius, spacing]
        print(
            f"{radius} mm in voxels of {spacing} mm: {one[3]} slices, {one[2]} voxels (a ball: {millilitres:.0f}); a lesion grows by {one[0]}"
            f" and {one[1]} mm (by distances: {own[0]} and {own[1]})"
        )
told = [str(one.message) for one in told if "acvl" in str(one.filename)]
print("warnings of the package:", told or "none")
thick, thicker = seen[5, (3, 1, 1)], seen[10, (4, 1, 1)]
aside = sorted(thick[:2]) == [3, 6] and thick[2:] == (252, 4) and sorted(thicker[:2]) == [8, 12] and thicker[3] == 6
small = seen[2.5, (0.5, 0.5, 0.5)]
rounded = small[:3] == (2.0, 2.0, 257) and right[2.5, (0.5, 0.5, 0.5)][:2] == (2.5, 2.5)
fine = right[5, (3, 1, 1)][:2] == (3, 3) and seen[10, (5, 5, 5)][:3] == (10, 10, 33) and seen[5, (2.5, 1, 1)][:2] == (5, 5)
sys.exit(0 if aside and rounded and fine and not told else 1)
PYTHON
venv/bin/python seen.py

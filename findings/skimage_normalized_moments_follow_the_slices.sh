#!/bin/sh
# What one would expect: moments_normalized of scikit-image, "translation and scale invariant", takes the spacing of the
#   pixels, and regionprops hands it on. So a lesion has about the same numbers in whichever pixels it was scanned. The
#   first number of an ellipse whose half axis a lies along the first axis, nu_20, is a / (4 pi b).
# What happens: the number of pixels stands for the area, and the smallest side of a pixel for its size; of square
#   pixels the two fit. An ellipse of 90 x 50 mm, whose nu_20 is 0.143, has 0.143 and 0.146 in pixels of 1 x 1 and 3 x 3
#   mm, and 0.436 in pixels of 1 x 3 mm, three times as much; numbers of fourth order are nine times as large. An
#   ellipsoid in slices four times as thick as its pixels are wide has 0.376, where it has 0.149 in cubes.
#   moments_weighted_normalized uses the same function. Area, axes and centroid of the same regions are right, and
#   moments_hu refuses such pixels. With the area in place of the number of pixels all are right to 3 %. Nothing is
#   raised or printed, and the docstring does not say so. It was reported in 2026, and is so in this release.
# Versions: scikit-image 0.26.0, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: shape features of lesions are a baseline beside images, and MR sequences of one patient have
#   slices of different thickness. Whichever sequence is there to be outlined decides the number, so a model learns from
#   the "shape" which sequence is missing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import itertools
import sys
import warnings

import numpy as np
from skimage.measure import regionprops

warnings.simplefilter("error")  # a warning would be a change


def ellipse(spacing, half_axes, width=120):
    """A mask of an ellipse or ellipsoid, sampled at the centres of pixels of this size, in mm."""
    places = [(np.arange(int(width / side)) + 0.5) * side - width / 2 for side in spacing]
    grid = np.meshgrid(*places, indexing="ij")
    return (sum((axis / half) ** 2 for axis, half in zip(grid, half_axes, strict=True)) <= 1).astype(int)


def by_area(region, spacing):
    """The normalized moments by their definition, of sums over pixels each times its size."""
    central = region.moments_central * np.prod(spacing)
    result = np.full_like(central, np.nan)
    for order in itertools.product(range(4), repeat=central.ndim):
        if sum(order) > 1:
            result[order] = central[order] / central.ravel()[0] ** (1 + sum(order) / central.ndim)
    return result


shown = {}
for half_axes, spacings in (
    ((45, 25), [(1, 1), (3, 3), (1, 3), (3, 1)]),
    ((45, 30, 25), [(1, 1, 1), (4, 4, 4), (1, 1, 4), (4, 1, 1)]),
):
    second, fourth = (2,) + (0,) * (len(half_axes) - 1), (2, 2) + (0,) * (len(half_axes) - 2)
    for spacing in spacings:
        region = regionprops(ellipse(spacing, half_axes), spacing=spacing)[0]
        nu, right = region.moments_normalized, by_area(region, spacing)
        shown[spacing] = nu[second], right[second], nu[fourth], right[fourth]
        numbers = "nu_20 {:.4f}, by area {:.4f}; nu_22 {:.5f}, by area {:.5f}".format(*shown[spacing])
        print(f"half axes {half_axes}, pixels {spacing}: size {region.area:.0f}, {numbers}")
flat, deep = shown[1, 1], shown[1, 1, 1]
as_before = (
    abs(flat[1] - 45 / (4 * np.pi * 25)) < 0.001
    and all(abs(one[1] / (flat if len(key) == 2 else deep)[1] - 1) < 0.03 for key, one in shown.items())
    and abs(shown[3, 3][0] / flat[0] - 1) < 0.05
    and all(abs(shown[key][0] / flat[0] - 3) < 0.15 for key in ((1, 3), (3, 1)))
    and abs(shown[1, 3][2] / flat[2] - 9) < 0.5
    and all(abs(shown[key][0] / deep[0] - 4 ** (2 / 3)) < 0.1 for key in ((1, 1, 4), (4, 1, 1)))
)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

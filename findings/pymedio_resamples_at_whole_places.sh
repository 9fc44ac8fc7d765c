#!/bin/sh
# What one would expect: resample_image(shape) of a pymedio image samples it on a grid of another size, by linear
#   interpolation, and gives an affine to fit. A CT in slices of 5 mm, brought to 1 mm, has between two slices what
#   lies between them; a picture of 512 rows, brought to 256, shows the whole picture. The type of the grey levels
#   has no part in where it is sampled.
# What happens: the places at which it is sampled are rounded into the type of the grey levels. As float32 and
#   float64 both are right. A CT of 16 bits, as SimpleITK reads it, is not interpolated at all: each slice is
#   repeated five times, so tissue lies 2 mm off on average and up to 4 mm, under an affine that says 1 mm; where
#   the CT rises by 20 HU a mm it is 39 HU too low on average, and up to 80. In 8 bits row 256 is row 0 again: of
#   512 rows the upper half is shown twice, and the lower half not at all. Nothing is raised or printed.
# Versions: pymedio 0.2.14, numpy 2.4.6, scipy 1.17.1, nibabel 5.4.2, SimpleITK 2.5.7, pydicom 3.0.2, Python 3.11.
#   Seen on 2026-12-01.
# Why it matters here: CT is stored in 16 bits, radiographs and masks in 8, and both are brought to one size before
#   a model sees them. Scans that were saved as whole numbers are shifted against those saved as floating-point
#   ones, and against their masks, so a model learns which hospital saved them how.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet pymedio==0.2.14 numpy==2.4.6 scipy==1.17.1 nibabel==5.4.2 SimpleITK==2.5.7 pydicom==3.0.2
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from pymedio.image import Image
from scipy.ndimage import map_coordinates

warnings.simplefilter("error")  # a warning would be a change


def right(array, shape):
    """The image at the places that its new affine names, by linear interpolation."""
    places = [np.arange(new) * old / new for old, new in zip(array.shape, shape)]
    return map_coordinates(array.astype(float), np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")


slices = np.zeros((4, 4, 40))
slices[:] = 100 * np.arange(40.0)  # 20 HU a mm
rows = np.zeros((512, 4, 4))
rows[:] = np.linspace(0, 100, 512)[:, None, None]
seen = {}
for name, array, spacing, shape, kinds in (
    ("CT, 5 mm to 1 mm", slices, 5.0, (4, 4, 200), (np.float64, np.float32, np.int16)),
    ("512 rows to 256", rows, 1.0, (256, 4, 4), (np.float64, np.float32, np.int16, np.uint8)),
):
    for kind in kinds:
        given = array.astype(kind)
        made = Image(given, np.diag([1.0, 1.0, spacing, 1.0])).resample_image(shape)
        off = np.asarray(made).astype(float) - right(given, shape)
        seen[name, kind.__name__] = off
        print(
            f"{name}, {kind.__name__}: spacing {[float(length) for length in made.spacing]}, off by {abs(off).mean():.3g} "
            f"on average ({off.mean():+.3g}), at most {abs(off).max():.3g}"
        )
        if kind in (np.int16, np.uint8):
            line = np.asarray(made)[0, 0, :12] if "CT" in name else np.asarray(made)[::16, 0, 0]
            print(f"  {line.tolist()}")
good = all(abs(off).max() < 0.01 for (name, kind), off in seen.items() if "float" in kind)
good &= abs(seen["512 rows to 256", "int16"]).max() < 1
stepped = seen["CT, 5 mm to 1 mm", "int16"][0, 0]
good &= np.allclose(stepped[:195].reshape(-1, 5), [0, -20, -40, -60, -80])
upper, lower = np.split(abs(seen["512 rows to 256", "uint8"][:, 0, 0]), 2)
print(f"8 bits: upper half off by {upper.mean():.2f}, lower half by {lower.mean():.1f}")
good &= upper.mean() < 2 and lower.mean() > 40
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

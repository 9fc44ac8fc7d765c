#!/bin/sh
# What one would expect: pymia's errors of a synthesised image ("metrics to measure image reconstruction and regression
#   performance") are the same numbers for the same grey values, whether these come as whole numbers, as images are stored
#   and SimpleITK reads them, or as floating-point ones. An image that is further off has the greater error.
# What happens: differences and squares are taken in the image's own type, and wrap around. A CT (16 bits) that is 256
#   Hounsfield units too bright in every pixel has mean squared error 0 and R2 1, the best values that there are. Errors
#   with a standard deviation of 20, 100 and 300 units have mean squared errors of 395, 5,399 and 2,535, where they are
#   395, 10,183 and 89,651, and R2 1.000 each. Of unsigned images one grey level too bright has the mean absolute error 255
#   (8 bits) or 65535 (16 bits), one too dark 1. As float32 all are right. The first two errors warn of nothing, R2 of an
#   overflow at most; the docstrings name no type.
# Versions: pymia 0.3.4, scikit-image 0.26.0, SimpleITK 2.5.7, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-11-30.
# Why it matters here: making the modality that is missing is one family of methods here, and these errors are its table. Of
#   two methods whose images are saved as they came, rounded, the worse one can have the smaller error.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet pymia==0.3.4 scikit-image==0.26.0 SimpleITK==2.5.7 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import SimpleITK as sitk
from pymia.evaluation.metric import CoefficientOfDetermination, MeanAbsoluteError, MeanSquaredError

METRICS = (MeanAbsoluteError, MeanSquaredError, CoefficientOfDetermination)
rng = np.random.default_rng(0)


def errors(truth, made, cast=None):
    found = []
    for kind in METRICS:
        metric = kind()
        # As SimpleITK hands out what a file holds.
        metric.reference, metric.prediction = (
            sitk.GetArrayFromImage(sitk.GetImageFromArray(picture)).astype(cast or picture.dtype) for picture in (truth, made)
        )
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            found.append(float(metric.calculate()))
        if raised and kind is not CoefficientOfDetermination:
            sys.exit(f"a warning: {raised[0].message}")
    return np.array(found)


ct = rng.integers(-1000, 1500, (128, 128)).astype(np.int16)
seen = {}
for name, made in (
    ("256 units too bright", ct + 256),
    *((f"errors of {sd} units", np.rint(ct + rng.normal(0, sd, ct.shape))) for sd in (20, 100, 300)),
):
    seen[name] = errors(ct, made.astype(np.int16)), errors(ct, made.astype(np.int16), np.float32)
    (mae, mse, r2), (mae_float, mse_float, r2_float) = seen[name]
    print(f"CT, {name}: MAE {mae:.4g}, MSE {mse:.6g}, R2 {r2:.3f}; as float32 {mae_float:.4g}, {mse_float:.6g}, {r2_float:.3f}")
levels = {}
for kind in (np.uint8, np.uint16):
    picture = rng.integers(50, 200, (64, 64)).astype(kind)
    levels[kind] = [errors(picture, (picture.astype(int) + step).astype(kind))[0] for step in (1, -1)]
    print(f"{kind.__name__}: MAE of one grey level too bright {levels[kind][0]:.0f}, too dark {levels[kind][1]:.0f}")
best = seen["256 units too bright"][0]
wrong = [seen[f"errors of {sd} units"][0][1] for sd in (20, 100, 300)]
right = [seen[f"errors of {sd} units"][1][1] for sd in (20, 100, 300)]
good = best[1] == 0 and best[2] == 1 and right[0] < right[1] < right[2] and wrong[2] < wrong[1] < 0.9 * right[1]
good &= levels[np.uint8] == [255, 1] and levels[np.uint16] == [65535, 1]
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

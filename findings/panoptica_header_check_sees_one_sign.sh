#!/bin/sh
# What one would expect: panoptica compares where prediction and truth lie before it scores them. Images whose origin,
#   direction or affine differ are refused with a "Sanity check failed", as their arrays do not show the same place.
# What happens: all differences are summed with their signs, and only a sum above 0.00001 is refused. A prediction that
#   lies 100 mm to one side of the truth is refused, and 100 mm to the other side it is scored, with a Dice of 1. Of 200
#   shifts in any direction 92 pass, and so do all that cancel, as 50 mm left and 50 mm forward. Some programs store an
#   image from right to left. If the truth is stored so and the prediction is not, the perfect prediction is scored with
#   a Dice of 0, and the mirrored one, on the wrong side of the body, with 1. The other way round both are refused, so
#   that one trusts the check. Images of nibabel, images of SimpleITK and files are alike in this. The size of voxels
#   is compared once more, and is safe. Nothing is raised or printed, and the documentation does not say so.
# Versions: panoptica 2.1.7, nibabel 5.4.2, SimpleITK 2.5.7, scikit-image 0.26.0, scipy 1.17.1, numpy 2.2.6, Python
#   3.11. Seen on 2026-12-01.
# Why it matters here: MR sequences of a patient are brought onto each other, and a prediction is stored in the space of
#   one of them. With a sequence missing that may be another one than the truth's. The check is there for that, and lets
#   half of the mistakes through, as scores of a method.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile panoptica==2.1.7 SimpleITK==2.5.7 nibabel==5.4.2 scikit-image==0.26.0 \
    scipy==1.17.1 numpy==2.2.6
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys
import warnings

import nibabel
import numpy as np
import SimpleITK as sitk
from panoptica import (
    ConnectedComponentsInstanceApproximator,
    InputType,
    NaiveThresholdMatching,
    Panoptica_Evaluator,
)

warnings.simplefilter("error")  # a warning would be a change
LESION = np.zeros((40, 40, 12), np.uint8)
LESION[5:15, 10:20, 4:8] = 1
PLAIN = np.diag([1.0, 1, 5, 1])
MIRRORED = PLAIN.copy()
MIRRORED[0, [0, 3]] = -1, 39  # the same place, stored from the other side
with contextlib.redirect_stdout(io.StringIO()):
    EVALUATOR = Panoptica_Evaluator(
        expected_input=InputType.SEMANTIC,
        instance_approximator=ConnectedComponentsInstanceApproximator(),
        instance_matcher=NaiveThresholdMatching(),
    )


def dice(prediction, truth):
    """Dice of all voxels; or None if the two are refused."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return float(EVALUATOR.evaluate(prediction, truth, verbose=False)["ungrouped"].global_bin_dsc)
    except ValueError as error:
        assert "Sanity check failed" in str(error)
        return None


def by_nibabel(mask, affine):
    return nibabel.Nifti1Image(mask, affine)


def shifted(x, y=0):
    affine = PLAIN.copy()
    affine[:2, 3] = x, y
    return by_nibabel(LESION, affine)


def by_sitk(x):
    image = sitk.GetImageFromArray(LESION.T)
    image.SetOrigin((x, 0, 0))
    return image


here, other_side = LESION, LESION[::-1]
truth, mirrored_truth = by_nibabel(here, PLAIN), by_nibabel(other_side, MIRRORED)
seen = {
    "nibabel, prediction 100 mm to the right": dice(shifted(100), truth),
    "nibabel, prediction 100 mm to the left": dice(shifted(-100), truth),
    "nibabel, prediction 50 mm left, 50 mm forward": dice(shifted(-50, 50), truth),
    "nibabel, prediction 50 mm right, 50 mm back": dice(shifted(50, -50), truth),
    "SimpleITK, prediction 100 mm to the one side": dice(by_sitk(100.0), by_sitk(0.0)),
    "SimpleITK, prediction 100 mm to the other side": dice(by_sitk(-100.0), by_sitk(0.0)),
    "truth mirrored in its file, perfect prediction": dice(by_nibabel(here, PLAIN), mirrored_truth),
    "truth mirrored in its file, lesion of the wrong side": dice(by_nibabel(other_side, PLAIN), mirrored_truth),
    "prediction mirrored in its file, perfect": dice(mirrored_truth, truth),
    "prediction mirrored in its file, wrong side": dice(by_nibabel(here, MIRRORED), truth),
}
for name, value in seen.items():
    print(f"{name:54} {'refused' if value is None else f'Dice {value:.2f}'}")
draw = np.random.default_rng(0)
passed = sum(dice(shifted(*draw.uniform(-50, 50, 2)), truth) is not None for _ in range(200))
print(f"of 200 shifts by up to 50 mm in any direction {passed} pass")
as_before = list(seen.values()) == [None, 1, 1, 1, None, 1, 0, 1, None, None] and 70 < passed < 130
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: panoptica takes images of SimpleITK, and files, and measures distances between surfaces and
#   centres in their voxel spacing, which it reads from them. A lesion that is found one slice too high, in slices 5 mm
#   thick, is 5 mm away, by whichever library its file was read.
# What happens: SimpleITK says spacing as x, y, z, and gives an array of z, y, x. The spacing is applied to the array as
#   it is said, so that the thickness of the slices is taken for the width of the columns. With voxels of 0.8 x 0.8 x 5
#   mm the lesion that lies 5 mm too high has a Hausdorff distance of 0.8 mm and a surface Dice of 1. One that lies 1.6
#   mm to the side has 10 mm, so the worse of two methods is called the better. The same masks through nibabel, or as
#   arrays with the spacing handed over as z, y, x, give 5 and 1.6 mm. A NIfTI file is read by SimpleITK if that is
#   installed and by nibabel if not, so the numbers of the same files follow from what else is installed. Cubic voxels
#   and Dice are right. Nothing is raised or printed, and the documentation does not say so.
# Versions: panoptica 2.1.7, SimpleITK 2.5.7, nibabel 5.4.2, scikit-image 0.26.0, scipy 1.17.1, numpy 2.2.6, Python
#   3.11. Seen on 2026-12-01.
# Why it matters here: prostate, brain and cardiac MR with sequences missing have slices 3 to 10 mm thick and pixels
#   below 1 mm. Papers report Dice beside a distance, and a method that misses the height, as one does that lacks a
#   sequence, looks exact by it.
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
from panoptica.metrics import Metric

SPACING = 0.8, 0.8, 5.0  # x, y, z in mm
warnings.simplefilter("error")  # a warning would be a change


def box(z, x):
    """A mask in the order z, y, x: a lesion of 4 slices, 10 rows and 10 columns."""
    mask = np.zeros((12, 40, 40), np.uint8)
    mask[z : z + 4, 10:20, x : x + 10] = 1
    return mask


def by_sitk(mask):
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing(SPACING)
    return image


def by_nibabel(mask):
    return nibabel.Nifti1Image(mask.T, np.diag([*SPACING, 1]))


def by_file(mask):
    name = f"{mask.nonzero()[0][0]}_{mask.nonzero()[2][0]}.nii.gz"
    sitk.WriteImage(by_sitk(mask), name)
    return name


def measured(read, mask, **more):
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = Panoptica_Evaluator(
            expected_input=InputType.SEMANTIC,
            instance_approximator=ConnectedComponentsInstanceApproximator(),
            instance_matcher=NaiveThresholdMatching(),
            instance_metrics=[Metric.DSC, Metric.HD, Metric.CEDI, Metric.NSD],
            global_metrics=[Metric.DSC],
        )
        result = evaluator.evaluate(read(mask), read(box(4, 10)), verbose=False, **more)["ungrouped"]
    return [float(one) for one in (result.sq_dsc, result.sq_hd, result.sq_cedi, result.sq_nsd)]


seen = []
for name, mask in {"one slice, 5 mm, too high": box(5, 10), "two columns, 1.6 mm, to the side": box(4, 12)}.items():
    print(name)
    for way, numbers in {
        "image of SimpleITK": measured(by_sitk, mask),
        "NIfTI file": measured(by_file, mask),
        "image of nibabel": measured(by_nibabel, mask),
        "array, spacing z, y, x": measured(lambda one: one, mask, voxelspacing=SPACING[::-1]),
    }.items():
        line = "  {:22} Dice {:.2f}, Hausdorff {:4.1f} mm, centres {:4.1f} mm, surface Dice {:.2f}"
        print(line.format(way, *numbers))
        seen.append(numbers[1])
sys.exit(0 if np.allclose(seen, [0.8, 0.8, 5, 5, 10, 10, 1.6, 1.6]) else 1)
PYTHON
venv/bin/python seen.py

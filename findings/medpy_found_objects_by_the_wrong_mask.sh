#!/bin/sh
# What one would expect: obj_tpr(result, reference) of MedPy, "the true positive rate of distinct binary object
#   detection", is the share of the reference's lesions that were found: "a perfect score of 1 tells that all distinct
#   binary objects in the reference array also exist in the result array". obj_fpr is the share of drawn lesions that
#   are none. obj_asd of one lesion in each mask is their asd.
# What happens: the two masks are swapped on the way. obj_tpr is the share of drawn lesions that are true (precision),
#   obj_fpr the share of true ones that were missed. Who finds 1 of 10 lesions has obj_tpr 1.0; who finds all ten, and
#   draws ten more that are none, has 0.5 and obj_fpr 0.0, "ideal". obj_asd gives the asd of the swapped pair, 0.17
#   where asd says 5.95. obj_assd is the same both ways, and not touched, nor are asd, recall and precision, which go by
#   voxels. The docstring says both: its summary counts "objects in the first array" that are also in the second, as is
#   done; its notes say what is quoted above, and its examples have these numbers, but run give each other's. Nothing is
#   raised or printed.
# Versions: MedPy 0.5.2, SimpleITK 2.5.7, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: a method that lacks a sequence draws fewer lesions, and so rises by this "sensitivity" just where
#   it falls. Data of stroke and multiple sclerosis, with several MR sequences, are scored by lesion.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile wheel==0.45.1
venv/bin/pip install --quiet --no-compile --use-pep517 MedPy==0.5.2 SimpleITK==2.5.7 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from medpy.metric.binary import asd, obj_asd, obj_assd, obj_fpr, obj_tpr
from scipy.ndimage import label

warnings.simplefilter("error")  # a warning would be a change


def slice_with(lesions):
    """A slice with lesions at these places of a grid of 5 by 4."""
    image = np.zeros((60, 50), bool)
    for place in lesions:
        row, column = divmod(place, 4)
        image[row * 12 + 2 : row * 12 + 8, column * 12 + 2 : column * 12 + 8] = True
    return image


def counted(found, truth):
    """The share of true lesions that are touched, and of drawn ones that touch none."""
    of_truth, many = label(truth)
    of_found, drawn = label(found)
    hit = len(set(of_truth[found & truth]))
    return hit / many, 1 - len(set(of_found[found & truth])) / drawn


truth = slice_with(range(10))
CASES = {
    "1 of 10 found, nothing else": slice_with([0]),
    "all 10 found, 10 false": slice_with(range(20)),
    "all 10 found, nothing else": truth,
    "5 of 10 found, 5 false": slice_with(range(5, 15)),
}
seen = []
for name, found in CASES.items():
    seen.append((obj_tpr(found, truth), obj_fpr(found, truth)))
    right = counted(found, truth)
    print(f"{name}: obj_tpr {seen[-1][0]:.2f} (counted: {right[0]:.2f}), obj_fpr {seen[-1][1]:.2f} ({right[1]:.2f})")

two, three = np.array([1, 0, 1, 0, 0]), np.array([1, 0, 1, 0, 1])
example = obj_tpr(two, three), obj_tpr(three, two)
print(f"the docstring's example of 0.67 and 1.00: {example[0]:.2f} and {example[1]:.2f}")

small, large = np.zeros((2, 30, 30), bool)
small[10:14, 10:14] = large[10:14, 10:28] = True
far = [asd(large, small), asd(small, large), obj_asd(large, small), obj_asd(small, large)]
print("one lesion drawn too long: asd {:.2f}, the other way {:.2f}; obj_asd {:.2f}, the other way {:.2f}".format(*far))
same = obj_assd(large, small) == obj_assd(small, large)
swapped = np.allclose(seen, [(1, 0.9), (0.5, 0), (1, 0), (0.5, 0.5)]) and np.allclose(example, [1, 2 / 3])
sys.exit(0 if swapped and same and far[:2] == far[:1:-1] and far[0] > 5.9 and far[1] < 0.2 else 1)
PYTHON
venv/bin/python seen.py

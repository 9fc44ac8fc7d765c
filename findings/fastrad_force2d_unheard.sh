#!/bin/sh
# What one would expect: FeatureSettings(force2D=True) of fastrad, "Flag controlling slice-by-slice 2D calculation routing", computes
#   textures within slices and never between them, as the setting of the same name in PyRadiomics ("full parity"). It is
#   the setting for slices that are thicker than wide.
# What happens: GLCM, GLRLM, GLSZM, GLDM and NGTDM never look at it; all 76 numbers are the same with and without it.
#   The only class that reads it is the shape of a single slice, which refuses to run without. For slices that are smooth
#   each, but brighter and darker in turn, the contrast within slices is 0 and the one that force2D gives is 11.1.
#   Nothing is raised or printed about it.
# Versions: fastrad 1.0.0, torch 2.13.0, scikit-image 0.26.0, pydicom 3.0.2, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on
#   2026-12-01 (the repository's newest commit, of April 2026, has no other use of the flag either).
# Why it matters here: clinical MR has slices of 0.5 x 0.5 x 5 mm. A paper then says "textures in 2D"; its numbers
#   are of differences between slices, follow the thickness of slices, and so the hospital.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile fastrad==1.0.0 torch==2.13.0 scikit-image==0.26.0 pydicom==3.0.2 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import torch
from fastrad import FeatureExtractor, FeatureSettings, Mask, MedicalImage
from skimage.feature import graycomatrix, graycoprops

TEXTURES = ["glcm", "glrlm", "glszm", "gldm", "ngtdm"]
WIDTH, SLICES, GREY = 25.0, 8, 4
rng = np.random.default_rng(0)
grain = rng.integers(0, GREY, (SLICES, 24, 24))
in_turn = np.zeros((SLICES, 24, 24), int)
in_turn[1::2] = GREY
spacing = (5.0, 0.5, 0.5)


def features(levels, **options):
    settings = FeatureSettings(feature_classes=TEXTURES, bin_width=WIDTH, device="cpu", **options)
    image = torch.from_numpy(levels.astype(np.float32) * WIDTH)
    return FeatureExtractor(settings).extract(MedicalImage(image, spacing), Mask(torch.ones_like(image), spacing))


def within_slices(levels):
    """The contrast of the co-occurrence matrix of all slices, in the four directions of a slice, by scikit-image."""
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    grey = levels.max() + 1
    counts = sum(graycomatrix(one.astype(np.uint8), [1], angles, levels=grey, symmetric=True) for one in levels)
    return graycoprops(counts / counts.sum((0, 1)), "contrast").mean()


seen = {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for name, levels in {"slices brighter and darker in turn": in_turn, "grain": grain, "grain in turn": grain + in_turn}.items():
        flat, solid = features(levels, force2D=True), features(levels)
        same = sum(flat[key] == solid[key] for key in solid)
        each = np.mean([features(one[None])["glcm:contrast"] for one in levels]) if "grain" in name else 0.0
        seen[name] = flat["glcm:contrast"], solid["glcm:contrast"], within_slices(levels), each, len(solid) - same
        print(
            f"{name:35}: contrast {seen[name][0]:.2f} with force2D, {seen[name][1]:.2f} without; within slices {seen[name][2]:.2f}"
            f" (scikit-image), {each:.2f} (fastrad, a slice at a time); {same} of {len(solid)} textures are the same"
        )
told = {str(one.message) for one in told if "fastrad" in str(one.filename) and "2D" in str(one.message)}
print("warnings about it:", told or "none")
unheard = all(one[0] == one[1] and one[4] == 0 for one in seen.values())
first, _, third = seen.values()
off = first[0] > 10 and first[2] == 0 and third[0] > 3 * third[2]
fine = all(abs(one[2] - one[3]) < 0.1 for one in seen.values())
sys.exit(0 if unheard and off and fine and not told else 1)
PYTHON
venv/bin/python seen.py

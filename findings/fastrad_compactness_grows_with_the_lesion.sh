#!/bin/sh
# What one would expect: compactness 1 says how close a lesion is to a ball, is free of units, and is 1/(6 pi) = 0.053 for
#   a ball of any size: V / sqrt(pi A^3). PyRadiomics computes it so, and fastrad promises "full parity" and "the exact same
#   features".
# What happens: fastrad takes the surface to the power of 2/3 where the definition has 3/2. Its compactness of balls of
#   5, 10 and 20 mm is 5.8, 19 and 61; the ball of 10 mm given in cm has 0.41. A rod of 8 ml is more "compact" than a ball of half
#   a ml. It is the misprint of a paper of 2014, which PyRadiomics took back in 2017 (its pull request 218, issue 746): not
#   dimensionless. Compactness 2 and sphericity beside it are right.
# Versions: fastrad 1.0.0, torch 2.13.0, scikit-image 0.26.0, pydicom 3.0.2, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on
#   2026-12-01 (the same in the repository's newest commit, of April 2026).
# Why it matters here: a column called compactness is there to add shape to size. This one is size once more (rank
#   correlation with volume 0.98, where the definition has 0.59), so a model is said to use the shape that only saw the volume.
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
from scipy.stats import spearmanr
from skimage.measure import marching_cubes, mesh_surface_area

BALL = 1 / (6 * np.pi)


def ellipsoid(radii):
    axes = [np.arange(-np.ceil(r) - 2, np.ceil(r) + 3) / r for r in radii]
    grid = np.meshgrid(*axes, indexing="ij")
    return (sum(axis**2 for axis in grid) <= 1).astype(np.float32)


def shape(solid, step=1.0):
    settings = FeatureSettings(feature_classes=["shape"], device="cpu")
    mask, spacing = torch.from_numpy(solid), (step,) * 3
    found = FeatureExtractor(settings).extract(MedicalImage(mask, spacing), Mask(mask, spacing))
    vertices, faces, _, _ = marching_cubes(solid, 0.5, spacing=spacing)
    volume, area = found["shape:mesh_volume"], mesh_surface_area(vertices, faces)
    own = volume / np.sqrt(np.pi * area**3)
    return found["shape:compactness_1"], own, found["shape:compactness_2"], found["shape:sphericity"], volume


seen = {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for name, radii, step in (
        ("ball of 5 mm", (5, 5, 5), 1.0),
        ("ball of 10 mm", (10, 10, 10), 1.0),
        ("ball of 20 mm", (20, 20, 20), 1.0),
        ("ball of 1 cm, in cm", (10, 10, 10), 0.1),
        ("rod", (4, 4, 120), 1.0),
    ):
        seen[name] = shape(ellipsoid(radii), step)
        one = seen[name]
        print(
            f"{name:20}: compactness 1 {one[0]:7.3f}, by definition {one[1]:.3f} (a ball {BALL:.3f});"
            f" compactness 2 {one[2]:.2f}, sphericity {one[3]:.2f}, volume {one[4]:.1f}"
        )
    rng = np.random.default_rng(0)
    lesions = np.array([shape(ellipsoid(rng.uniform(3, 20, 3))) for _ in range(40)])
told = [str(one.message) for one in told if "fastrad" in str(one.filename)]
by_size, true_by_size, by_shape = (spearmanr(lesions[:, a], lesions[:, b])[0] for a, b in ((0, 4), (1, 4), (0, 1)))
print(
    f"40 lesions: rank correlation with volume {by_size:.2f} (by definition {true_by_size:.2f}), with the definition"
    f" {by_shape:.2f}"
)
print("warnings of the package:", told or "none")
names = list(seen)
off = np.allclose([seen[name][0] for name in names[:4]], [5.85, 18.95, 60.75, 0.408], rtol=0.01) and by_size > 0.95
rod = seen["rod"][0] > seen["ball of 5 mm"][0] and seen["rod"][1] < 0.6 * seen["ball of 5 mm"][1]
fine = all(0.043 < seen[name][1] < BALL for name in names[:4]) and true_by_size < 0.7
fine &= abs(seen[names[1]][2] - seen[names[3]][2]) < 1e-6
sys.exit(0 if off and rod and fine and not told else 1)
PYTHON
venv/bin/python seen.py

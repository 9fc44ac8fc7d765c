#!/bin/sh
# What one would expect: ZeroMeanUnitVarianceTransform of batchgenerators gives an image of mean 0 and deviation 1, whatever type
#   of numbers a batch has; MR and CT are stored in 16 bits. Numbers that cannot hold it are turned into others, or refused.
# What happens: the result has the type of the input. Of a signed image of 16 bits whole standard deviations are left: nine grey
#   levels of 1507, and all that lies within one deviation of the mean, 71 % of the image, is 0. Of an unsigned one all that
#   is a deviation or more below the mean becomes 65535, brighter than the brightest. As float32 the same image is right.
#   Nothing is raised or printed; the docstring names no type. MeanStdNormalizationTransform does the same.
# Versions: batchgenerators 0.25.5, scikit-image 0.26.0, pandas 3.1.1, numpy 2.4.6, scipy 1.17.1, Python 3.11.
#   Seen on 2026-11-30.
# Why it matters here: tumours in MRI with sequences missing are often trained through this package. A sequence that was saved as
#   float and one that was saved as it was scanned then differ by more than what they show, and a network still trains.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet batchgenerators==0.25.5 scikit-image==0.26.0 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from batchgenerators.transforms.sample_normalization_transforms import MeanStdNormalizationTransform, ZeroMeanUnitVarianceTransform

warnings.simplefilter("error")  # a warning would be a change
rng = np.random.default_rng(0)
scan = rng.gamma(4, 120, (1, 1, 64, 64, 16)).astype(np.int16)
fixed = MeanStdNormalizationTransform([float(scan.mean())], [float(scan.std())])
seen = {}
for kind in (np.float32, np.int16, np.uint16):
    for name, transform in (("own mean", ZeroMeanUnitVarianceTransform()), ("given mean", fixed)):
        made = transform(data=scan.astype(kind))["data"]
        alike = np.corrcoef(made.ravel(), scan.ravel())[0, 1]
        seen[kind, name] = made.dtype, len(np.unique(made)), (made == 0).mean(), alike, made.max()
        print(
            f"{kind.__name__}, {name}: {made.dtype}, {seen[kind, name][1]} grey levels, {seen[kind, name][2]:.0%} of them 0, "
            f"largest {made.max():.4g}, correlation with the scan {alike:.2f}"
        )
good = True
for name in ("own mean", "given mean"):
    plain, signed, unsigned = (seen[kind, name] for kind in (np.float32, np.int16, np.uint16))
    good &= plain[1] > 1000 and plain[3] > 0.9999 and signed[0] == np.int16 and signed[1] < 15 and signed[2] > 0.6
    good &= unsigned[4] == 65535 and unsigned[3] < 0
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

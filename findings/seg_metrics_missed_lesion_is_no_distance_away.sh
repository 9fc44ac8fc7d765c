#!/bin/sh
# What one would expect: hd, hd95, msd and mdsd of seg-metrics are distances in mm between two surfaces, 0 where the
#   two masks are one. Of a lesion that is not found at all there is no such distance; MedPy refuses it. A method that
#   finds fewer lesions cannot get a better mean.
# What happens: of an empty mask the distance map is set to 0 throughout, so all four numbers are 0.0, the best that
#   there are, as for a perfect mask. So they are for a mask drawn in a healthy patient. Of ten lesions that are found,
#   each 4 mm off, the mean hd95 is 4.0 mm; if seven of the ten are missed it is 1.2 mm. The fewer are found, the
#   better it gets, and who finds nothing has 0.0. If Dice or its like is asked for too, a log line says that precision
#   is 0; of distances none does, and with distances alone nothing is said. README and docstring do not have it.
#   Harmless where both masks hold something in each patient.
# Versions: seg-metrics 1.2.8, medutils 0.1.21, MedPy 0.5.2, SimpleITK 2.5.7, pandas 2.3.3, numpy 2.4.6, scipy 1.17.1,
#   Python 3.11. Seen on 2026-12-01.
# Why it matters here: lesions are missed above all where a sequence is missing, so a table of surface distances by
#   missing modality says that the method draws them better without it. Dice beside it says the opposite.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile seg-metrics==1.2.8 medutils==0.1.21 MedPy==0.5.2 SimpleITK==2.5.7 \
    pandas==2.3.3 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import logging
import sys
import warnings

import numpy as np
from medpy.metric.binary import hd95
from seg_metrics.seg_metrics import write_metrics

NAMES = ["hd", "hd95", "msd", "mdsd"]
logged = []
logging.getLogger().addHandler(logging.Handler())
logging.getLogger().handlers[0].emit = logged.append
warnings.simplefilter("error")  # a warning would be a change


def mask(shift=0):
    """One lesion in a volume of slices 4 mm apart, moved by so many slices."""
    volume = np.zeros((20, 40, 40), int)
    volume[8 + shift : 12 + shift, 10:20, 10:20] = 1
    return volume


def measured(truth, found, names=NAMES):
    """What seg-metrics says of one patient."""
    one = write_metrics(labels=[1], gdth_img=truth, pred_img=found, spacing=[4.0, 1.0, 1.0], metrics=list(names))[0]
    return [float(one[name][0]) for name in names]


def definition(truth, found):
    """MedPy's hd95 of the same pair, or the reason why there is none."""
    try:
        return f"{hd95(found, truth, voxelspacing=[4.0, 1.0, 1.0]):.1f}"
    except RuntimeError as error:
        return f"refused ({error})"


nothing = np.zeros_like(mask())
CASES = {
    "found, one slice off": (mask(), mask(1)),
    "found, perfect": (mask(), mask()),
    "missed": (mask(), nothing),
    "healthy, a lesion drawn": (nothing, mask()),
}
seen = {}
for name, pair in CASES.items():
    seen[name] = measured(*pair)
    print(f"{name}: " + ", ".join(f"{k} {v:.1f}" for k, v in zip(NAMES, seen[name], strict=True)), end="; ")
    print(f"MedPy's hd95: {definition(*pair)}")
means = []
for count in (10, 3, 0):
    patients = [(mask(), mask(1))] * count + [(mask(), nothing)] * (10 - count)
    means.append(np.mean([measured(*pair, names=["hd95"])[0] for pair in patients]))
    overlap = np.mean([2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in patients])
    print(f"{count} of ten lesions found, each 4 mm off: mean hd95 {means[-1]:.1f} mm, mean Dice {overlap:.2f}")
print(f"{len(logged)} messages in the log")
zero = [0.0] * 4
same = seen["missed"] == seen["healthy, a lesion drawn"] == seen["found, perfect"] == zero
sys.exit(0 if same and np.allclose(means, [4, 1.2, 0]) and seen["found, one slice off"][1] == 4 and not logged else 1)
PYTHON
venv/bin/python seen.py

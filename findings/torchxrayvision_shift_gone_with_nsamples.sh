#!/bin/sh
# What one would expect: CovariateDataset of torchxrayvision mixes two hospitals so that the hospital goes with the label: of
#   the sick in training a share of "ratio" comes from the second one, in validation and test 1 - ratio. "With any ratio, the
#   number of samples returned will be the same in order to provide controlled experiments"; nsamples asks for fewer, and
#   splits for other sizes of the three parts.
# What happens: nsamples cuts each of the four groups (hospital by label) to a quarter. With ratio=0.9 and 100 samples the
#   share is 0.5 in training and 0.5 in test: there is no shift left. With 400 it is 0.67 and 0.2. And the test set is
#   what training and validation leave over, which is 1 - ratio for the default splits only: with splits of 0.25, 0.25 and 0.5
#   it is 0.5, while verbose=True prints "TEST (ratio=0.1)". So a model that looks at nothing but the hospital has an AUROC
#   in the test of 0.5 (here 0.10 is meant). Nothing else is printed or raised.
# Versions: torchxrayvision 1.5.7, torch 2.13.0, scikit-image 0.26.0, scikit-learn 1.9.1, pandas 3.1.1,
#   numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: it is made to show whether a method follows a shortcut. Tried on a sample first, or with a large
#   test set, every method is found to be robust.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile torch==2.13.0 scikit-image==0.26.0 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 \
  imageio==2.38.2 requests==2.34.2 tqdm==4.70.1 pillow==13.0.0
# It also asks for torchvision, for networks and for pictures. Names without a use stand for it here.
venv/bin/pip install --quiet --no-compile --no-deps torchxrayvision==1.5.7
mkdir -p empty/torchvision/transforms empty/torchvision/models
echo "from torchvision import models, transforms" > empty/torchvision/__init__.py
echo "Compose = None" > empty/torchvision/transforms/__init__.py
: > empty/torchvision/models/__init__.py
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys
import warnings

import numpy as np
import pandas as pd
import torchxrayvision as xrv
from sklearn.metrics import roc_auc_score

PATIENTS, RATIO = 1000, 0.9


class Hospital(xrv.datasets.Dataset):
    """Half of the patients are sick. No pictures are read: only who is taken is looked at."""

    def __init__(self, seed):
        super().__init__()
        sick = np.arange(PATIENTS) % 2
        np.random.default_rng(seed).shuffle(sick)
        self.labels, self.pathologies = sick[:, None].astype(float), ["sick"]
        self.csv = pd.DataFrame({"patientid": np.arange(PATIENTS)})

    def __len__(self):
        return PATIENTS

    def __getitem__(self, place):
        return {"idx": place, "lab": self.labels[place], "img": np.zeros((1, 1, 1), np.float32)}


first, second = Hospital(0), Hospital(1)


def mixed(mode, **options):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        found = xrv.datasets.CovariateDataset(
            first, first.labels[:, 0], second, second.labels[:, 0], ratio=RATIO, mode=mode, verbose=True, **options
        )
    sick = found.labels[:, 0] == 1
    line = [one.split(":")[0] for one in said.getvalue().splitlines() if one.lower().startswith(mode)]
    return len(found), (found.site[sick] == 1).mean(), roc_auc_score(sick, found.site), line[0]


seen = {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for name, options in {
        "as it comes": {},
        "nsamples=400": {"nsamples": 400},
        "nsamples=100": {"nsamples": 100},
        "splits=[0.25, 0.25, 0.5]": {"splits": [0.25, 0.25, 0.5]},
        "splits=[0.4, 0.3, 0.3]": {"splits": [0.4, 0.3, 0.3]},
    }.items():
        seen[name] = {mode: mixed(mode, **options) for mode in ("train", "valid", "test")}
        print(
            f"{name:24}: of the sick from the second hospital "
            + ", ".join(f"{mode} {one[1]:.2f} of {one[0]}" for mode, one in seen[name].items())
            + f" (meant: {RATIO}, {1 - RATIO:.1f}, {1 - RATIO:.1f}); AUROC of the hospital in the test {seen[name]['test'][2]:.2f};"
            + f" printed: {seen[name]['test'][3]}"
        )
told = [str(one.message) for one in told if "torchxrayvision" in str(one.filename)]
print("warnings of the package:", told or "none")


def shares(name):
    return [round(float(one[1]), 2) for one in seen[name].values()]


gone = np.allclose(shares("nsamples=100"), 0.5, atol=0.015) and np.allclose(shares("nsamples=400"), [0.67, 0.2, 0.2], atol=0.015)
rest = shares("splits=[0.25, 0.25, 0.5]")[2] == 0.5 and abs(shares("splits=[0.4, 0.3, 0.3]")[2] - 0.37) < 0.01
fine = np.allclose(shares("as it comes"), [0.9, 0.1, 0.1], atol=0.01)
fine &= all(one["test"][3] == "TEST (ratio=0.1)" for one in seen.values())
sys.exit(0 if gone and rest and fine and not told else 1)
PYTHON
PYTHONPATH="$folder/empty" venv/bin/python seen.py

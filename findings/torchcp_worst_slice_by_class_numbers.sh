#!/bin/sh
# What one would expect: WSC of torchcp, worst-slice coverage, looks among patients for the slab of features with the lowest
#   coverage, and gives the coverage there. How the classes are numbered has no part in it.
# What happens: its search takes coverage and labels in the other order than it is handed them. It finds the slab with the
#   lowest class numbers, and WSC gives the coverage of that. Of sets that hold the true class of 97 % of most patients
#   and of half of those with a high marker, it says 0.90 to 0.97, by how four classes are numbered. The search itself, called
#   with its arguments in their places, finds the slab: 0.54. Nothing is raised, and the number looks like good coverage.
# Versions: torchcp 1.2.1, torch 2.13.0, scikit-learn 1.9.1, numpy 2.4.6, Python 3.11. Seen on 2026-11-30.
# Why it matters here: this number is there to show that prediction sets also hold for old patients, one site or patients
#   without an image. It says that they do while half of these get a set without their diagnosis.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 torch_geometric==2.8.1 transformers==5.24.0 scikit-learn==1.9.1 numpy==2.4.6 \
    scipy==1.17.1 pandas==3.1.1 tqdm==4.70.1
# It also asks for torchsort, which must be compiled and serves one of its losses. An empty module stands for it here.
venv/bin/pip install --quiet --no-deps torchcp==1.2.1
mkdir empty
echo "soft_rank = soft_sort = None" > empty/torchsort.py
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torchcp.classification.utils.metrics import WSC, calWSC, wsc_vab

PATIENTS, CLASSES, DIRECTIONS = 2000, 4, 200
rng = np.random.default_rng(0)
markers = rng.normal(size=(PATIENTS, 2))
high = markers[:, 0] > 1
label = rng.integers(CLASSES, size=PATIENTS)
covered = rng.random(PATIENTS) < np.where(high, 0.5, 0.97)
# A set holds one wrong class, and the true one where it covers.
holds = np.zeros((PATIENTS, CLASSES), bool)
holds[np.arange(PATIENTS), label] = covered
holds[np.arange(PATIENTS), (label + 1) % CLASSES] = True
print(f"coverage {covered.mean():.3f}; with a high marker {covered[high].mean():.3f}, others {covered[~high].mean():.3f}")
said = []
for shift in range(CLASSES):
    # The same patients and sets; class c is called c + shift.
    numbers = torch.as_tensor((label + shift) % CLASSES)
    sets = torch.as_tensor(np.roll(holds, shift, axis=1))
    said.append(WSC(torch.as_tensor(markers), sets, numbers, M=DIRECTIONS))
    print(f"WSC, classes numbered from {shift}: {said[-1]:.3f}")
train, test, covered_train, covered_test, label_train, label_test = train_test_split(
    markers, covered, label, test_size=0.75, random_state=2020
)
found = {}
for name, how in {
    "coverage as coverage": {"y": label_train, "covered": covered_train},
    "labels as coverage": {"y": covered_train, "covered": label_train},
}.items():
    _, direction, low, top = calWSC(train, M=DIRECTIONS, verbose=False, **how)
    found[name] = float(wsc_vab(test, label_test, covered_test, direction, low, top))
    print(f"its own search, {name}: {found[name]:.3f} in a slab along {direction.round(2).tolist()}")
swapped = abs(found["labels as coverage"] - said[0]) < 1e-9
missed = min(said) > 0.85 and max(said) - min(said) > 0.03 and found["coverage as coverage"] < 0.65
sys.exit(0 if swapped and missed else 1)
PYTHON
PYTHONPATH="$folder/empty" venv/bin/python seen.py

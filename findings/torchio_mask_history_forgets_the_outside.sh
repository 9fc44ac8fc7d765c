#!/bin/sh
# What one would expect: torchio writes each transform with its arguments into the history of a subject, so that
#   subject.get_composed_history() does the same to another subject, or to the same one again. Mask(masking_method, outside_value,
#   labels) sets what lies outside of some organs to one value, for example to -1000, the air of a CT.
# What happens: only masking_method is written down. The transform that the history gives has outside_value 0 and
#   takes all labels: it keeps other organs and sets the outside to 0, which in a CT is water. Its inverse and its printed
#   form have lost the same. Other transforms of the same library (Pad, Clamp, RemapLabels) write all they need. An
#   issue about masking_method itself (1136) was closed as a bug that is repaired. Nothing is raised or printed.
# Versions: torchio 1.2.1, torch 2.13.0, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: a history is kept in order to prepare test patients as the training patients were, and to report
#   what was done. Here the training patients have lungs in air, and the test patients have all organs in water.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile torchio==1.2.1 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import torch
import torchio as tio

SIZE, AIR = 10, -1000
organs = torch.zeros(1, SIZE, SIZE, SIZE)
organs[:, 2:5], organs[:, 5:8] = 1, 2  # 300 voxels of the heart, 300 of the lungs


def patient(seed):
    tissue = torch.randint(20, 60, organs.shape, generator=torch.Generator().manual_seed(seed)).float()
    return tio.Subject(ct=tio.ScalarImage(tensor=tissue), organs=tio.LabelMap(tensor=organs))


def show(name, subject, before):
    now, kept = subject.ct.data, before.ct.data
    row = (now == kept).sum().item(), (now == AIR).sum().item(), (now == 0).sum().item()
    print(f"{name:38}: {row[0]} voxels kept, {row[1]} air ({AIR}), {row[2]} water (0); mean {now.mean():.0f}")
    return row


first, second = patient(0), patient(1)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    masked = tio.Mask("organs", outside_value=AIR, labels=[2])(first)
    seen = {
        "right": show("the mask, on a training patient", masked, first),
        "same": show("its history, on the same patient", masked.get_composed_history()(first), first),
        "test": show("its history, on a test patient", masked.get_composed_history()(second), second),
        "own": show("the mask again, on a test patient", tio.Mask("organs", AIR, [2])(second), second),
    }
    print("the history says:", masked.history)
    # Another transform with optional arguments, the same way.
    padded = tio.Pad(1, padding_mode=AIR)(first)
    again = padded.get_composed_history()(first)
told = [str(one.message) for one in told if "torchio" in str(one.filename)]
print("warnings of the package:", told or "none")
lost = seen["same"] == seen["test"] == (600, 0, 400) and str(masked.history) == "[Mask(masking_method=organs)]"
fine = seen["right"] == seen["own"] == (300, 700, 0) and torch.equal(padded.ct.data, again.ct.data)
sys.exit(0 if lost and fine and not told else 1)
PYTHON
venv/bin/python seen.py

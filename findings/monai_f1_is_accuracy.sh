#!/bin/sh
# What one would expect: MONAI's ConfusionMatrixMetric("f1 score") with its default reduction "mean" is the mean of the
#   classes' F1 (macro), as DiceMetric with reduction "mean" is the mean of the classes' Dice.
# What happens: the counts are averaged over samples and classes first, and one F1 is taken of them. That is F1-micro. Where
#   classes exclude each other it is the accuracy, to the digit; "precision" and "sensitivity" are the same number. A model
#   that never finds a rare class hardly loses anything. The mean over classes is the nanmean of reduction="mean_batch", and
#   there a class that nobody has and nobody predicts is left out.
# Versions: monai 1.6.1, torch 2.13.0 (CPU), scikit-learn 1.9.1, Python 3.11. Seen on 2026-11-28.
# Why it matters here: medical papers that train with MONAI print this number as F1. Held against F1-macro, which our
#   tables show, it looks far better for the same predictions. `rescore --as monai` gives the mean over classes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet monai==1.6.1 torch==2.13.0 scikit-learn==1.9.1
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import torch
from monai.metrics import ConfusionMatrixMetric, DiceMetric
from sklearn.metrics import accuracy_score, f1_score

rng = np.random.default_rng(0)
true = rng.choice(3, 500, p=[0.8, 0.15, 0.05])
# Nobody of the rare class is found.
predicted = np.where(true == 2, 0, np.where(rng.random(500) < 0.9, true, 0))
one_hot = [torch.tensor(np.eye(3)[classes]).float() for classes in (predicted, true)]


def monai(name, **options):
    metric = ConfusionMatrixMetric(metric_name=name, **options)
    metric(y_pred=one_hot[0], y=one_hot[1])
    return metric.aggregate()[0].numpy()


default = {name: monai(name).item() for name in ("f1 score", "precision", "sensitivity")}
by_class = float(np.nanmean(monai("f1 score", reduction="mean_batch")))
macro, accuracy = f1_score(true, predicted, average="macro"), accuracy_score(true, predicted)
for name, value in default.items():
    print(f"MONAI, {name}, as it comes: {value:.4f}")
print(f"accuracy {accuracy:.4f}, F1-macro {macro:.4f}, MONAI's classes averaged {by_class:.4f}")
# Dice is the same formula; there "mean" is the mean over classes.
images = [part.T[None, :, :, None] for part in one_hot]
dice = DiceMetric(include_background=True, reduction="mean")
dice(y_pred=images[0], y=images[1])
print(f"MONAI's Dice of the same as one picture, reduction mean: {float(dice.aggregate()):.4f}")
same = all(abs(value - accuracy) < 1e-5 for value in default.values())
alike = abs(by_class - macro) < 1e-5 and abs(float(dice.aggregate()) - macro) < 1e-5
sys.exit(0 if same and alike and macro < accuracy - 0.2 else 1)
PYTHON
venv/bin/python seen.py

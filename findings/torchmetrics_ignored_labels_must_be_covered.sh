#!/bin/sh
# What one would expect: ignore_index of torchmetrics "specifies a target value that is ignored and does not contribute
#   to the metric calculation". So MultilabelCoverageError, how far down a patient's ranked findings one must go to have
#   all true ones, and MultilabelRankingLoss, the share of wrongly ordered pairs, look at the known labels alone. A
#   perfect ranking has as coverage the number of true findings ("the best value").
# What happens: an ignored label gets a very low score. The coverage error takes it for a true one that must be covered
#   too, so a patient with one unknown label has the worst value, the number of labels. The ranking loss counts it as a
#   false one that was ranked last, as it should be. Of 14 findings of which 10 % are unknown a perfect ranking has
#   coverage 11.2, where by the known labels it is 2.0; with 30 % unknown, 13.9 and 1.5. A ranking at random has a loss
#   of 0.26 there, not 0.39: the more is unknown, the better it looks. MultilabelRankingAveragePrecision of the same
#   labels is right to the third digit, and without ignored labels all three are. Nothing is raised or printed.
# Versions: torchmetrics 1.9.0, torch 2.13.0 (CPU), scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: labels that are read from chest reports are present, absent or uncertain, and the uncertain ones
#   are marked -1. Their share hangs on the report, so a table of sites or of modalities compares how many labels
#   are known, and not the methods.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile torchmetrics==1.9.0 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 \
    numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import torch
from sklearn.metrics import coverage_error, label_ranking_average_precision_score, label_ranking_loss
from torchmetrics.classification import (
    MultilabelCoverageError,
    MultilabelRankingAveragePrecision,
    MultilabelRankingLoss,
)

warnings.simplefilter("error")  # a warning would be a change
PATIENTS, LABELS = 500, 14
METRICS = {
    "coverage": (MultilabelCoverageError, coverage_error),
    "loss": (MultilabelRankingLoss, label_ranking_loss),
    "precision": (MultilabelRankingAveragePrecision, label_ranking_average_precision_score),
}
generator = np.random.default_rng(0)
truth = (generator.random((PATIENTS, LABELS)) < 0.15).astype(int)


def library(metric, scores, labels):
    """What torchmetrics says with the unknown labels marked -1."""
    one = metric(num_labels=LABELS, ignore_index=-1)
    one.update(torch.tensor(scores), torch.tensor(labels))
    return float(one.compute())


def by_patient(metric, scores, known):
    """The mean over patients of scikit-learn's metric, of the known labels of each."""
    rows = range(PATIENTS)
    return np.mean([metric(truth[i : i + 1, known[i]], scores[i : i + 1, known[i]]) for i in rows])


seen, right = {}, {}
for name, help_of_truth in (("perfect", 20), ("good", 1.5), ("random", 0)):
    logits = generator.normal(size=truth.shape) + help_of_truth * truth
    scores = 1 / (1 + np.exp(-logits / 5))
    for share in (0, 0.1, 0.3):
        known = generator.random(truth.shape) >= share
        labels = np.where(known, truth, -1)
        for key, (ours, theirs) in METRICS.items():
            seen[name, share, key] = library(ours, scores, labels)
            right[name, share, key] = by_patient(theirs, scores, known)
        says = ", ".join(f"{key} {seen[name, share, key]:.3f} ({right[name, share, key]:.3f})" for key in METRICS)
        print(f"{name} ranking, {share:.0%} unknown, torchmetrics (known labels alone): {says}")
fine = all(
    abs(seen[case] - right[case]) < 1e-3 for case in seen if case[1] == 0 or case[2] == "precision"
)
worst = all(seen[name, 0.3, "coverage"] > 13.5 for name in ("perfect", "good", "random"))
small = right["perfect", 0.3, "coverage"] < 2 and right["perfect", 0.1, "coverage"] < 2.1
loss = seen["random", 0.3, "loss"] < 0.3 and right["random", 0.3, "loss"] > 0.35
sys.exit(0 if fine and worst and small and loss and seen["perfect", 0.1, "coverage"] > 11 else 1)
PYTHON
venv/bin/python seen.py

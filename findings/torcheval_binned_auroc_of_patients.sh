#!/bin/sh
# What one would expect: multiclass_binned_auroc of torcheval, the "AUROC for multiclass classification", takes for each
#   class the area of that class against the rest ("calculate metrics for each class separately, and return their
#   unweighted mean") with a limited number of thresholds. With many of them it is the AUROC of multiclass_auroc, and
#   average=None gives one number a class. A model that says the same to every patient has 0.5.
# What happens: it sums over classes where it should sum over patients. The result is, of each patient, the share of
#   other classes that got less than the true one, and average=None gives as many numbers as there are patients. A model
#   that tells everybody the prevalences of four grades (70, 20, 8 and 2 %) has 0.86 instead of 0.5. One that adds
#   a thousandth to the true grade, which separates every grade without error, has 0.86 as well, not 1.0, and so
#   has one that is wrong about who is ill (0.32). MulticlassBinnedAUROC does the same; the example in its docstring has
#   five numbers for three classes and five patients. binary_binned_auroc and multiclass_binned_auprc are right.
#   Nothing is raised or printed.
# Versions: torcheval 0.0.7, torch 2.13.0 (CPU), scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: grades and diagnoses have very unequal prevalences. A model that lacks the picture falls back on
#   them, and so loses nothing by this number: every pattern of missing modalities looks alike.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile torcheval==0.0.7 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 \
    numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torcheval.metrics import MulticlassBinnedAUROC
from torcheval.metrics.functional import (
    binary_binned_auroc,
    multiclass_auroc,
    multiclass_binned_auprc,
    multiclass_binned_auroc,
)

PREVALENCE = np.array([0.70, 0.20, 0.08, 0.02])
GRADES, PATIENTS, THRESHOLDS = 4, 1000, 5001
generator = np.random.default_rng(0)
truth = np.repeat(np.arange(GRADES), (PREVALENCE * PATIENTS).round().astype(int))
same = np.tile(PREVALENCE, (PATIENTS, 1))
true_grade = np.eye(GRADES)[truth]
noise = generator.random((PATIENTS, GRADES)) * 0.01
MODELS = {
    "the prevalences, to everybody": same,
    "a thousandth more for the true grade": same + 0.001 * true_grade,
    "less for the true grade, with noise": same - 0.002 * true_grade + noise,
    "much more for the true grade, with noise": 0.3 * true_grade + generator.random((PATIENTS, GRADES)) * 0.6,
}
target, seen, right, fine = torch.tensor(truth), [], [], True
for name, scores in MODELS.items():
    given = torch.tensor(scores)
    options = {"num_classes": GRADES, "threshold": THRESHOLDS}
    seen.append(multiclass_binned_auroc(given, target, **options)[0].item())
    metric = MulticlassBinnedAUROC(**options)
    metric.update(given, target)
    many = len(multiclass_binned_auroc(given, target, average=None, **options)[0])
    exact = multiclass_auroc(given, target, num_classes=GRADES).item()
    by_class = [roc_auc_score(truth == grade, scores[:, grade]) for grade in range(GRADES)]
    one_by_one = [
        binary_binned_auroc(given[:, grade], (target == grade).long(), threshold=THRESHOLDS)[0].item()
        for grade in range(GRADES)
    ]
    lower = (scores < scores[np.arange(PATIENTS), truth][:, None]).sum(1) / (GRADES - 1)
    right.append(np.mean(by_class))
    precision = multiclass_binned_auprc(given, target, **options)[0].item()
    print(
        f"{name}: binned AUROC {seen[-1]:.3f} (scikit-learn {right[-1]:.3f}, multiclass_auroc {exact:.3f}, "
        f"grade by grade by binary_binned_auroc {np.mean(one_by_one):.3f}); other grades below the true one, "
        f"by patient {lower.mean():.3f}; numbers with average=None: {many}; binned AUPRC {precision:.3f}"
    )
    fine &= abs(metric.compute()[0].item() - seen[-1]) < 1e-6 and many == PATIENTS
    fine &= abs(exact - right[-1]) < 0.005 and abs(np.mean(one_by_one) - right[-1]) < 0.01
    fine &= abs(lower.mean() - seen[-1]) < 0.01
wrong = np.allclose(seen[:3], 0.86, atol=0.005) and right[0] == 0.5 and right[1] == 1.0
sys.exit(0 if fine and wrong and right[2] < 0.4 else 1)
PYTHON
venv/bin/python seen.py

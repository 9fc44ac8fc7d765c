#!/bin/sh
# What one would expect: thresholds= of torchmetrics' average precision trades memory for accuracy ("binned", says the
#   documentation), so that with many thresholds the number stays nearly what it is.
# What happens: it also changes which classes are averaged. Of several classes, one that no sample has is left out of the
#   macro mean with thresholds=None, and counts as 0 with any number of thresholds. The more classes a test split lacks,
#   the lower the binned number; more thresholds do not help. Of several labels it counts as 0 either way.
# Versions: torchmetrics 1.9.0, torch 2.13.0 (CPU), Python 3.11. Seen on 2026-11-28.
# Why it matters here: a split by patient often leaves a rare class without a test sample. Two papers that both report
#   torchmetrics' macro average precision then differ by a fifth or more, for a setting that is no part of the metric.
#   docs/tools.md has the table; `rescore --as torchmetrics` and `--as torchmetrics:100` give both numbers.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 torchmetrics==1.9.0
cat > seen.py <<'PYTHON'
import sys
import warnings

import torch
from torchmetrics.functional.classification import multiclass_average_precision, multilabel_average_precision

warnings.simplefilter("ignore")
torch.manual_seed(0)
classes = torch.randint(0, 4, (400,))
logits = torch.randn(400, 5) + 2 * torch.nn.functional.one_hot(classes, 5)
chances = logits.softmax(1)
found = {}
for name, thresholds in (("all", None), ("1,000", 1000), ("10,000", 10000)):
    found[name] = float(multiclass_average_precision(chances, classes, 5, thresholds=thresholds))
    print(f"five classes, of which one has no sample; thresholds: {name:>6}  {found[name]:.4f}")
present = float(multiclass_average_precision(chances[:, :4], classes, 4, thresholds=None))
print(f"the same without that class                            {present:.4f}")
several = torch.nn.functional.one_hot(classes, 5)
labels = float(multilabel_average_precision(chances, several, 5, thresholds=None))
print(f"the same as five labels; thresholds:    all             {labels:.4f}")
left_out = abs(found["all"] - present) < 1e-3
as_zero = all(abs(found[name] - 0.8 * present) < 5e-3 for name in ("1,000", "10,000"))
sys.exit(0 if left_out and as_zero and abs(labels - 0.8 * present) < 5e-3 else 1)
PYTHON
venv/bin/python seen.py

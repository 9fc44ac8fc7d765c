#!/bin/sh
# What one would expect: EmbeddingCollapseMetric of MONAI compares the embeddings of one hospital with those of another ("domain_shift",
#   N and M patients). The order of patients has no part in it, a shift is seen as a shift, and two samples of the same
#   hospital get the same answer whether there are 40 of them or 1,000. The number goes into "aggregate", the worst of all.
# What happens: domain_shift is a linear CKA, which compares two networks on the same patients, row by row. Here the rows are different
#   people. The same 500 patients have 1.00, and 0.02 when the second table is sorted by another column; all moved by
#   100 units they have 1.00 as well, as if nothing had happened. With 768 dimensions and 40 patients it is 0.94
#   for anything. By the docstring "higher = more collapsed": a healthy network then is 94 % collapsed, by how few patients
#   there are. The CKA is named there, but not that patients must be the same ones, and a larger table is cut at random, which
#   would break the pairs. (That its "unbiased" estimator is the biased one has an open pull request, 9129; the pairs not.)
# Versions: monai 1.6.1, torch 2.13.0, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: embeddings of two sites, or of patients with and without an image, are what one would compare so. The
#   answer is the size of the table and the order of its rows.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile monai==1.6.1 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import torch
from monai.metrics import EmbeddingCollapseMetric
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

torch.set_num_threads(1)


def patients(number, size, seed):
    return torch.randn(number, size, generator=torch.Generator().manual_seed(seed)) * torch.linspace(2, 0.5, size)


def told_apart(source, target):
    """AUROC of a linear model that is asked of which hospital a patient is: 0.5 if nothing shifted, 1 if all did."""
    x = torch.cat([source, target]).numpy()
    y = np.r_[np.zeros(len(source)), np.ones(len(target))]
    return roc_auc_score(y, cross_val_predict(LogisticRegression(max_iter=500), x, y, cv=5, method="decision_function"))


def show(name, source, target, own=True):
    found = EmbeddingCollapseMetric()(embeddings=source, target_embeddings=target)
    shift, worst = found["domain_shift"].item(), found["aggregate"].item()
    apart = told_apart(source, target) if own else float("nan")
    print(f"{name:46}: domain_shift {shift:.2f}, aggregate {worst:.2f}; a linear model tells them apart by {apart:.2f}")
    return shift, worst, apart


with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    here, there = patients(500, 16, 0), patients(500, 16, 1)
    seen = {
        "same": show("500 patients, and the same 500 again", here, here, own=False),
        "sorted": show("the same, the second table sorted", here, here[here[:, 3].argsort()], own=False),
        "moved": show("the same, moved by 100 units", here, here + 100),
        "others": show("500 others of this hospital", here, there),
        "elsewhere": show("500 of a hospital that is 100 units off", here, there + 100),
    }
    wide = {n: show(f"{n} and {n} of one hospital, 768 dimensions", patients(n, 768, 2), patients(n, 768, 3)) for n in (40, 1000)}
told = [str(one.message) for one in told if "monai" in str(one.filename)]
print("warnings of the package:", told or "none")
order = seen["same"][0] > 0.99 and seen["sorted"][0] < 0.05
blind = seen["moved"][0] > 0.99 and abs(seen["others"][0] - seen["elsewhere"][0]) < 1e-3 and seen["elsewhere"][2] > 0.99
size = wide[40][0] > 0.9 and wide[1000][0] < 0.5 and wide[40][1] == wide[40][0] and seen["others"][2] < 0.6
sys.exit(0 if order and blind and size and not told else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: the binary metrics of river have pos_val, the "value to treat as positive". Labels "ill" and "well"
#   with pos_val="ill" give the precision, recall, F1, MCC, Jaccard index and ROCAUC that True and False give, and so do 0
#   for the ill and 1 for the well with pos_val=0.
# What happens: with "ill" each of them is 0, whatever is answered, and so it is with 2. With 0 they are those of the well:
#   precision 0.97 and recall 0.85 where they are 0.68 and 0.92. The area is 0 with "ill", also of the scores turned over,
#   and with 0 it is minus the area, -0.96. The update compares each label with pos_val and keeps True or False; what is
#   counted is then looked up under pos_val itself, which is not among these, or, if it is 0, is False. So only True
#   and 1 work. Nothing is raised or printed.
# Versions: river 0.26.1, scikit-learn 1.9.1, pandas 2.3.3, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: a monitor that follows patients one by one scores with such metrics, and hospitals' labels are
#   words or codes. A recall of 0 is read as a model that finds nobody; and where the healthy have the greater code, the
#   table shows how well the healthy are found, under the name of the ill.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet river==0.26.1 scikit-learn==1.9.1 pandas==2.3.3 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from river import metrics
from sklearn.metrics import f1_score, jaccard_score, matthews_corrcoef, precision_score, recall_score, roc_auc_score

warnings.simplefilter("error")  # a warning would be a change
draw = np.random.default_rng(0)
ill = draw.random(300) < 0.3
answer = np.where(draw.random(300) < 0.85, ill, ~ill)
score = np.clip(ill * 0.4 + draw.random(300) * 0.6, 0, 1)
SCORES = {
    "Precision": precision_score,
    "Recall": recall_score,
    "F1": f1_score,
    "MCC": matthews_corrcoef,
    "Jaccard": jaccard_score,
}
# what the ill are called, what the well are called
NAMES = {"True": (True, False), "1": (1, 0), "'ill'": ("ill", "well"), "2": (2, 1), "0": (0, 1)}


def by_river(name, called, truth, answers):
    metric = getattr(metrics, name)(pos_val=called[0])
    for label, one in zip(truth, answers):
        metric.update(called[0] if label else called[1], called[0] if one else called[1])
    return metric.get()


def area(called, truth, scores):
    metric = metrics.ROCAUC(n_thresholds=100, pos_val=called[0])
    for label, one in zip(truth, scores):
        metric.update(called[0] if label else called[1], float(one))
    return metric.get()


good = True
for name, wanted in SCORES.items():
    found = {key: by_river(name, called, ill, answer) for key, called in NAMES.items()}
    right = wanted(ill, answer)
    of_the_well = wanted(~ill, ~answer)
    print(f"{name}: wanted {right:.3f}; by pos_val " + ", ".join(f"{key} {value:.3f}" for key, value in found.items()))
    good &= abs(found["True"] - right) < 1e-9 and abs(found["1"] - right) < 1e-9
    good &= found["'ill'"] == found["2"] == 0 and abs(found["0"] - of_the_well) < 1e-9
found = {key: area(called, ill, score) for key, called in NAMES.items()}
turned = area(NAMES["'ill'"], ill, 1 - score)
right = roc_auc_score(ill, score)
print(f"ROCAUC: wanted {right:.3f}; by pos_val " + ", ".join(f"{key} {value:.3f}" for key, value in found.items()))
print(f"  scores turned over: 'ill' {turned:.3f}")
good &= abs(found["True"] - right) < 0.01 and abs(found["1"] - right) < 0.01
good &= found["'ill'"] == found["2"] == turned == 0 and abs(found["0"] + right) < 0.01
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

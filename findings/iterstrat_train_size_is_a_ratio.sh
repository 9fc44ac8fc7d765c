#!/bin/sh
# What one would expect: MultilabelStratifiedShuffleSplit of iterative-stratification, asked for train_size=0.1 and
#   test_size=0.2, trains on a tenth of the patients and tests on a fifth, as scikit-learn's ShuffleSplit does. Its docstring:
#   "If float, should be between 0.0 and 1.0 and represent the proportion of the dataset to include in the train split."
# What happens: the two numbers are divided by their sum, and every patient is in one of the two sets. A tenth and a fifth of
#   1000 are 333 and 667 patients, 0.4 and 0.2 are 667 and 333; 100 and 100 patients are 500 and 500. The docstring allows for
#   sizes that are "slightly different", for the sake of labels. A learning curve is drawn over the wrong shares: the mean AUROC
#   "from 5 %" of 2000 patients is 0.879, where 5 % give 0.804; 20 %, on which it was trained, give 0.876. With train_size left
#   out sizes are right. Nothing is raised or printed. (Reported to its authors in 2021.)
# Versions: iterative-stratification 0.1.9, scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on 2026-12-01.
# Why it matters here: this is the usual splitter of multi-label findings (chest films, fundus photographs, ECG). "Few labelled
#   patients" and learning curves are asked for by train_size, and test sets of one size make them comparable; here neither is so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet iterative-stratification==0.1.9 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ShuffleSplit

SHARES = [0.5, 0.3, 0.2, 0.1]


def draw(rng, patients, markers):
    weights = rng.normal(size=(markers, len(SHARES))) * 1.5 / np.sqrt(markers)
    seen = rng.normal(size=(patients, markers))
    logits = 2 * seen @ weights + np.log(np.array(SHARES) / (1 - np.array(SHARES)))
    return seen, (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(int)


def sizes(splitter, found, **asked):
    train, test = next(splitter(n_splits=1, random_state=0, **asked).split(found, found))
    return len(train), len(test), len(found) - len(np.union1d(train, test))


def auroc(seen, found, train, test):
    return np.mean([
        roc_auc_score(label[test], LogisticRegression().fit(seen[train], label[train]).predict_proba(seen[test])[:, 1])
        for label in found.T
    ])


with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    _, found = draw(np.random.default_rng(0), 1000, 30)
    said, right = [], []
    for test_size, train_size in ((0.2, 0.1), (0.2, 0.4), (0.1, 0.1), (100, 100), (0.2, 0.8), (0.2, None)):
        asked = {"test_size": test_size, "train_size": train_size}
        said.append(sizes(MultilabelStratifiedShuffleSplit, found, **asked))
        right.append(sizes(ShuffleSplit, found, **asked))
        print("asked for train", train_size, "test", test_size, "-> train, test, left out:", said[-1], "ShuffleSplit", right[-1])
    # Each "5 %" is scored with a test set of 20 %, over ten splits.
    seen, found = draw(np.random.default_rng(1), 2000, 30)
    curve = {}
    for share in (0.05, 0.2, 0.8):
        asked = {"n_splits": 10, "train_size": share, "test_size": 0.2, "random_state": 0}
        for name, splitter in (("said", MultilabelStratifiedShuffleSplit), ("right", ShuffleSplit)):
            curve[name, share] = np.mean([auroc(seen, found, *split) for split in splitter(**asked).split(found, found)])
        print(f"mean AUROC from {share:.0%}: said {curve['said', share]:.3f}, right {curve['right', share]:.3f}")
print("warnings:", sorted({str(w.message)[:80] for w in told}) or "none")
wrong = [abs(a[0] - b[0]) > 100 for a, b in zip(said, right)]
nobody = all(left == 0 for _, _, left in said) and right[0][2] == 700
steep = curve["said", 0.05] > curve["right", 0.05] + 0.05 and abs(curve["said", 0.05] - curve["right", 0.2]) < 0.03
sys.exit(0 if wrong == [True] * 4 + [False] * 2 and nobody and steep and not told else 1)
PYTHON
venv/bin/python seen.py

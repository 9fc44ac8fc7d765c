#!/bin/sh
# What one would expect: the ranking loss of several labels is the share of pairs of a true and a false label of a patient
#   that a model orders wrongly. A model that gives both the same score orders them not at all: by the definition, and in
#   scikit-learn, such a pair is wrong. In no case has it to do with which label stands first in the table.
# What happens: multilabel_ranking_loss and MultilabelRankingLoss of torchmetrics rank equal scores by the label's column. A model that
#   tells all 300 patients 0.3 for each of 14 findings, and so knows nothing, has 0.00, "the best score", where the
#   true findings stand last, and 1.00 where they stand first: by scikit-learn 1.00 in both. A detector that says yes or
#   no has 0.15 where frequent findings stand last and 0.31 where they stand first, by scikit-learn 0.41; scores rounded
#   to a tenth have 0.13 and 0.16, by scikit-learn 0.18. Without ties nothing of this happens. Coverage error and average precision of the same module treat ties as
#   scikit-learn does. Nothing is raised or printed, and the documentation does not speak of ties.
# Where: _multilabel_ranking_loss_update of torchmetrics/functional/classification/ranking.py sorts the scores and takes the
#   places as ranks.
# Versions: torchmetrics 1.9.0, torch 2.13.0 (CPU), scikit-learn 1.9.1, scipy 1.17.1, numpy 2.3.5, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: ties are common: yes or no of a reader or of a language model, votes of nearest neighbours, probabilities in half
#   precision that have become 0 or 1, labels that a method never learned. What is compared is the order of columns.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet torchmetrics==1.9.0 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.3.5
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import torch
from sklearn.metrics import coverage_error, label_ranking_average_precision_score, label_ranking_loss

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of imports
    from torchmetrics.classification import MultilabelRankingLoss
    from torchmetrics.functional.classification import multilabel_coverage_error, multilabel_ranking_average_precision

warnings.simplefilter("error")  # a warning would be a change
draw = np.random.default_rng(0)
PATIENTS, LABELS = 300, 14
share = np.linspace(0.02, 0.4, LABELS)  # of patients with each finding, the frequent ones last
score = draw.random((PATIENTS, LABELS))
true = (draw.random((PATIENTS, LABELS)) < share).astype(int)
true[:, -1] |= true.sum(axis=1) == 0
score = 1 / (1 + np.exp(-(draw.normal(size=true.shape) + 1.5 * true - 1)))
models = {
    "one score for all": np.full(score.shape, 0.3),
    "yes or no": (score > 0.5).astype(float),
    "rounded to a tenth": score.round(1),
    "no ties": score,
}
sorted_ = {"one score for all": np.sort(true, axis=1)}


def losses(said, truth):
    metric = MultilabelRankingLoss(LABELS)
    metric.update(torch.tensor(said), torch.tensor(truth))
    return float(metric.compute()), label_ranking_loss(truth, said)


seen = {}
for name, said in models.items():
    truth = sorted_.get(name, true)
    back = slice(None, None, -1)
    seen[name] = *losses(said, truth), *losses(said[:, back].copy(), truth[:, back].copy())
    print("{}: {:.2f}, by scikit-learn {:.2f}; columns the other way round {:.2f}, by scikit-learn {:.2f}".format(name, *seen[name]))
said, truth = models["yes or no"], true
others = [
    float(multilabel_coverage_error(torch.tensor(said), torch.tensor(truth), LABELS)) - coverage_error(truth, said),
    float(multilabel_ranking_average_precision(torch.tensor(said), torch.tensor(truth), LABELS)) - label_ranking_average_precision_score(truth, said),
]
print(f"yes or no: coverage error and average precision less scikit-learn's: {others[0]:.4f}, {others[1]:.4f}")
before = {
    "one score for all": (0, 1, 1, 1),
    "yes or no": (0.15, 0.41, 0.31, 0.41),
    "rounded to a tenth": (0.13, 0.18, 0.16, 0.18),
    "no ties": (0.14, 0.14, 0.14, 0.14),
}
as_before = all(np.allclose(seen[name], values, atol=0.01) for name, values in before.items()) and np.allclose(others, 0, atol=1e-3)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: cleanlab's Datalab, whose look "non_iid" is there for data whose order means something, reports a
#   table in which a label goes from 2 % of the first rows to 98 % of the last ones.
# What happens: it reports no such issue (score 0.97, where 1 is fine). The look compares neighbours among the features with
#   distances in the order of rows; labels are not read. The same drift in the features is reported. Nothing says so.
# Versions: cleanlab 2.9.0, scikit-learn 1.9.1, Python 3.11. Seen on 2026-11-28.
# Why it matters here: a published table sorted by diagnosis (ODIR's rows tell its labels with AUROC 0.74 to 0.99) passes,
#   is then split in file order, or has its row number among the features, and compares nothing. `doctor` looks at labels
#   against order and id.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet 'cleanlab[datalab]==2.9.0' scikit-learn==1.9.1
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from cleanlab import Datalab

rng = np.random.default_rng(0)
rows = np.linspace(0, 1, 1000)
label = (rng.random(1000) < 0.02 + 0.96 * rows).astype(int)
noise = rng.normal(size=(1000, 8))


def non_iid(features):
    """Score and number of issues of the look."""
    lab = Datalab(data={"label": label.tolist()}, label_name="label", verbosity=0)
    lab.find_issues(features=features, issue_types={"non_iid": {}})
    found = lab.get_issue_summary("non_iid").iloc[0]
    return float(found["score"]), int(found["num_issues"])


of_labels, of_features = non_iid(noise), non_iid(noise + 4 * rows[:, None])
print(f"first and last hundred rows with the label: {label[:100].sum()}, {label[-100:].sum()}")
print(f"labels drift, features do not: score {of_labels[0]:.3f}, {of_labels[1]} issues")
print(f"features drift: score {of_features[0]:.3f}, {of_features[1]} issues")
sys.exit(0 if of_labels[0] > 0.05 and not of_labels[1] and of_features[0] < 0.05 else 1)
PYTHON
venv/bin/python seen.py

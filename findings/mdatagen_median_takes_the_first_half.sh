#!/bin/sh
# What one would expect: mMNAR of mdatagen makes values missing not at random. Its median() splits each feature at its median,
#   chooses one of the two groups, and takes the lowest values of it: what is missing hangs on the value itself. missTarget=False
#   (the default) leaves the labels alone. uMNAR.run() takes the lowest values, uMAR.median() patients by an observed feature.
# What happens: places within the chosen group are taken for rows of the whole table. Of 1000 patients all missing values lie in
#   the first 500 rows, on both sides of the median, and have nothing to do with the value: an AUROC of the value for being
#   missing of 0.47 to 0.51, where it is 0.00 or 0.62 with deterministic=True. It is missing completely at random, of the
#   earliest patients alone. 20 % of the labels become NaN with missTarget=False. In a table that is sorted by another
#   column (no reset_index) uMNAR.run() and uMAR.median() are at random, too: 0.52 for 0.00, and 0.49 for 0.77. And
#   MBOV_randomness, asked for 50 % with half of them at random, takes 44 %, because it takes some cells twice. Nothing is said.
# Versions: mdatagen 0.2.0, pyampute 0.0.3, scikit-learn 1.9.1, pandas 3.1.1, numpy 2.4.6, scipy 1.17.1, setuptools 80.9.0,
#   Python 3.11. Seen on 2026-12-01.
# Why it matters here: an imputer or an adapter is called robust where values are missing not at random, and was shown values that
#   are missing at random. Where a table is in order of date or site, half of the patients lose nothing at all.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet mdatagen==0.2.0 pyampute==0.0.3 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6 scipy==1.17.1 \
  setuptools==80.9.0
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import pandas as pd
from mdatagen.multivariate.mMNAR import mMNAR
from mdatagen.univariate.uMAR import uMAR
from mdatagen.univariate.uMNAR import uMNAR
from sklearn.metrics import roc_auc_score

PATIENTS, COLUMNS = 1000, ["pressure", "weight", "troponin", "age"]
rng = np.random.default_rng(0)
table = pd.DataFrame(rng.normal(size=(PATIENTS, 4)), columns=COLUMNS)
table["weight"] += table["pressure"]
ill = (rng.random(PATIENTS) < 0.3).astype(int)


def by_median(deterministic):
    np.random.seed(0)
    made = mMNAR(table, ill, missTarget=False).median(missing_rate=20, deterministic=deterministic)
    areas, rows, sides = [], [], []
    for name in COLUMNS:
        gone = made[name].isna().to_numpy()
        areas.append(roc_auc_score(gone, table[name]))
        rows.append(np.flatnonzero(gone).max())
        sides.append(len(set(table[name][gone] > table[name].median())))
    print(f"median(deterministic={deterministic}): AUROC of the value for being missing", np.round(areas, 2).tolist())
    print(f"  last missing row {rows}, sides of the median {sides}, labels missing {made['target'].isna().mean():.0%}")
    return np.array(areas), max(rows), sides, made["target"].isna().mean()


def single(patients):
    labels = ill[patients.index]
    np.random.seed(0)
    own = roc_auc_score(uMNAR(patients, labels, 30, "pressure").run()["pressure"].isna(), patients["pressure"])
    seen = uMAR(patients, labels, 30, "pressure", "weight").median()["pressure"].isna()
    return own, roc_auc_score(seen, patients["weight"])


told = []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    plain, exact = by_median(False), by_median(True)
    fresh, in_order = single(table), single(table.sort_values("age"))
    print("AUROC of pressure in uMNAR.run(), of weight in uMAR.median(): in the order of the index", np.round(fresh, 2).tolist())
    print("  sorted by age", np.round(in_order, 2).tolist())
    mixed = mMNAR(table, ill).MBOV_randomness(missing_rate=50, randomness=0.5, columns=COLUMNS)[COLUMNS].isna().mean()
    told = [str(w.message) for w in caught if "mdatagen" in str(w.filename)]
print("MBOV_randomness, asked for 50 %:", mixed.round(3).tolist(), "; warnings of the package:", len(told))
at_random = (abs(plain[0] - 0.5) < 0.08).all() and plain[1] < PATIENTS // 2 and min(plain[2]) == 2 and plain[3] == 0.2
by_value = (abs(exact[0] - 0.5) > 0.1).all() and exact[1] > 900 and max(exact[2]) == 1
order = fresh[0] < 0.01 and fresh[1] > 0.7 and abs(in_order[0] - 0.5) < 0.08 and abs(in_order[1] - 0.5) < 0.08
sys.exit(0 if at_random and by_value and order and (mixed < 0.47).all() and not told else 1)
PYTHON
venv/bin/python seen.py 2>progress || { cat progress >&2; exit 1; }

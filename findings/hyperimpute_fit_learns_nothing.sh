#!/bin/sh
# What one would expect: an imputer of hyperimpute ("compatible with sklearn", shown in a Pipeline) that is fitted to the
#   training patients fills the test patients by what it learned from these, each test patient by himself.
# What happens: for "hyperimpute", "gain" and "sinkhorn" fit() does nothing, and transform() fits the model anew to the rows
#   that it is given. Fitted to the same table in another unit (times 5, plus 100) they fill the test patients alike to
#   the last digit, and the same ten patients otherwise without the thirty others. "sklearn_ice" of the same package
#   learns. Nothing is raised or printed; neither docstrings nor the documentation say which imputers learn.
# Versions: hyperimpute 0.1.17, scikit-learn 1.7.2, pandas 2.3.3, numpy 2.4.6, torch 2.13.0, Python 3.11. Seen on 2026-11-30.
# Why it matters here: imputation is fitted inside each fold so that no test patient is part of it. With these names every
#   test patient is, and the training set is not: a score depends on who else is scored, and a score by pattern of
#   missing modalities on whether a pattern was filled by itself or with the others.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6 pandas==2.3.3 scikit-learn==1.7.2 torch==2.13.0 geomloss==0.3.1 loguru==0.6.0 \
    optuna==5.0.0 pydantic==2.14.4 redis==8.1.0 cloudpickle==3.1.3
# What it also asks for (notebooks, boosted trees, tensorflow) is of other methods.
venv/bin/pip install --quiet --no-deps hyperimpute==0.1.17
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import pandas as pd
from hyperimpute.plugins.imputers import Imputers

METHODS = {
    "sklearn_ice": {},
    "hyperimpute": {"classifier_seed": ["logistic_regression"], "regression_seed": ["linear_regression"]},
    "gain": {"n_epochs": 100},
    "sinkhorn": {"n_epochs": 20},
}
rng = np.random.default_rng(0)


def patients(count, missing):
    """Four measurements that correlate by 0.9; all have the first one."""
    whole = np.sqrt(0.9) * rng.normal(size=(count, 1)) + np.sqrt(0.1) * rng.normal(size=(count, 4))
    gaps = rng.random(whole.shape) < missing
    gaps[:, 0] = False
    return whole, pd.DataFrame(whole).mask(gaps).rename(columns=str), gaps


def filled(method, train, test):
    imputer = Imputers().get(method, random_state=0, **METHODS[method])
    imputer.fit(train.copy())
    return np.asarray(imputer.transform(test.copy()))


_, train, _ = patients(400, 0.2)
whole, test, gaps = patients(40, 0.4)
unit, company = {}, {}
for method in METHODS:
    values = filled(method, train, test)
    unit[method] = float(abs(filled(method, train * 5 + 100, test) - values).max())
    company[method] = float(abs(filled(method, train, test[:10]) - values[:10]).max())
    error = float(np.sqrt(((values - whole)[gaps] ** 2).mean()))
    print(
        f"{method}: fitted to another unit, its values move by {unit[method]:.3f} at most; of ten patients, without the "
        f"others, by {company[method]:.3f}; error {error:.3f}"
    )
print("error of 0, the mean of all:", round(float(np.sqrt((whole[gaps] ** 2).mean())), 3))
learns = unit["sklearn_ice"] > 1 and company["sklearn_ice"] < 1e-9
forgets = all(unit[method] == 0 and company[method] > 0.05 for method in ("hyperimpute", "gain", "sinkhorn"))
sys.exit(0 if learns and forgets else 1)
PYTHON
venv/bin/python seen.py

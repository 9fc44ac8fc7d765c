#!/bin/sh
# What one would expect: TreeExplainer of shap, given a background and model_output="probability", explains the probability that
#   the model says: a patient's values and the expected value sum to it, as the docstring has it, and are those of ExactExplainer
#   with the same background, but for small differences.
# What happens: of scikit-learn's HistGradientBoosting, which takes missing values as they are, they do not where laboratory
#   values are rounded to a tenth. Thresholds of that model are values of the table, 12.3 say. With a background the explainer
#   keeps thresholds in single precision and values in double, so 12.3 may go to the other side of 12.3. 22 of 100 new patients
#   are off by more than a point; one is told 0.27 where the model says 0.13. The same tables as float32 are right to 1e-4,
#   so are whole numbers, and without a background (there thresholds are double) it is right to 1e-13. The check of
#   additivity looks at the margin alone, as documented, so nothing is raised. With model_output="raw" the same explainer is
#   refused, with the advice to set check_additivity=False if the difference is acceptable.
# Versions: shap 0.51.0, scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, Python 3.11. Seen on 2026-12-01.
# Why it matters here: this model is the usual baseline for tables with holes, next to networks, and a clinical table is
#   rounded. A figure of what drove a patient's risk then explains another patient's path through the trees.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet shap==0.51.0 scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import shap
from sklearn.ensemble import HistGradientBoostingClassifier

NAMES = ["potassium", "lactate", "CRP", "haemoglobin"]


def draw(rng, patients, step, missing=0.2):
    """Four laboratory values, rounded to a step, with holes, and who is ill."""
    normal = rng.normal(size=(patients, 4))
    ill = (normal[:, 1] + normal[:, 2] - 0.7 * normal[:, 3] + rng.logistic(size=patients) > 0).astype(int)
    values = np.column_stack([40 + 5 * normal[:, 0], np.exp(3 + normal[:, 1:3]), 120 + 15 * normal[:, 3]])
    values = np.round(values / step) * step if step >= 1 else np.round(values, 1)
    values[rng.random(values.shape) < missing] = np.nan
    return values, ill


def gap(model, background, patients, **options):
    explainer = shap.TreeExplainer(model, background, model_output="probability", **options)
    values = explainer.shap_values(patients)
    expected = explainer.expected_value
    if values.ndim == 3:
        values, expected = values[..., 1], expected[1]
    said = model.predict_proba(patients)[:, 1]
    return values, values.sum(axis=1) + expected, said


def report(name, model, background, patients):
    values, told, said = gap(model, background, patients)
    off = np.abs(told - said)
    worst = off.argmax()
    print(
        f"{name}: off by more than a point {(off > 0.01).mean():.0%}, at most {off.max():.6f}"
        f" (sum {told[worst]:.3f}, model {said[worst]:.3f})"
    )
    return values, off


told = []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    seen = {}
    for name, step, kind in (("to a tenth", 0.1, float), ("to a tenth, float32", 0.1, np.float32), ("whole", 1, float)):
        rng = np.random.default_rng(0)
        train, ill = draw(rng, 1000, step)
        background, patients = draw(rng, 100, step)[0].astype(kind), draw(rng, 100, step)[0].astype(kind)
        model = HistGradientBoostingClassifier(random_state=0).fit(train.astype(kind), ill)
        seen[name] = report(f"boosting, {name}", model, background, patients)
        if name == "to a tenth":
            exact = shap.ExactExplainer(
                lambda rows, model=model: model.predict_proba(rows)[:, 1],
                shap.maskers.Independent(background, max_samples=len(background)),
            )(patients, silent=True)
            exact_off = np.abs(exact.values.sum(axis=1) + exact.base_values - model.predict_proba(patients)[:, 1])
            path = shap.TreeExplainer(model)
            margin = model.decision_function(patients)
            path_off = np.abs(path.shap_values(patients).sum(axis=1) + path.expected_value - margin).max()
            try:
                shap.TreeExplainer(model, background).shap_values(patients)
                refused = "no"
            except shap.utils._exceptions.ExplainerError as error:
                refused = str(error).split("!")[0]
            print(f"  ExactExplainer: at most {exact_off.max():.1e}; without a background {path_off:.1e}")
            print(f"  raw margin refused: {refused}")
            far = np.abs(seen[name][0] - exact.values)
            print("  furthest from ExactExplainer:", dict(zip(NAMES, far.max(axis=0).round(3).tolist())))
    told = [str(w.message) for w in caught if "dditiv" in str(w.message)]
wrong, single, whole = (seen[name][1] for name in ("to a tenth", "to a tenth, float32", "whole"))
right = max(single.max(), whole.max(), exact_off.max(), path_off) < 1e-4
sys.exit(0 if (wrong > 0.01).mean() > 0.1 and wrong.max() > 0.05 and right and refused != "no" and not told else 1)
PYTHON
venv/bin/python seen.py 2>progress || { cat progress >&2; exit 1; }

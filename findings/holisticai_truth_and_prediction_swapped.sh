#!/bin/sh
# What one would expect: classification_efficacy_metrics(y_pred, y_true, y_proba) of holisticai prints precision, recall, AUC and
#   log loss of a model; its AUC is that of the probabilities. precision_matrix and recall_matrix give these by group and class.
#   regression_efficacy_metrics has the mean absolute percentage error, a share of the true value.
# What happens: scikit-learn's functions, which take the truth first, are handed the prediction first. A screening test of
#   precision 0.375 and recall 0.902 has precision 0.902 and recall 0.375. "AUC" and "Log Loss" do not look at y_proba at
#   all: the answers are taken for the truth and the truth for a score, so a model with an AUROC of 0.918 and a log loss of
#   0.221 gets 0.679 and 7.380, and the very same with probabilities of noise. precision_matrix and recall_matrix are swapped,
#   too, though confusion_tensor of their module has the documented order. The percentage error is a share of the prediction:
#   of a model that halves all values it is 1.0, of one that doubles them 0.5. Nothing is raised or printed.
# Versions: holisticai 1.0.14, scikit-learn 1.9.1, numpy 2.4.6, pandas 2.3.3, scipy 1.17.1, Python 3.11. Seen on 2026-12-01.
# Why it matters here: a table by group (site, sex, who lacks an image) is made with these. A screening test that finds nearly
#   everybody and alarms often looks like one that misses many, the other way round for a timid one, and an AUC that does not
#   see probabilities compares thresholds.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet holisticai==1.0.14 scikit-learn==1.9.1 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from holisticai.bias.metrics import confusion_tensor, precision_matrix, recall_matrix
from holisticai.efficacy.metrics import classification_efficacy_metrics, regression_efficacy_metrics
from sklearn.metrics import log_loss, mean_absolute_percentage_error, precision_score, recall_score, roc_auc_score

rng = np.random.default_rng(0)
PATIENTS = 4000
site = np.where(rng.random(PATIENTS) < 0.5, "A", "B")
risk = 1 / (1 + np.exp(3.5 - 2.5 * rng.normal(size=PATIENTS)))
ill = (rng.random(PATIENTS) < risk).astype(int)
alarm = (risk > 0.1).astype(int)
noise = rng.random(PATIENTS)


def both(chance):
    return np.column_stack([1 - chance, chance])


with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    said = classification_efficacy_metrics(alarm, ill, both(risk))["Value"]
    blind = classification_efficacy_metrics(alarm, ill, both(noise))["Value"]
right = {
    "Precision": precision_score(ill, alarm),
    "Recall": recall_score(ill, alarm),
    "AUC": roc_auc_score(ill, risk),
    "Log Loss": log_loss(ill, risk),
}
for name, value in right.items():
    print(f"{name:9}: said {said[name]:6.3f}, with probabilities of noise {blind[name]:6.3f}, right {value:.3f}")
swapped = abs(said["Precision"] - right["Recall"]) + abs(said["Recall"] - right["Precision"]) < 1e-9
unread = said["AUC"] == blind["AUC"] and said["Log Loss"] == blind["Log Loss"] and right["AUC"] - said["AUC"] > 0.05

grade = rng.integers(3, size=PATIENTS)
answer = np.where((rng.random(PATIENTS) < 0.4) & (grade < 2), grade + 1, grade)
with warnings.catch_warnings(record=True) as told_too:
    warnings.simplefilter("always")
    tables = {"precision": precision_matrix(site, answer, grade), "recall": recall_matrix(site, answer, grade)}
    counts = confusion_tensor(site, answer, grade)
by_site = {}
for name, score in {"precision": precision_score, "recall": recall_score}.items():
    by_site[name] = np.array([score(grade[site == s], answer[site == s], average=None) for s in "AB"])
    at_site_a = tables[name].loc["A"].round(3).tolist()
    print(f"{name} of grades 0, 1, 2 at site A: said {at_site_a}, right {by_site[name][0].round(3).tolist()}")
mirrored = np.allclose(tables["precision"], by_site["recall"]) and np.allclose(tables["recall"], by_site["precision"])
documented = counts["A"].loc[1, 0] == ((site == "A") & (answer == 1) & (grade == 0)).sum() > 0
print("confusion_tensor has rows of predictions, as documented:", bool(documented))

pressure = rng.uniform(80, 180, PATIENTS)
percent = {}
for factor in (0.5, 2.0):
    percent[factor] = float(regression_efficacy_metrics(factor * pressure, pressure).loc["MAPE", "Value"])
    of_truth = mean_absolute_percentage_error(pressure, factor * pressure)
    print(f"MAPE of {factor} x truth: said {percent[factor]:.3f}, right {of_truth:.3f}")
turned = abs(percent[0.5] - 1) < 1e-9 and abs(percent[2.0] - 0.5) < 1e-9
print("warnings:", sorted({str(w.message)[:80] for w in told + told_too}) or "none")
sys.exit(0 if swapped and unread and mirrored and documented and turned else 1)
PYTHON
venv/bin/python seen.py

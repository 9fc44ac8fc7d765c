#!/bin/sh
# What one would expect: merge_groups of pycaleva joins the lowest groups of risk until they hold at least one event,
#   expected and observed, as Hosmer and Lemeshow allow ("merge groups in contingency table to have count of expected
#   and observed class events >= min_count"). All patients stay. The joined group has as mean the mean of its patients.
# What happens: the group above the joined ones is dropped, with its patients. Where no group needs joining the second
#   one is dropped all the same, and at each further call the next. The mean of the joined group is the sum of the
#   groups' means: of four groups four times too high. All that follows uses this table: Hosmer-Lemeshow, Pigeon-Heyse,
#   ace, mce. A model whose fifth tenth of patients falls ill in 15 of 100 cases, where it foretells 2, is rejected
#   before merging (p < 0.0001) and passes after it (p > 0.99), because 1000 patients and 86 events have become 900
#   and 71. The same groups joined by hand are rejected (p < 0.0001). Nothing is raised or printed.
# Versions: pycaleva 0.8.2, statsmodels 0.15.0, scikit-learn 1.9.1, pandas 2.3.3, scipy 1.17.1, numpy 2.4.6, Python
#   3.11. Seen on 2026-12-01.
# Why it matters here: findings are rare, so the lowest tenths of risk hold less than one event and merging is what the
#   package offers; small sites and small groups by missing modality need it most. The tenth that it drops is the next
#   one up, where a model that lacks a modality overlooks patients.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile pycaleva==0.8.2 statsmodels==0.15.0 scikit-learn==1.9.1 pandas==2.3.3 \
    scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from pycaleva import CalibrationEvaluator
from scipy.stats import chi2

warnings.simplefilter("error")  # a warning would be a change
GROUPS, EACH = 10, 100


def table(evaluator):
    """Patients, foretold events and events of each group that the package holds."""
    rows = evaluator.contingency_table
    return [rows[name].to_numpy(float) for name in ("total", "predicted_1", "observed_1")]


def test(total, foretold, events):
    """p of Hosmer and Lemeshow on new patients: as many degrees of freedom as groups."""
    mean = foretold / total
    return chi2.sf(((events - foretold) ** 2 / (total * mean * (1 - mean))).sum(), len(total))


def joined(columns, count):
    """The table with its lowest groups joined."""
    return [np.r_[column[:count].sum(), column[count:]] for column in columns]


def patients(events):
    """Risks that rise evenly, and as many events as are given in each tenth of the patients."""
    risk = 1 / (1 + np.exp(-np.linspace(-7, -0.5, GROUPS * EACH)))
    ill = np.zeros((GROUPS, EACH), int)
    for row, count in zip(ill, events, strict=True):
        row[np.linspace(0, EACH - 1, count).astype(int)] = 1
    return ill.ravel(), risk


seen = {}
rounded = patients([0] * GROUPS)[1].reshape(GROUPS, EACH).sum(1).round().astype(int)
overlooked = rounded.copy()
overlooked[4] = 15
CASES = {"one tenth overlooked": overlooked, "calibrated, four calls": rounded}
for name, events in CASES.items():
    evaluator = CalibrationEvaluator(*patients(events), True, GROUPS)
    before = table(evaluator)
    first = evaluator.hosmerlemeshow(verbose=False).pvalue
    for _ in range(4 if "four" in name else 1):
        evaluator.merge_groups()
    after = table(evaluator)
    last = evaluator.hosmerlemeshow(verbose=False).pvalue
    least = next(n for n in range(1, GROUPS) if before[1][:n].sum() >= 1 and before[2][:n].sum() >= 1)
    right = test(*joined(before, least))
    mean, by_hand = evaluator.contingency_table.mean_predicted.iloc[0], after[1][0] / after[0][0]
    seen[name] = [after[0].sum(), after[2].sum(), events.sum(), first, last, right, mean / by_hand]
    print(
        f"{name}: {before[0].sum():.0f} patients and {events.sum()} events become {after[0].sum():.0f} and "
        f"{after[2].sum():.0f}; p {first:.5f} before, {last:.5f} after, {right:.5f} with {least} joined by hand; "
        f"mean risk of the joined group {mean:.4f}, of its patients {by_hand:.4f}"
    )
lost, calm = seen["one tenth overlooked"], seen["calibrated, four calls"]
fine = lost[0] == 900 and lost[1] == lost[2] - 15 and lost[3] < 1e-4 and lost[4] > 0.99 and lost[5] < 1e-4
sums = abs(lost[6] - 4) < 1e-9 and calm[0] == 600 and calm[3] > 0.99
sys.exit(0 if fine and sums else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: zscore_diff of holisticai is a z score of the difference of two groups' mean scores: "values that
#   exceed 2 are statistically significant with 95% probability". It grows with the number of patients, and of equal groups it
#   exceeds 2 in 5 of 100 sets.
# What happens: the difference is divided by the pooled standard deviation, not by its standard error, so it is Cohen's d and
#   does not know how many patients there are. Of groups that lie half a standard deviation apart it is 0.62, 0.56 and 0.48 with
#   50, 500 and 5000 patients a group, where z is 3.1, 8.8 and 24.0. Of 200 sets of 100 patients a group, half a deviation
#   apart, it exceeds 2 in none, the z score in 92 of 100, and a t-test rejects 93. "Z Score Difference" of
#   regression_bias_metrics is the same number. z_test_diff of its classification metrics does count patients.
# Versions: holisticai 1.0.14, scikit-learn 1.9.1, numpy 2.4.6, pandas 2.3.3, scipy 1.17.1, Python 3.11. Seen on 2026-12-01.
# Why it matters here: a regression (age, ejection fraction) or a risk by site and by who lacks an image is called fair by it. Two
#   is a shift of two whole standard deviations: whatever a table holds in practice passes, with however many patients.
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
from holisticai.bias.metrics import regression_bias_metrics, z_test_diff, zscore_diff
from scipy.stats import ttest_ind

SETS, SHIFT = 200, 0.5


def z_score(one, other):
    return (one.mean() - other.mean()) / np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))


def draw(rng, patients, shift):
    groups = np.repeat([[1, 0], [0, 1]], patients, axis=0).T
    return groups[0], groups[1], rng.normal(size=2 * patients) + shift * groups[0]


sizes = {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for patients in (50, 500, 5000):
        a, b, score = draw(np.random.default_rng(0), patients, SHIFT)
        one, other = score[a == 1], score[b == 1]
        d = (one.mean() - other.mean()) / np.sqrt((one.var() + other.var()) / 2)
        table = float(regression_bias_metrics(a, b, score, score + 1.0).loc["Z Score Difference", "Value"])
        sizes[patients] = float(zscore_diff(a, b, score)), d, z_score(one, other), table
        alarms = float(z_test_diff(a, b, (score > 0).astype(int)))
        print(
            f"{patients:4} a group: zscore_diff {sizes[patients][0]:.2f}, in the table {table:.2f}, Cohen's d {d:.2f};"
            f" z {sizes[patients][2]:.1f}, p {ttest_ind(one, other).pvalue:.0e}; z_test_diff of score > 0: {alarms:.1f}"
        )
    share = {}
    for shift in (0.0, SHIFT):
        sets = [draw(np.random.default_rng(seed), 100, shift) for seed in range(SETS)]
        share[shift] = (
            np.mean([abs(zscore_diff(a, b, score)) > 2 for a, b, score in sets]),
            np.mean([abs(z_score(score[a == 1], score[b == 1])) > 2 for a, b, score in sets]),
            np.mean([ttest_ind(score[a == 1], score[b == 1]).pvalue < 0.05 for a, b, score in sets]),
        )
        print(f"shift {shift}: above 2", "in {:.1%} of sets; z score in {:.1%}; t-test rejects {:.1%}".format(*share[shift]))
print("warnings:", sorted({str(w.message)[:80] for w in told}) or "none")
same = all(abs(said - d) < 1e-9 and abs(said - table) < 1e-9 for said, d, _, table in sizes.values())
grows = sizes[5000][2] > 5 * sizes[50][2] > 8 and sizes[5000][0] < 0.7
sys.exit(0 if same and grows and share[SHIFT][0] == 0 and share[SHIFT][1] > 0.9 and share[0.0][1] < 0.1 else 1)
PYTHON
venv/bin/python seen.py

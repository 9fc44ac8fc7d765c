#!/bin/sh
# What one would expect: nemenyi_test of aeon, which plot_critical_difference and plot_significance draw with
#   test="nemenyi", joins methods whose mean ranks differ by less than the critical difference of Nemenyi as Demsar (2006) has it:
#   the studentized range of k methods over the square root of 2, times the square root of k (k + 1) / (6 n). Of
#   methods that are equal it parts some in 5 % of comparisons at alpha = 0.05. wilcoxon_test of the same file gives "p-values",
#   the second method against the first as well as the first against the second; check_friedman takes ranks of
#   "shape (n_estimators, n_datasets)".
# What happens: k methods are held against the value for k + 1. For 3 methods on 20 data sets the difference must be 0.81
#   instead of 0.74, for 2 0.52 instead of 0.44, for 10 3.08 instead of 3.03. Three equal methods are parted in 2 %, by the
#   formula in 6 %, and one that is better by 0.8 standard deviations in 42 %, by the formula and by scikit-posthocs in 57 %.
#   wilcoxon_test gives 0 for each pair below the diagonal, whatever the methods do. check_friedman
#   takes ranks the other way round than its docstring says: by it, methods as rows, five methods that clearly differ
#   have p = 1.00, and 2e-10 the other way. Nothing is raised or printed, and the docstrings do not say so.
# Where: _get_qalpha of aeon/benchmarking/stats.py lists the values from k = 1 on, and nemenyi_test reads the list at k, whose
#   first place is 0. wilcoxon_test fills the upper half of an identity matrix.
# Versions: aeon 1.6.0, scikit-posthocs 0.17.1, scipy 1.17.1, scikit-learn 1.9.1, numpy 2.3.5, Python 3.11. Seen on 2026-12-01.
# Why it matters here: critical difference diagrams over data sets, or over folds, are how methods of a benchmark are compared. With
#   few methods and data sets a difference that the test finds is drawn as none.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet aeon==1.6.0 scikit-posthocs==0.17.1 scipy==1.17.1 scikit-learn==1.9.1 numpy==2.3.5
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, studentized_range, wilcoxon

warnings.simplefilter("ignore")  # of imports
import scikit_posthocs
from aeon.benchmarking.stats import check_friedman, nemenyi_test, wilcoxon_test

warnings.simplefilter("error")  # a warning would be a change
DATA_SETS = 20


def expected(methods):
    return studentized_range.ppf(0.95, methods, np.inf) / np.sqrt(2) * np.sqrt(methods * (methods + 1) / (6 * DATA_SETS))


def asked_for(methods):
    """The smallest difference of mean ranks that nemenyi_test takes for one."""
    low, high = 0.0, float(methods)
    while high - low > 1e-6:
        middle = (low + high) / 2
        joined = nemenyi_test(np.append(np.ones(methods - 1), 1 + middle), DATA_SETS, 0.05)[0, -1]
        low, high = (middle, high) if joined else (low, middle)
    return high


as_before = True
for methods, before in ((2, 0.524), (3, 0.812), (10, 3.082)):
    seen = asked_for(methods)
    print(f"{methods} methods on {DATA_SETS} data sets: critical difference {seen:.3f}, expected {expected(methods):.3f} (of {methods + 1} methods: factor {seen / expected(methods):.3f})")
    as_before &= abs(seen - before) < 1e-3 and abs(expected(methods) - seen) > 0.04

draw = np.random.default_rng(0)


def parted(better, tries):
    """How often the first and last of three methods are parted, by aeon, by the formula and by scikit-posthocs."""
    found = np.zeros(3)
    for one in range(tries):
        ranks = rankdata(-(draw.normal(size=(DATA_SETS, 3)) + [0, 0, better]), axis=1)
        mean = np.sort(ranks.mean(axis=0))
        found[:2] += [not nemenyi_test(mean, DATA_SETS, 0.05)[0, -1], mean[-1] - mean[0] >= expected(3)]
        if one < 100:
            found[2] += scikit_posthocs.posthoc_nemenyi_friedman(ranks).to_numpy().min() < 0.05
    return found / [tries, tries, 100]


equal, better = parted(0, 4000), parted(0.8, 1000)
print("three equal methods: parted by aeon in {:.1%}, by the formula in {:.1%} (of 100: scikit-posthocs {:.1%})".format(*equal))
print("one better by 0.8: parted by aeon in {:.1%}, by the formula in {:.1%} (of 100: scikit-posthocs {:.1%})".format(*better))
as_before &= 0.015 < equal[0] < 0.033 < 0.042 < equal[1] < 0.065 and better[0] + 0.1 < better[1] and abs(better[2] - better[1]) < 0.12

scores = draw.normal(size=(DATA_SETS, 5)) + np.arange(5)
p = wilcoxon_test(scores, list("abcde"))
second = wilcoxon(scores[:, 1], scores[:, 0], alternative="greater").pvalue, wilcoxon(scores[:, 0], scores[:, 1], alternative="greater").pvalue
worse = draw.normal(size=(DATA_SETS, 2))
print(f"two methods that are alike: wilcoxon_test, second against first {wilcoxon_test(worse, ['a', 'b'])[1, 0]:.2f}, by scipy {wilcoxon(worse[:, 1], worse[:, 0], alternative='greater').pvalue:.2f}")
as_before &= np.all(p[np.tril_indices(5, -1)] == 0) and wilcoxon_test(worse, ["a", "b"])[1, 0] == 0
ranks = rankdata(-scores, axis=1)
documented, other, scipys = check_friedman(ranks.T), check_friedman(ranks), friedmanchisquare(*scores.T).pvalue
print(f"check_friedman, five methods as rows {documented:.2f}, as columns {other:.1g}; by scipy {scipys:.1g}")
as_before &= documented > 0.99 and np.isclose(other, scipys) and scipys < 1e-6
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: entropy_shannon_joint of neurokit2, "Shannon's joint entropy", "measures how much entropy
#   is contained in a joint system of two random variables". Of a sequence with itself it is the entropy of the
#   sequence, of two that know nothing of each other the sum of both; it is never below the larger of the two, and
#   the same in both orders.
# What happens: it looks at each sequence by itself. The counts of the two are handed to a function that takes one
#   of them as a distribution and the other as a reference, so the result is the divergence (Kullback and Leibler)
#   of the first from the second. Two sequences of four sleep stages, each equally often, have 0.00 bits where they
#   have 2, 3 and 4, whether they are the same, related or unrelated. Where the stages of one are unevenly spread,
#   the order of the two changes the number. Nothing is raised or printed.
# Versions: neurokit2 0.3.0, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, scikit-learn 1.9.1, matplotlib 3.11.2, Python
#   3.11. Seen on 2026-12-01.
# Why it matters here: joint entropy is how much two modalities, or two raters, hold together, and 2 bits minus it
#   is their mutual information. A table of it is near 0 for all pairs whose stages are equally common, and says the
#   opposite of what it measures: the more alike, the smaller.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet neurokit2==0.3.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 scikit-learn==1.9.1 matplotlib==3.11.2
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from scipy.stats import entropy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    import neurokit2

warnings.simplefilter("error")  # a warning would be a change


def by_hand(one, other):
    return float(entropy(np.unique(np.stack([one, other]), axis=1, return_counts=True)[1], base=2))


def counts(stages):
    return np.unique(stages, return_counts=True)[1]


rng = np.random.default_rng(0)
even = rng.permutation(np.repeat(range(4), 5000))
related = (even + rng.integers(0, 2, len(even))) % 4
unrelated = rng.permutation(even)
uneven = rng.permutation(np.repeat(range(4), [14000, 3000, 2000, 1000]))
seen = {}
for name, one, other in (
    ("with itself", even, even),
    ("related", even, related),
    ("unrelated", even, unrelated),
    ("even, uneven", even, uneven),
    ("uneven, even", uneven, even),
):
    theirs = float(neurokit2.entropy_shannon_joint(one, other)[0])
    seen[name] = theirs, by_hand(one, other), float(entropy(counts(one), counts(other), base=2))
    print(f"{name}: {theirs:.3f} bits; joint entropy {seen[name][1]:.3f}, divergence {seen[name][2]:.3f}")
alone = float(neurokit2.entropy_shannon(even)[0])
print(f"entropy of the even one alone: {alone:.3f}")
good = all(abs(theirs - divergence) < 1e-9 for theirs, _, divergence in seen.values())
good &= all(seen[name][0] < 0.01 for name in ("with itself", "related", "unrelated"))
good &= [round(seen[name][1], 1) for name in ("with itself", "related", "unrelated")] == [2.0, 3.0, 4.0]
good &= abs(seen["even, uneven"][0] - seen["uneven, even"][0]) > 0.02 and abs(alone - 2) < 1e-9
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

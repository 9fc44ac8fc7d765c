#!/bin/sh
# What one would expect: KuiperTest of frouros is Kuiper's test of two samples: its statistic is the largest distance of the one
#   distribution above the other plus the largest below, and of two samples of one distribution it rejects 5 of 100 at 5 %.
#   Its code for p names astropy, whose kuiper_two is the same test.
# What happens: the statistic is that of Kolmogorov and Smirnov, the larger of the two distances, and p is looked up in
#   Kuiper's distribution of their sum. Of equal samples of 200 it rejects none in 100. A spread that grows by half, with
#   the mean in place, is found in 16 of 100 pairs, by astropy in 97, by Kolmogorov and Smirnov's own test in 56. Nothing
#   is said; the example in the docstring has the same statistic, to the digit, as the one of KSTest (0.55).
# Versions: frouros 0.9.0, astropy 8.0.2, scipy 1.14.1, numpy 2.1.3, Python 3.11. Seen on 2026-11-30.
# Why it matters here: "no drift between sites" is said with such a test, and Kuiper's is chosen because it sees a change of spread,
#   of tails, or of an hour of the day. This one is the least able of the three to see any.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet frouros==0.9.0 astropy==8.0.2 scipy==1.14.1 numpy==2.1.3
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from astropy.stats import kuiper_two
from frouros.detectors.data_drift import KuiperTest
from scipy.stats import ks_2samp

warnings.simplefilter("error")  # a warning would be a change
PAIRS, PATIENTS = 300, 200


def frouros(one, other):
    test = KuiperTest()
    test.fit(X=one)
    found = test.compare(X=other)[0]
    return found.statistic, found.p_value


rng = np.random.default_rng(0)
share, same = {}, True
for spread in (1.0, 1.3, 1.5):
    rejects = []
    for _ in range(PAIRS):
        one, other = rng.normal(0, 1, PATIENTS), rng.normal(0, spread, PATIENTS)
        ours, kuiper, smirnov = frouros(one, other), kuiper_two(one, other), ks_2samp(one, other)
        same &= abs(ours[0] - smirnov.statistic) < 1e-9 and kuiper[0] > ours[0]
        rejects.append([ours[1] < 0.05, kuiper[1] < 0.05, smirnov.pvalue < 0.05])
    share[spread] = np.mean(rejects, axis=0)
    print(
        f"spread times {spread}: KuiperTest rejects {share[spread][0]:.0%}, astropy's kuiper_two {share[spread][1]:.0%}, "
        f"Kolmogorov-Smirnov {share[spread][2]:.0%}"
    )
print(
    f"the last pair: KuiperTest {ours[0]:.3f} (p {ours[1]:.3f}), kuiper_two {kuiper[0]:.3f} (p {kuiper[1]:.1g}), "
    f"KS {smirnov.statistic:.3f}"
)
timid = share[1.0][0] < 0.01 and share[1.5][0] < 0.25 < share[1.5][2] < share[1.5][1]
sys.exit(0 if same and timid and share[1.5][1] > 0.9 else 1)
PYTHON
venv/bin/python seen.py

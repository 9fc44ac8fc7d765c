#!/bin/sh
# What one would expect: markov_test_random of neurokit2 tests whether "a previous state had no influence on the
#   next state", and markov_test_markovity, after Kullback and others (1962), compares counts of pairs with those of
#   independent states by the likelihood ratio. Of sequences without any memory both reject 5 of 100 at 5 %, as the
#   test of the same table by scipy does.
# What happens: the first takes the degrees of freedom of a table with known margins, k^2 - 1 for k states, where
#   the margins are estimated, (k - 1)^2; the number that it reports as df is a third one. Of random sequences of
#   three states it rejects fewer than 1 of 100, and of sequences with a weak memory 38 where scipy rejects 69. The
#   second multiplies by the number of states where the number of pairs, one less, belongs, which adds 2 to its
#   statistic at any length: it rejects 11 of 100 random sequences of 500 states. Nothing is raised or printed.
# Versions: neurokit2 0.3.0, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, scikit-learn 1.9.1, matplotlib 3.11.2, Python
#   3.11. Seen on 2026-12-01.
# Why it matters here: sleep stages, rhythms and microstates of EEG are tested so before their transitions become
#   features. One of two tests of the same question finds memory in every ninth random patient, and the other one
#   next to none, and misses half of what there is.
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
from scipy.stats import chi2_contingency

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    import neurokit2

warnings.simplefilter("error")  # a warning would be a change
LENGTH, SEQUENCES = 500, 400
rng = np.random.default_rng(0)


def sequence(memory):
    """Each state is the one before with this probability, and any of three otherwise."""
    states = rng.integers(0, 3, LENGTH)
    for place in np.flatnonzero(rng.random(LENGTH) < memory):
        states[place] = states[place - 1] if place else states[place]
    return states


seen, added = {}, []
for memory in (0.0, 0.1):
    rejected = np.zeros(4)
    for _ in range(SEQUENCES):
        states = sequence(memory)
        counts = neurokit2.transition_matrix(states)[1]["Occurrences"]
        chance, markov = neurokit2.markov_test_random(counts), neurokit2.markov_test_markovity(states)
        plain, ratio = chi2_contingency(counts.values), chi2_contingency(counts.values, lambda_="log-likelihood")
        added.append(markov["Markovity_t"] - ratio.statistic)
        rejected += np.array([chance["Random_p"], plain.pvalue, markov["Markovity_p"], ratio.pvalue]) < 0.05
    seen[memory] = 100 * rejected / SEQUENCES
    print(
        f"memory {memory}: of 100 sequences markov_test_random rejects {seen[memory][0]:.1f}, scipy's chi-square {seen[memory][1]:.1f}, "
        f"markov_test_markovity {seen[memory][2]:.1f}, scipy's likelihood ratio {seen[memory][3]:.1f}"
    )
print(f"degrees of freedom: {chance['Random_df']:.0f} reported, {plain.dof} by scipy, {markov['Markovity_df']:.0f} of Markovity")
print(f"statistic of markov_test_markovity minus scipy's: {min(added):.3f} to {max(added):.3f}")
good = abs(np.array(added) - 2).max() < 0.01 and chance["Random_df"] == 3 and plain.dof == markov["Markovity_df"] == 4
good &= seen[0.0][0] < 1.5 and 7.5 < seen[0.0][2] < 16 and all(2.5 < seen[0.0][place] < 8 for place in (1, 3))
good &= seen[0.1][0] < 0.7 * seen[0.1][1]
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

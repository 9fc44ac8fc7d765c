#!/bin/sh
# What one would expect: ECE of pycalib.metrics, the calibration error over the probabilities of all classes, is 0 where
#   each patient is told his true class with probability 1, and small where outcomes are drawn from the very
#   probabilities. MCE with mce_full=True likewise. A class that nobody has and nobody is told changes neither by much.
# What happens: with two classes both are of another table. Of 5,000 patients who are all told their true class, 23 % of
#   them ill, ECE is 0.25; with a third, empty column, or with three classes, it is 0. Of outcomes that are drawn from the
#   probabilities it is 0.17 and the maximum 0.72; binary_ECE and classwise_ECE of the same table say 0.02, and by hand
#   ECE is 0.02 and the maximum 0.05. Labels as numbers and as two columns make no difference. full_ECE, the default of the test pECE, is 0.04
#   where labels come as two columns and 0.60 where they come as numbers. Nothing is raised or printed, and the
#   docstring of ECE, which allows both forms of labels, does not say so.
# Where: _get_preds_all of pycalib/metrics.py makes columns of the labels with scikit-learn's label_binarize, which gives
#   two classes one column; probabilities keep two. Flattened, n labels and 2 n probabilities are zipped, so the two
#   probabilities of each patient of the first half meet the labels of two other patients, and counts are divided by 2 n.
# Versions: pycalib 0.1.0.dev6, scikit-learn 1.9.1, scipy 1.17.1, pandas 2.3.3, numpy 2.4.6, Python 3.11.
#   Seen on 2026-12-01.
# Why it matters here: ill or not is the commonest label of a medical table. The number follows the prevalence and the order
#   of the patients, so a well calibrated model of a rare disease is said to be badly calibrated, and a recalibration
#   does not help.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet pycalib==0.1.0.dev6 scikit-learn==1.9.1 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np

warnings.simplefilter("error")  # a warning would be a change
from pycalib.metrics import ECE, MCE, binary_ECE, classwise_ECE, full_ECE

BINS = 15
draw = np.random.default_rng(0)
risk = draw.beta(1, 3, 5000)
ill = (draw.random(5000) < risk).astype(int)
told = np.column_stack([1 - risk, risk])
columns = np.eye(2, dtype=int)[ill]
third = np.column_stack([told, np.zeros(5000)])


def by_hand(labels, probabilities):
    """Calibration error over the probabilities of all classes, pooled: its weighted mean over bins, and its maximum over those with ten or more."""
    flat, true = probabilities.ravel(), np.eye(probabilities.shape[1])[labels].ravel()
    place = np.clip(np.ceil(flat * BINS), 1, BINS)
    gaps = [(np.mean(place == one), abs(flat[place == one].mean() - true[place == one].mean())) for one in np.unique(place)]
    return sum(share * gap for share, gap in gaps), max(gap for _, gap in gaps)


certain = ECE(ill, np.eye(2)[ill]), ECE(columns, np.eye(2)[ill]), ECE(ill, np.eye(3)[ill])
print(f"{ill.mean():.2f} are ill; all told the truth: ECE {certain[0]:.3f} (labels as columns {certain[1]:.3f}), with an empty third class {certain[2]:.3f}; expected 0")
fair = ECE(ill, told), ECE(columns, told), ECE(ill, third), MCE(ill, told, mce_full=True)
hand = by_hand(ill, told)
print(f"outcomes drawn from the probabilities: ECE {fair[0]:.3f} (labels as columns {fair[1]:.3f}), with an empty third class {fair[2]:.3f}; by hand {hand[0]:.3f}")
print(f"  MCE of all classes {fair[3]:.2f}; by hand {hand[1]:.2f}")
others = binary_ECE(ill, risk), classwise_ECE(columns, told)
print(f"  binary_ECE {others[0]:.3f}, classwise_ECE {others[1]:.3f}")
full = full_ECE(columns, told), full_ECE(ill, told)
print(f"  full_ECE, labels as columns {full[0]:.3f}, as numbers {full[1]:.3f}")
as_before = (
    np.allclose(certain, [0.25, 0.25, 0], atol=0.02)
    and np.allclose(fair, [0.169, 0.169, 0.010, 0.72], atol=0.006)
    and hand[0] < 0.02
    and hand[1] < 0.2
    and max(others) < 0.02
    and np.allclose(full, [0.035, 0.602], atol=0.006)
)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

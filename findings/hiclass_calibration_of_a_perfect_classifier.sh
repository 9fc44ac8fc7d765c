#!/bin/sh
# What one would expect: expected_calibration_error of hiclass compares how sure a classifier is with how often it is right.
#   A tree that is always sure (1.0) and right in 67 of 100 patients has an error of 0.33. static_calibration_error and
#   adaptive_calibration_error compare, class by class, the probability of a class with how often patients have it
#   (Nixon et al. 2019). A classifier that gives each patient's class the probability 1 has an error of 0, and one from
#   whose probabilities the labels are drawn is close to 0.
# What happens: the expected error of the tree is 0: a probability of exactly 1 falls beyond the last bin, and such a
#   patient counts in the number of patients only. One that is sure at 0.9999 has 0.33. The static and the adaptive error
#   of a perfect classifier of three classes are 0.67, the greatest of all that are tried here; of the calibrated one
#   0.28 and 0.27. One that is sure and always wrong has a static error of 0, the best of all, where it should have
#   0.67. In each bin of a class they take how often the predicted class was the right one, whichever that was, where
#   they should take how often it was this class. Nothing is raised or printed.
# Versions: hiclass 5.0.8, scikit-learn 1.9.1, pandas 2.3.3, scipy 1.17.1, numpy 2.3.5, Python 3.11. Seen on 2026-12-01.
# Why it matters here: diagnoses are a hierarchy (ICD), and hiclass is the package for it. Trees and forests of
#   pure leaves are sure at 1.0 and are praised for it, and of two methods the better calibrated one comes out last.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet hiclass==5.0.8 scikit-learn==1.9.1 pandas==2.3.3 scipy==1.17.1 numpy==2.3.5
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    from hiclass import LocalClassifierPerParentNode
    from hiclass.metrics import adaptive_calibration_error, expected_calibration_error, static_calibration_error
    from sklearn.tree import DecisionTreeClassifier

draw = np.random.default_rng(0)
NAMES = np.array(["A", "B", "C"])


def as_codes(top, draw):
    """Two levels: chapter, and code below it."""
    return np.array([[NAMES[k], NAMES[k] + str(draw.integers(2))] for k in top])


# A tree, as it is used: 1200 patients, half of them to train, every third label by chance.
shown = draw.normal(size=(1200, 4))
top = np.digitize(shown[:, 0], [-0.4, 0.4])
lost = draw.random(1200) < 0.3
top[lost] = draw.integers(0, 3, lost.sum())
codes = as_codes(top, draw)
tree = LocalClassifierPerParentNode(DecisionTreeClassifier(random_state=0), return_all_probabilities=True, probability_combiner=None)
tree.fit(shown[:600], codes[:600])
truth, answer = codes[600:], tree.predict(shown[600:])
sure = tree.predict_proba(shown[600:])[0]
right = (answer[:, 0] == truth[:, 0]).mean()
errors = {part: expected_calibration_error(tree, truth, sure * part + (1 - part) / 3, answer, level=0) for part in (1.0, 0.9999)}
print(f"tree: always sure ({sure.max(axis=1).min():.0f} to {sure.max(axis=1).max():.0f}), right {right:.2f}; wanted {1 - right:.2f}")
print(f"  expected calibration error by hiclass {errors[1.0]:.2f}, a hair less sure {errors[0.9999]:.2f}")
good = sure.max(axis=1).min() == 1 and abs(right - 0.67) < 0.01
good &= errors[1.0] == 0 and abs(errors[0.9999] - (1 - right)) < 0.01

# Probabilities by hand.
number = 6000
given = draw.dirichlet([1, 1, 1], number)
label = (draw.random((number, 1)) > given.cumsum(axis=1)).sum(axis=1)
one_hot = np.eye(3)
cases = {
    "labels drawn from the probabilities": (given, label),
    "sure and always right": (one_hot[label], label),
    "sure and always wrong": (one_hot[(label + 1) % 3], label),
}
seen = {}
for name, (probability, true) in cases.items():
    codes_true = np.stack([NAMES[true], np.char.add(NAMES[true], "0")], axis=1)
    chosen = NAMES[probability.argmax(axis=1)]
    codes_chosen = np.stack([chosen, np.char.add(chosen, "0")], axis=1)
    by_package = [
        score(tree, codes_true, probability, codes_chosen, level=0) for score in (static_calibration_error, adaptive_calibration_error)
    ]
    by_hand = 0
    for k in range(3):
        bins = np.minimum((probability[:, k] * 10).astype(int), 9)
        by_hand += sum(abs(((true == k) - probability[:, k])[bins == b].sum()) for b in range(10)) / number / 3
    seen[name] = (*by_package, by_hand)
    print(f"{name}: static {by_package[0]:.2f}, adaptive {by_package[1]:.2f} by hiclass; static by hand {by_hand:.2f}")
calibrated, perfect, wrong = seen.values()
good &= calibrated[2] < 0.03 and perfect[2] == 0 and abs(wrong[2] - 2 / 3) < 0.001
good &= abs(perfect[0] - 2 / 3) < 0.001 and abs(perfect[1] - 2 / 3) < 0.01
good &= abs(calibrated[0] - 0.28) < 0.02 and abs(calibrated[1] - 0.27) < 0.02 and wrong[0] == 0
sys.exit(0 if good else 1)
PYTHON
venv/bin/python -W ignore seen.py

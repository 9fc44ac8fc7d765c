#!/bin/sh
# What one would expect: macro_f1 of torch-ecg, "Macro-averaged F1-measure", is the mean of the F1 of all classes that
#   it gives beside it. A class of which no sample is found has F1 0 there ("fillna: if is a float, NaN will be filled
#   with the specified value", by default 0.0), and counts as 0 in the mean, as in scikit-learn. Finding one more
#   sample raises the mean.
# What happens: the mean is taken before NaN is filled, and leaves NaN out. A class whose samples are all missed has 0
#   / 0, so it leaves the mean: F1 of 0.86, 0.95 and 0.00 have the "macro" 0.91, where their mean is 0.60. If one of
#   the missed samples is found the macro F1 falls to 0.62. Macro precision and macro MCC do the same; so does
#   ClassificationMetrics. Of several labels with probabilities it is no different. numpy warns of an invalid value in
#   a division, as it does of other numbers on the way; the docstrings do not say so.
# Versions: torch-ecg 0.0.33, torch 2.13.0 (CPU), scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: F1-macro is the first score of this benchmark, and rare labels are those that a method loses
#   first when a modality is missing. By torch-ecg the method that gives up rare rhythms leads the one that finds a
#   few. Ours counts such a label as 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile torch-ecg==0.0.33 torch==2.13.0 scikit-learn==1.9.1 scipy==1.17.1 \
    numpy==2.4.6 pandas==2.3.3 boto3==1.44.8 botocore==1.44.8
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from sklearn.metrics import f1_score, precision_score

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    from torch_ecg.components.metrics import ClassificationMetrics
    from torch_ecg.utils.utils_metrics import metrics_from_confusion_matrix

rng = np.random.default_rng(0)


def scores(truth, said, **options):
    with warnings.catch_warnings(record=True) as spoken:
        warnings.simplefilter("always")
        made = metrics_from_confusion_matrix(truth, said, **options)
    other = [str(one.message) for one in spoken if "divi" not in str(one.message) and "AUC" not in str(one.message)]
    if other:
        sys.exit(f"a warning: {other[0]}")
    return made


truth = rng.choice(3, 300, p=[0.6, 0.3, 0.1])
said = truth.copy()
noisy = rng.random(300) < 0.1
said[noisy] = rng.choice(2, noisy.sum())
said[truth == 2] = 0  # the rare class is given up
better = said.copy()
better[np.flatnonzero(truth == 2)[0]] = 2  # one of its samples is found
seen = {}
for name, one in (("the rare class given up", said), ("one of it found", better)):
    made = scores(truth, one, num_classes=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        whole = ClassificationMetrics(multi_label=False).compute(np.eye(3, dtype=int)[truth], np.eye(3, dtype=int)[one])
    f1 = f1_score(truth, one, average="macro", zero_division=0)
    seen[name] = made["macro_f1"], f1, float(whole.f1_measure)
    print(
        f"{name}: F1 {made['f1'].round(3)}, their mean {made['f1'].mean():.3f}; macro_f1 {made['macro_f1']:.3f} "
        f"(ClassificationMetrics {whole.f1_measure:.3f}), scikit-learn {f1:.3f}; macro precision {made['macro_prec']:.3f}, "
        f"scikit-learn {precision_score(truth, one, average='macro', zero_division=0):.3f}"
    )
labels = (rng.random((300, 4)) < [0.5, 0.3, 0.2, 0.05]).astype(int)
chances = np.clip(0.5 * labels + 0.6 * rng.random((300, 4)) - 0.05, 0, 1) * [1, 1, 1, 0.45]
made = scores(labels, chances)
f1 = f1_score(labels, chances >= 0.5, average="macro", zero_division=0)
print(f"four labels: F1 {made['f1'].round(3)}; macro_f1 {made['macro_f1']:.3f}, scikit-learn {f1:.3f}")
given_up, found = seen.values()
good = given_up[0] > 0.9 and given_up[1] < 0.61 and abs(given_up[0] - given_up[2]) < 1e-9
good &= given_up[1] < found[1] and found[0] < given_up[0] - 0.2 and abs(found[0] - found[1]) < 1e-9
good &= made["f1"][3] == 0 and abs(made["macro_f1"] - made["f1"][:3].mean()) < 1e-9 and f1 < made["macro_f1"] - 0.2
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: lesion_TPR of picai_eval, the sensitivities of its "Free-Response Receiver Operating
#   Characteristic" curve, ends at the share of lesions that were found, and lesion_TPR_at_FPR is the sensitivity at
#   so many false positives a patient. A detector that finds each lesion, and nothing else, has the sensitivity 1. One
#   that misses a lesion has less.
# What happens: the last threshold of the curve is thrown away, because it is taken for the 0 that a missed lesion is
#   given. If no lesion is missed there is no such 0, and the least certain detections are lost instead. A detector
#   that finds all ten lesions with one confidence, as a mask of zeros and ones does, has the sensitivity 0 at any
#   rate of false positives; with the confidences 0.9 and 0.6 it has 0.5, with ten of them 0.9. If it misses one of
#   the ten it has 0.9 each time. AP and AUROC of the same object are 1 and right. Harmless only where the least
#   certain detections are false. Nothing is raised or warned of, and the documentation does not say so.
# Versions: picai-eval 1.4.13, scikit-learn 1.9.1, scipy 1.17.1, SimpleITK 2.5.7, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: the prostate MRI that this package was written for is T2, diffusion and ADC, with sequences
#   missing in practice, and sensitivity at one false positive is what its papers report. A method that is better by
#   the last lesion is shown as worse, in small test sets and in bootstrap samples above all.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile picai-eval==1.4.13 scikit-learn==1.9.1 scipy==1.17.1 SimpleITK==2.5.7 \
    numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
from picai_eval import evaluate

SHAPE = 12, 48, 48
warnings.simplefilter("error")  # a warning would be a change


def patient(confidence=None, lesion=True):
    """Truth and prediction of one patient with one lesion, found with this confidence, or missed."""
    truth, found = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, np.float32)
    if lesion:
        truth[4:8, 10:20, 10:20] = 1
    if confidence:
        found[4:8, 10:20, 10:20] = confidence
    return truth, found


healthy = [patient(lesion=False)] * 10
CASES = {
    "all ten found, confidence 1": [1.0] * 10,
    "nine of ten found, confidence 1": [1.0] * 9 + [None],
    "all ten found, confidence 0.9 or 0.6": [0.9] * 5 + [0.6] * 5,
    "nine of ten found, confidence 0.9 or 0.6": [0.9] * 5 + [0.6] * 4 + [None],
    "all ten found, ten confidences": list(np.linspace(0.5, 0.95, 10)),
}
seen = {}
for name, confidences in CASES.items():
    pairs = [patient(one) for one in confidences] + healthy
    metrics = evaluate(y_det=[found for _, found in pairs], y_true=[truth for truth, _ in pairs], num_parallel_calls=1)
    true = sum(((found > 0) & (truth > 0)).any() for truth, found in pairs) / metrics.num_lesions
    false = sum(((found > 0) & (truth == 0)).any() for truth, found in pairs)
    seen[name] = float(metrics.lesion_TPR_at_FPR(1.0))
    print(
        f"{name}: sensitivity at one false positive a patient {seen[name]:.2f}, best {max(metrics.lesion_TPR):.2f}; "
        f"counted: {true:.2f}, with {false} false positives; AP {metrics.AP:.2f}, AUROC {metrics.auroc:.2f}"
    )
must = [0, 0.9, 0.5, 0.9, 0.9]
sys.exit(0 if np.allclose(list(seen.values()), must) else 1)
PYTHON
venv/bin/python seen.py

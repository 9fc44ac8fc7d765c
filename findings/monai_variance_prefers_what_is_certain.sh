#!/bin/sh
# What one would expect: VarianceMetric of MONAI, "the Variance of a given T-repeats" prediction, "primary usage is as an
#   uncertainty based metric for Active Learning": 0 where ten passes with dropout say the same, and high where they differ.
# What happens: repeats and classes are put into one axis before the variance is taken, so it is mostly the distance between
#   the classes' probabilities of one voxel. Ten passes that all say 0.99 to 0.01 have 0.24; ten that all say 0.5 have 0;
#   ten that say anything between 0.2 and 0.8 have 0.03. Of ten patients who differ in difficulty it ranks the easiest
#   first (rank correlation with the variance over repeats -1.00). Without the background it is right for two classes, and
#   for three it is not. It also writes 0.0005 into the caller's own tensor where that is 0. Nothing is raised or printed.
# Versions: monai 1.6.1, torch 2.13.0, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: the number decides which patients are labelled next, or for which a missing modality is asked for.
#   It asks for those of whom the model is certain already.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile monai==1.6.1 torch==2.13.0 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import torch
from monai.metrics import VarianceMetric
from scipy.stats import spearmanr

torch.set_num_threads(1)
REPEATS, SIZE, PATIENTS = 10, 16, 10


def over_repeats(passes):
    """The mean variance over the passes, of each class of each voxel."""
    return passes.var(dim=0, unbiased=False).mean().item()


def by_monai(passes, **options):
    return VarianceMetric(scalar_reduction="mean", **options)(passes.clone()).item()


def of_two(lesion):
    return torch.stack([1 - lesion, lesion], dim=1)


same = torch.ones(REPEATS, SIZE, SIZE)
between = torch.linspace(0.2, 0.8, REPEATS)[:, None, None] * same
passes = {"all say 0.99 to 0.01": of_two(0.01 * same), "all say 0.5 to 0.5": of_two(0.5 * same), "from 0.2 to 0.8": of_two(between)}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    seen, right = {}, {}
    for name, one in passes.items():
        seen[name], right[name] = by_monai(one), over_repeats(one)
        print(f"ten passes, {name:20}: VarianceMetric {seen[name]:.3f}, variance over the passes {right[name]:.3f}")
    ranks = {}
    for classes in (2, 3):
        generator, rows = torch.Generator().manual_seed(0), []
        for patient in range(PATIENTS):
            # The harder, the weaker the true class and the more the passes differ.
            ease = 1 - patient / PATIENTS
            logits = torch.randn(REPEATS, classes, SIZE, SIZE, generator=generator) * (1.5 - ease)
            logits[:, classes - 1] += 6 * ease
            one = logits.softmax(1)
            rows.append((by_monai(one), by_monai(one, include_background=False), over_repeats(one)))
        columns = list(zip(*rows, strict=True))
        ranks[classes] = [spearmanr(column, columns[2])[0] for column in columns[:2]]
        print(
            f"{PATIENTS} patients, {classes} classes: rank correlation with the variance over the passes {ranks[classes][0]:.2f}, without"
            f" the background {ranks[classes][1]:.2f}"
        )
    mine = of_two(torch.zeros(REPEATS, SIZE, SIZE))
    VarianceMetric()(mine)
    print(f"zeros of the caller's tensor after it: {(mine == 0).sum().item()} of {mine.numel() // 2}")
told = [str(one.message) for one in told if "monai" in str(one.filename)]
print("warnings of the package:", told or "none")
certain, undecided, differ = seen
off = abs(seen[certain] - 0.24) < 0.005 and seen[undecided] < 1e-9 and abs(seen[differ] - 0.0367) < 0.001
fine = right[certain] < 1e-9 and right[undecided] < 1e-9 and right[differ] > 0.03
turned = ranks[2][0] < -0.9 and ranks[2][1] > 0.9 and (mine == 0).sum() == 0
sys.exit(0 if off and fine and turned and not told else 1)
PYTHON
venv/bin/python seen.py

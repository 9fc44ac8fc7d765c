#!/bin/sh
# What one would expect: safetensors.numpy.save stores the array that it is given, so that load gives it back.
# What happens: of an array that is not contiguous, a transposed one say, shape and name are stored as seen, and the
#   bytes as they lie in memory. load gives an array of the right shape with values in other places; nothing is raised.
#   The torch side of the library refuses such a tensor.
# Versions: safetensors 0.8.0, numpy 2.4.6, Python 3.11. Seen on 2026-11-28.
# Why it matters here: predictions of code of one's own are handed in as a table of samples by labels. Probabilities
#   often come as labels by samples and are transposed first. The file then looks right, and its scores are those of
#   shuffled samples. Nobody who reads the file can tell. CSV has no such trap; else np.ascontiguousarray before saving.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet safetensors==0.8.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from safetensors.numpy import load, save

labels_by_samples = np.arange(6, dtype=np.float32).reshape(2, 3)
given = labels_by_samples.T
stored = load(save({"probabilities": given}))["probabilities"]
mended = load(save({"probabilities": np.ascontiguousarray(given)}))["probabilities"]
print("given, 3 samples by 2 labels:", given.tolist())
print("stored:                      ", stored.tolist())
print("stored when made contiguous: ", mended.tolist())
scrambled = stored.shape == given.shape and not np.array_equal(stored, given)
sys.exit(0 if scrambled and np.array_equal(mended, given) else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: BrightnessAdditiveTransform(mu, sigma) of batchgeneratorsv2 "adds random additive brightness
#   noise sampled from a Gaussian distribution (mu, sigma)": with mu 0 half of the pictures become darker, and the
#   shifts have the standard deviation sigma. GaussianNoiseTransform(noise_variance) adds noise of that variance.
# What happens: with synchronize_channels, the default, the shift is drawn evenly between mu and sigma. With (0, 0.5)
#   no picture ever becomes darker: the shift is 0.25 on average, between 0 and 0.5, with a deviation of 0.14; with
#   (1, 2) it lies between 1 and 2. With synchronize_channels=False it is the Gaussian. The variance of the noise is
#   taken for its standard deviation: for 0.01 it is 0.0001, for 4 it is 16. Nothing is raised or printed, unless
#   sigma is below mu.
# Versions: batchgeneratorsv2 0.3.6, batchgenerators 0.25.5, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: nnU-Net trains on MR sequences through this package (its own recipe multiplies brightness), and
#   ablations name these numbers. A network that only ever saw pictures brighter than the scanner's meets those as
#   they are at test time: what it learned to overlook is a shift up. An ablation of noise of "variance 0.01" tried a
#   tenth of the noise that it reports.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile batchgeneratorsv2==0.3.6 batchgenerators==0.25.5 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import torch
from batchgeneratorsv2.transforms.intensity.brightness import BrightnessAdditiveTransform
from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform

warnings.simplefilter("error")  # a warning would be a change
torch.manual_seed(0)
np.random.seed(0)
seen = {}
for mu, sigma in ((0, 0.5), (1, 2)):
    for together in (True, False):
        transform = BrightnessAdditiveTransform(mu, sigma, synchronize_channels=together)
        shifts = np.array([transform(image=torch.zeros(1, 2, 2))["image"].mean().item() for _ in range(4000)])
        seen[mu, together] = shifts.mean(), shifts.std(), (shifts < mu).mean()
        print(
            f"mu {mu}, sigma {sigma}, synchronize_channels={together}: mean {shifts.mean():.3f}, deviation {shifts.std():.3f}, "
            f"from {shifts.min():.2f} to {shifts.max():.2f}, {100 * (shifts < mu).mean():.0f} % below mu"
        )
default = BrightnessAdditiveTransform(0, 0.5)
noise = {}
for variance in (0.01, 0.25, 4.0):
    made = GaussianNoiseTransform(noise_variance=variance)(image=torch.zeros(1, 64, 64, 16))["image"]
    noise[variance] = made.var().item()
    print(f"noise_variance {variance}: variance {noise[variance]:.4g}")
good = default.synchronize_channels
for mu, sigma in ((0, 0.5), (1, 2)):
    mean, deviation, below = seen[mu, True]
    good &= abs(mean - (mu + sigma) / 2) < 0.02 and below == 0 and abs(deviation - (sigma - mu) / 12**0.5) < 0.02
    mean, deviation, below = seen[mu, False]
    good &= abs(mean - mu) < 0.2 and abs(deviation / sigma - 1) < 0.1 and abs(below - 0.5) < 0.05
good &= all(abs(found / variance**2 - 1) < 0.05 for variance, found in noise.items())
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

#!/bin/sh
# What one would expect: fractal_psdslope of neurokit2 gives an "estimate of the fractal dimension" of a signal by the
#   slope of its power spectrum, after Voss (1988): power falls as 1 / f^b, and the dimension is (5 - b) / 2. It lies
#   between 1, a smooth line, and 2, one that fills the plane; a random walk, b = 2, has 1.5. The smoother a signal, the
#   lower it is.
# What happens: the slope of the fit, which is -b, is put where b belongs. A random walk has 3.5, a rougher signal
#   (b = 1.2) 3.1 instead of 1.9. Every signal whose power falls with frequency has more than 2.5, beyond what a line
#   can have, and the smoother one has the higher "dimension". The slope given beside it is right: (5 + slope) / 2 is
#   the dimension. method="hasselman2013" of the same function and fractal_higuchi fall where the default rises. The
#   docstring names Voss, and says that white noise has slope 0 and a random walk -2; it does not give the formula.
#   Nothing is raised or printed. Harmless where it is one feature of a model that is trained on it and not explained.
# Versions: neurokit2 0.3.0, scikit-learn 1.9.1, pandas 2.3.3, scipy 1.17.1, numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: such numbers of ECG, pulse and EEG are the features of baselines beside a network, and
#   are compared with published ones. By this one the patient whose signal is smoother has the more complex one, and a
#   model that was fitted to another package's values reads every patient the wrong way round.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile neurokit2==0.3.0 scikit-learn==1.9.1 pandas==2.3.3 scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import neurokit2 as nk
import numpy as np

warnings.simplefilter("error")  # a warning would be a change
SAMPLES, SIGNALS = 2000, 10
generator = np.random.default_rng(0)


def noise(exponent):
    """A stretch of random signal whose power falls as 1 / f to this exponent."""
    frequency = np.fft.rfftfreq(8 * SAMPLES)
    spectrum = generator.normal(size=(2, len(frequency)))
    spectrum = (spectrum[0] + 1j * spectrum[1]) * np.r_[0, frequency[1:] ** (-exponent / 2)]
    return np.fft.irfft(spectrum)[:SAMPLES]


seen = []
for exponent in (1.2, 1.6, 2.0):
    rows = []
    for _ in range(SIGNALS):
        signal = noise(exponent)
        voss, info = nk.fractal_psdslope(signal)
        hasselman = nk.fractal_psdslope(signal, method="hasselman2013")[0]
        rows.append([voss, info["Slope"], hasselman, nk.fractal_higuchi(signal, k_max=10)[0]])
    voss, slope, hasselman, higuchi = np.mean(rows, axis=0)
    seen.append([exponent, voss, slope, hasselman, higuchi, (5 + slope) / 2])
    print(
        f"power as 1 / f^{exponent}: by the power slope {voss:.2f} (Voss: {(5 - exponent) / 2:.2f}); its slope "
        f"{slope:.2f}, so by Voss {(5 + slope) / 2:.2f}; hasselman2013 {hasselman:.2f}, Higuchi {higuchi:.2f}"
    )
walks = [nk.fractal_psdslope(np.cumsum(generator.normal(size=SAMPLES)))[0] for _ in range(SIGNALS)]
print(f"random walk, the sum of steps at random: {np.mean(walks):.2f} (1.50)")
steps = np.diff(np.array(seen), axis=0)
wrong = abs(np.mean(walks) - 3.5) < 0.1 and (steps[:, 1] > 0.1).all() and min(row[1] for row in seen) > 3
right = all(abs(row[5] - (5 - row[0]) / 2) < 0.05 and row[4] < 2 for row in seen) and (steps[:, 3:5] < 0).all()
sys.exit(0 if wrong and right else 1)
PYTHON
venv/bin/python seen.py

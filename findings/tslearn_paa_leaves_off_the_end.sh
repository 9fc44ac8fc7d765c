#!/bin/sh
# What one would expect: PiecewiseAggregateApproximation(n_segments) of tslearn cuts a series into so many pieces and
#   gives the mean of each; SymbolicAggregateApproximation turns these into letters. All samples lie in one of the
#   pieces, so that the mean of the means is about that of the series, and two series that differ have a distance.
# What happens: each piece has length // n_segments samples, and what is left over at the end is dropped: up to
#   n_segments - 1 samples. Of 119 samples in 60 pieces the last 59 are not looked at. A series that rises from 0 to 1
#   half way has the means 0, 0, ... 0, the same word as one that is 0 throughout, and the distance 0 from it, where
#   it is 7.7. Of series of unequal length in one set the shorter lose another share each. inverse_transform gives 119
#   samples back, all 0. pyts, whose pieces differ in length, keeps the rise. Where n_segments divides the length all
#   is right. Nothing is raised or printed, and the docstring does not say so.
# Versions: tslearn 0.10.0, pyts 0.14.1, scikit-learn 1.9.1, numba 0.68.1, scipy 1.17.1, numpy 2.4.6, Python 3.11.
#   Seen on 2026-12-01.
# Why it matters here: vital signs and ECG are shortened this way before they are compared, clustered or given to a
#   baseline. What happened last before the outcome, which is what the doctor would look at, is what is left off.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile tslearn==0.10.0 pyts==0.14.1 scikit-learn==1.9.1 numba==0.68.1 \
    scipy==1.17.1 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    from pyts.approximation import PiecewiseAggregateApproximation as Other
    from tslearn.piecewise import PiecewiseAggregateApproximation, SymbolicAggregateApproximation
    from tslearn.utils import to_time_series_dataset

warnings.simplefilter("error")  # a warning would be a change


def pieces(series, number):
    """Means over equal shares of the time, with samples at a border counted in part."""
    return np.repeat(series, number).reshape(number, -1).mean(1)


good = True
for length, number in ((120, 60), (119, 60), (119, 10), (119, 7)):
    flat, rise = np.zeros(length), np.zeros(length)
    rise[length // 2 + 1 :] = 1
    both = to_time_series_dataset([flat, rise])
    paa = PiecewiseAggregateApproximation(n_segments=number)
    means = paa.fit_transform(both)[:, :, 0]
    words = SymbolicAggregateApproximation(n_segments=number, alphabet_size_avg=8).fit_transform(both)[:, :, 0]
    distance, true = float(paa.distance(both[0], both[1])), np.sqrt(((flat - rise) ** 2).sum())
    must = pieces(rise, number)
    other = Other(window_size=None, output_size=number, overlapping=False).transform(rise[None])[0]
    left = length - length // number * number
    print(
        f"{length} samples in {number} pieces: mean of the means {means[1].mean():.3f}, of the series {rise.mean():.3f}, by hand "
        f"{must.mean():.3f}, pyts {other.mean():.3f}; distance {distance:.2f}, without cutting {true:.2f}; "
        f"the same word: {bool((words[0] == words[1]).all())}; back {paa.inverse_transform(means[:, :, None]).shape[1]}"
    )
    looked = rise[: length - left].reshape(number, -1).mean(1)
    good &= np.allclose(means[1], looked) and abs(must.mean() - rise.mean()) < 1e-9
    good &= np.allclose(means[1], must) == (left == 0)
    if (length, number) == (119, 60):
        good &= left == 59 and distance == 0 and bool((words[0] == words[1]).all()) and other.mean() > 0.4 and true > 7.6
one, two = np.arange(100.0), np.arange(119.0)
means = PiecewiseAggregateApproximation(n_segments=10).fit_transform(to_time_series_dataset([one, two]))[:, :, 0]
print(f"ramps of 100 and 119 samples in 10 pieces: the last mean is {means[0, -1]:.1f} of 99, and {means[1, -1]:.1f} of 118")
good &= means[0, -1] == 94.5 and means[1, -1] == 104
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

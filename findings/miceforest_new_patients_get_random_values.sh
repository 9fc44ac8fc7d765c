#!/bin/sh
# What one would expect: a kernel of miceforest that has run on the training patients fills new ones "using the models obtained
#   while running MICE" by impute_new_data, and complete_data(0) of what comes back gives the table, "the most up-to-date
#   iteration". So the README shows it, and transform, for a Pipeline, does the same.
# What happens: it gives iteration 0, before any model has said something: values drawn at random from those of other
#   patients. Where troponin follows creatinine but for 0.3 the kernel's own patients are filled with an error of 0.6, new ones
#   with 3.7, more than the mean has (2.9); of three grades that creatinine determines 99 % are right there, 31 % here. The very
#   patients that the kernel was run on are filled so too, if handed in again. complete_data(0, iteration=3) has what the models
#   said (1.2), but they too saw the random values of the other columns in each iteration. Nothing is raised or printed.
# Where: impute_new_data of miceforest/imputation_kernel.py never counts an iteration in iteration_tab, as mice does; by that table
#   iteration_count of imputed_data.py says 0, and complete_data takes that for -1, there and at the start of each iteration.
# Versions: miceforest 6.0.5, lightgbm 4.6.0, pandas 2.3.3, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.3.5, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: to fit an imputer to the training patients and to fill test patients by it is how leaks are avoided. This way
#   test patients are filled with noise and those of training are not, and an imputer that is among the best looks like the worst.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet miceforest==6.0.5 lightgbm==4.6.0 pandas==2.3.3 scikit-learn==1.9.1 scipy==1.17.1 numpy==2.3.5
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys
import warnings

import numpy as np
import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of imports
    import miceforest

ITERATIONS = 3
draw = np.random.default_rng(0)
creatinine, age = draw.normal(size=900), draw.normal(size=900)
whole = pd.DataFrame(
    {
        "creatinine": creatinine,
        "age": age,
        "troponin": 3 * creatinine + draw.normal(0, 0.3, 900),
        "grade": pd.Categorical(np.select([creatinine < -0.5, creatinine < 0.5], ["low", "middle"], "high")),
    }
)
gaps = whole.copy()
gone = draw.random((900, 2)) < 0.3
for place, name in enumerate(("troponin", "grade")):
    gaps.loc[gone[:, place], name] = np.nan
train, new = slice(0, 600), slice(600, 900)


def part(table, rows):
    return table.iloc[rows].reset_index(drop=True)


def wrong(filled, rows):
    """The root mean square error of the numbers filled in, and the share of grades that are right."""
    truth, lost = part(whole, rows), gone[rows]
    error = (filled["troponin"] - truth["troponin"])[lost[:, 0]]
    return float(np.sqrt(np.mean(error**2))), float(np.mean(filled["grade"].astype(str)[lost[:, 1]] == truth["grade"].astype(str)[lost[:, 1]]))


out = io.StringIO()
with warnings.catch_warnings(record=True) as raised, contextlib.redirect_stdout(out):
    warnings.simplefilter("always")
    kernel = miceforest.ImputationKernel(part(gaps, train), num_datasets=1, save_all_iterations_data=True, random_state=1)
    kernel.mice(ITERATIONS, num_threads=1)
    seen = {"the kernel's patients": wrong(kernel.complete_data(0), train)}
    back = kernel.impute_new_data(part(gaps, new))
    filled = back.complete_data(0)
    seen["new patients, complete_data(0)"] = wrong(filled, new)
    seen[f"new patients, iteration={ITERATIONS}"] = wrong(back.complete_data(0, iteration=ITERATIONS), new)
    seen["new patients, transform"] = wrong(kernel.transform(part(gaps, new)), new)
    seen["the kernel's patients again"] = wrong(kernel.impute_new_data(part(gaps, train)).complete_data(0), train)
    first = back.complete_data(0, iteration=0).equals(filled)
    counted = int(back.iteration_count())
known = part(gaps, train)["troponin"].mean()
lost = whole["troponin"][new][gone[new, 0]]
mean = float(np.sqrt(np.mean((lost - known) ** 2)))
for name, (error, right) in seen.items():
    print(f"{name}: error {error:.2f}, grades right {right:.0%}")
print(f"the mean of the training patients: error {mean:.2f}; iterations counted {counted}; the table is that of iteration 0: {first}")
said = [str(one.message) for one in raised if issubclass(one.category, UserWarning)]
print("warnings:", said, out.getvalue())
errors = {name: one[0] for name, one in seen.items()}
rights = {name: one[1] for name, one in seen.items()}
as_before = (
    errors["the kernel's patients"] < 1
    and rights["the kernel's patients"] > 0.95
    and all(errors[name] > 1.2 * mean and rights[name] < 0.5 for name in ("new patients, complete_data(0)", "new patients, transform", "the kernel's patients again"))
    and errors[f"new patients, iteration={ITERATIONS}"] < 2
    and first
    and counted == 0
    and not said
    and not out.getvalue()
)
sys.exit(0 if as_before else 1)
PYTHON
venv/bin/python seen.py

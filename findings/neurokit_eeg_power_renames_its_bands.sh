#!/bin/sh
# What one would expect: eeg_power of neurokit2 gives a row a channel and a column a band, "Gamma", "Beta", "Alpha",
#   "Theta" and "Delta", for the second patient as for the first.
# What happens: the names are replaced by their limits in the very list that is the default, so that from the second
#   call on the columns are called "Hz_30_80", "Hz_13_30" and so on, until Python is started anew. Tables of several
#   patients put below each other have ten columns of bands, and of every patient half of them are missing: "Alpha"
#   is known of the first patient only. A list of one's own is rewritten in the same way, and gives the other names
#   when it is used again; a new list in each call is right. Nothing is raised or printed.
# Versions: neurokit2 0.3.0, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, scikit-learn 1.9.1, matplotlib 3.11.2, Python
#   3.11. Seen on 2026-12-01.
# Why it matters here: the gaps look like missing measurements. A table filled by an imputer, or with the columns
#   that have gaps dropped, goes on without an error: with the median of one patient in all, or without the first
#   patient. Which patient that is hangs on the order of the files, or on which worker took them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" MPLBACKEND=Agg
python3 -m venv venv
venv/bin/pip install --quiet neurokit2==0.3.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 scikit-learn==1.9.1 matplotlib==3.11.2
cat > seen.py <<'PYTHON'
import sys
import warnings

import numpy as np
import pandas as pd

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing says
    import neurokit2

rng = np.random.default_rng(0)
patients = [pd.DataFrame(rng.normal(size=(2000, 2)), columns=["C3", "C4"]) for _ in range(4)]


def power(patient, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a warning would be a change
        return neurokit2.eeg_power(patient, sampling_rate=250, **options)


tables = [power(patient) for patient in patients]
whole = pd.concat(tables, ignore_index=True)
for number, table in enumerate(tables):
    print(f"patient {number}: {list(table.columns[1:])}")
known = whole.drop(columns="Channel").notna().mean()
print("together, share of rows that are known: " + ", ".join(f"{name} {share:.2f}" for name, share in known.items()))
own = ["Alpha", "Theta"]
first, second = power(patients[0], frequency_band=own), power(patients[0], frequency_band=own)
fresh = [power(patient, frequency_band=["Alpha", "Theta"]) for patient in patients]
print(f"one list twice: {list(first.columns[1:])}, then {list(second.columns[1:])}; the list is now {own}")
print(f"a new list each time: {pd.concat(fresh).isna().sum().sum()} gaps")
names = ["Gamma", "Beta", "Alpha", "Theta", "Delta"]
others = ["Hz_30_80", "Hz_13_30", "Hz_8_13", "Hz_4_8", "Hz_1_4"]
good = list(tables[0].columns[1:]) == names and all(list(table.columns[1:]) == others for table in tables[1:])
good &= all(known[name] == 0.25 for name in names) and all(known[name] == 0.75 for name in others)
good &= own == [(8, 13), (4, 8)] and list(second.columns[1:]) == ["Hz_8_13", "Hz_4_8"]
good &= np.array_equal(first.values[:, 1:], second.values[:, 1:]) and not pd.concat(fresh).isna().any(axis=None)
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

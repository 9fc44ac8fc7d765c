#!/bin/sh
# What one would expect: the mean Cox loss of torchsurv (reduction "mean", the default; "mean of log likelihoods across
#   patients" in its examples) hardly changes when times are rounded to whole years: ties cost a little precision.
# What happens: it is the mean over distinct times at which somebody dies. Of 300 patients whose days of follow-up are
#   rounded up to years it is thirteen times as large, and so is its gradient; in batches of 32 it is two to four times as
#   large. A warning speaks of ties, none of the scale. Without ties it is the mean over events, not over patients.
# Versions: torchsurv 0.2.0, torch 2.13.0, numpy 2.4.6, Python 3.11. Seen on 2026-11-29.
# Why it matters here: a learning rate, a clipping limit or the weight of another loss beside this one, chosen on a table of
#   days, is another one on a table of years, and differs between batches by how many ties they hold. A time-to-event task
#   of ours has to divide by events, and so has to differ from torchsurv on whole years.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
# torchsurv imports pandas and does not ask for it.
venv/bin/pip install --quiet torchsurv==0.2.0 torch==2.13.0 numpy==2.4.6 pandas==2.3.3
cat > seen.py <<'PYTHON'
import sys

import torch
from torchsurv.loss.cox import neg_partial_log_likelihood

DAYS, PATIENTS, BATCH = 365.25, 300, 32
torch.manual_seed(0)
risk = torch.randn(PATIENTS)
death = 5 * torch.empty(PATIENTS).exponential_() * torch.exp(-0.7 * risk)
left = 6 * torch.empty(PATIENTS).exponential_()
event, days = death <= left, torch.ceil(torch.minimum(death, left) * DAYS)
years = torch.ceil(days / DAYS)


def loss(time, rows, reduction="mean"):
    """The loss of risks that know half of the truth, and the length of its gradient."""
    guess = (0.5 * risk[rows]).requires_grad_(True)
    found = neg_partial_log_likelihood(guess, event[rows], time[rows], reduction=reduction)
    (slope,) = torch.autograd.grad(found, guess)
    return float(found.detach()), float(slope.norm())


everybody = slice(None)
(by_day, day_slope), (by_year, year_slope) = loss(days, everybody), loss(years, everybody)
in_all, _ = loss(years, everybody, "sum")
deaths, times = int(event.sum()), len(set(years[event].tolist()))
batches = [slice(first, first + BATCH) for first in range(0, PATIENTS - BATCH + 1, BATCH)]
ratios = [loss(years, rows)[0] / loss(days, rows)[0] for rows in batches]
print(f"days: loss {by_day:.2f}, gradient {day_slope:.3f}; years: loss {by_year:.2f}, gradient {year_slope:.3f}")
print(f"the sum of {in_all:.1f} over {times} distinct times of death is {in_all / times:.2f}, over {deaths} deaths {in_all / deaths:.2f}")
print(f"in batches of {BATCH} the loss of years is {min(ratios):.1f} to {max(ratios):.1f} times that of days")
over_times = abs(by_year - in_all / times) < 1e-3 * by_year
sys.exit(0 if over_times and by_year > 5 * by_day and year_slope > 5 * day_slope and min(ratios) > 1.3 else 1)
PYTHON
venv/bin/python seen.py

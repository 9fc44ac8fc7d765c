#!/bin/sh
# What one would expect: the Brier score of survival at a time, weighted for censoring, is on average what it would be if
#   nobody were censored, whether a table holds exact times or whole years.
# What happens: with exact times scikit-survival and torchsurv hit the true value. With the same times rounded up to whole
#   years both lie about a tenth above it, and nothing is said. They weight an event by the probability of being
#   uncensored up to and including its own year, so who was censored in that year after the event counts as if it
#   had been before. With the probability up to just before that year the score is the true one again.
# Versions: scikit-survival 0.28.0, torchsurv 0.2.0, torch 2.13.0, numpy 2.4.6, Python 3.11. Seen on 2026-11-29.
# Why it matters here: clinical tables hold years or months of follow-up. A Brier score that we print beside a published
#   one must say which convention it has, and two tools that agree with each other may both be off.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet scikit-survival==0.28.0 torchsurv==0.2.0 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import torch
from sksurv.metrics import brier_score
from sksurv.util import Surv
from torchsurv.metrics.brier_score import BrierScore
from torchsurv.stats.ipcw import get_ipcw

PATIENTS, YEARS = 20_000, np.array([2.0, 3.0, 4.0, 5.0])
rng = np.random.default_rng(0)
risk = rng.normal(size=PATIENTS)
death = rng.exponential(5 * np.exp(-0.7 * risk))
left = rng.exponential(6, size=PATIENTS)
alive = np.exp(-np.outer(np.exp(0.7 * risk) / 5, YEARS))
truth = (((death[:, None] > YEARS) - alive) ** 2).mean(0)


def by_hand(time, event):
    """The score with the probability of being uncensored just before each event; at one time events come first."""
    times = np.unique(time)
    lost = np.array([((time == t) & ~event).sum() for t in times])
    at_risk = np.array([(time >= t).sum() - ((time == t) & event).sum() for t in times])
    after = np.cumprod(1 - lost / np.maximum(at_risk, 1))
    before = np.concatenate([[1.0], after[:-1]])
    scores = []
    for k, year in enumerate(YEARS):
        dead, there = (time <= year) & event, time > year
        own = before[np.searchsorted(times, time)]
        at_year = after[np.searchsorted(times, year, side="right") - 1]
        scores.append((alive[dead, k] ** 2 / own[dead]).sum() + ((1 - alive[there, k]) ** 2 / at_year).sum())
    return np.array(scores) / PATIENTS


off = {}
for name, rounded in (("exact times", lambda time: time), ("whole years", np.ceil)):
    time, event = rounded(np.minimum(death, left)), death <= left
    known = Surv.from_arrays(event, time)
    events, times = torch.tensor(event), torch.tensor(time).float()
    asked = torch.tensor(YEARS).float()
    seen = {
        "scikit-survival": brier_score(known, known, alive, YEARS)[1],
        "torchsurv": BrierScore()(
            torch.tensor(alive).float(), events, times, new_time=asked, weight=get_ipcw(events, times, times),
            weight_new_time=get_ipcw(events, times, asked),
        ).numpy(),
        "just before": by_hand(time, event),
    }
    print(f"{name}: true {truth.round(4)}")
    for tool, scores in seen.items():
        off[name, tool] = float((scores / truth).mean() - 1)
        print(f"  {tool}: {scores.round(4)}, {100 * off[name, tool]:+.1f} %")
near = all(abs(off["exact times", tool]) < 0.02 for tool in ("scikit-survival", "torchsurv", "just before"))
above = all(off["whole years", tool] > 0.06 for tool in ("scikit-survival", "torchsurv"))
sys.exit(0 if near and above and abs(off["whole years", "just before"]) < 0.02 else 1)
PYTHON
venv/bin/python seen.py

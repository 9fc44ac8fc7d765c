#!/bin/sh
# What one would expect: counting the FLOPs of a network changes nothing of it, as printing a summary changes nothing
#   (torchinfo and thop put every module back into the mode that it was in).
# What happens: calflops and ptflops call eval() on the network that they are given and leave it so. Training that goes
#   on without another train() runs without dropout, and with running statistics in its norms. The loss falls faster;
#   nothing is raised or printed.
# Versions: torch 2.13.0 (CPU), transformers 5.23.0, calflops 0.3.2, ptflops 0.7.5, thop 0.1.1.post2209072238,
#   torchinfo 1.8.0, Python 3.11.
#   Seen on 2026-11-28.
# Why it matters here: costs are asked for where a network has just been built, between train() and the loop. Two rows
#   of a table then differ by dropout and not by method, because only one of them was counted, or counted by another
#   tool. `mora_bench costs` counts a copy, and counting inside of a cell puts modes back.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
# calflops imports transformers and does not ask for it.
venv/bin/pip install --quiet torch==2.13.0 transformers==5.23.0 calflops==0.3.2 ptflops==0.7.5 \
    thop==0.1.1.post2209072238 torchinfo==1.8.0
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys

import torch
from calflops import calculate_flops
from ptflops import get_model_complexity_info
from thop import profile
from torch import nn
from torchinfo import summary


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 2)).train()


def last_loss(model):
    """The mean loss of the last ten steps of a training that learns noise by heart."""
    torch.manual_seed(1)
    x, y = torch.randn(64, 32), torch.randint(0, 2, (64,))
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        loss = nn.functional.cross_entropy(model(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return sum(losses[-10:]) / 10


x = torch.zeros(1, 32)
COUNT = {
    "nobody": lambda model: None,
    "calflops": lambda model: calculate_flops(model, args=[x], print_results=False),
    "ptflops": lambda model: get_model_complexity_info(model, (32,), print_per_layer_stat=False, verbose=False),
    "thop": lambda model: profile(model, inputs=(x,), verbose=False),
    "torchinfo": lambda model: summary(model, input_data=x, verbose=0),
}
modes, losses = {}, {}
for name, count in COUNT.items():
    model = network()
    with contextlib.redirect_stdout(io.StringIO()):
        count(model)
    modes[name], losses[name] = model.training, last_loss(model)
    print(f"counted by {name}: training mode {modes[name]}, loss after 60 steps {losses[name]:.4f}")
kept = modes["nobody"] and modes["thop"] and modes["torchinfo"]
lost = not modes["calflops"] and not modes["ptflops"]
faster = max(losses["calflops"], losses["ptflops"]) < 0.5 * losses["nobody"]
sys.exit(0 if kept and lost and faster else 1)
PYTHON
venv/bin/python seen.py

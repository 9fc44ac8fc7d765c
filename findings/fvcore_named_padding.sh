#!/bin/sh
# What one would expect: a convolution costs the same FLOPs whether its padding is written 0 or "valid"; torch computes
#   the same numbers.
# What happens: fvcore counts the one that is written "valid" as 0. torch traces a padding with a name as another
#   operator, aten::_convolution_mode, for which fvcore has no formula; it says so in a log line alone. torch's own
#   counter gives the same for both.
# Versions: torch 2.13.0 (CPU), fvcore 0.1.5.post20221221, Python 3.11. Seen on 2026-11-29.
# Why it matters here: SigLIP's patch embedding is written so (transformers), and the FLOPs columns of this field's
#   papers mostly come from fvcore: a ViT and a SigLIP of the same size then differ by the whole patch embedding. Ours
#   has a handle for it. This script runs without it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 fvcore==0.1.5.post20221221 'numpy<3'
cat > seen.py <<'PYTHON'
import logging
import sys

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

logging.disable()
torch.manual_seed(0)
plain = nn.Conv2d(3, 64, 16, stride=16, padding=0)
named = nn.Conv2d(3, 64, 16, stride=16, padding="valid")
named.load_state_dict(plain.state_dict())
x = torch.randn(1, 3, 224, 224)
same = bool(torch.equal(plain(x), named(x)))
found = {}
for name, layer in (("padding=0", plain), ('padding="valid"', named)):
    with FlopCounterMode(display=False) as counter:
        layer(x)
    analysis = FlopCountAnalysis(layer, x)
    found[name] = analysis.total(), counter.get_total_flops() // 2
    print(f"{name}: fvcore {found[name][0]:,} multiply-adds, torch's counter {found[name][1]:,}")
print("same output:", same)
(theirs, right), (zero, also_right) = found.values()
sys.exit(0 if same and theirs == right == also_right > 0 and zero == 0 else 1)
PYTHON
venv/bin/python seen.py

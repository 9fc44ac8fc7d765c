#!/bin/sh
# What one would expect: LoRA on the layers of torch's own transformer encoder that a user names adapts each of them;
#   out_proj is a Linear, and PEFT says how many of its parameters train.
# What happens: torch's attention reads out_proj's weight and never calls the layer, so the adapter that PEFT puts around
#   it is not run: not in training, not in evaluation. Its parameters are counted as trainable, get no gradient, and stay as
#   they began, beside adapters of linear1 and linear2 that train. Nothing is raised, unless out_proj is the only target.
# Versions: torch 2.13.0 (CPU), peft 0.21.2, Python 3.11. Seen on 2026-11-28.
# Why it matters here: a backbone of one's own is often built of these layers, and the paper's LoRA rows adapt attention.
#   A table then shows a LoRA of some rank whose attention never changed. `mora_bench check` has a rule for this (an adapter
#   of each role must move the output and get a gradient). This script runs without it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 peft==0.21.2
cat > seen.py <<'PYTHON'
import sys

import torch
from peft import LoraConfig, get_peft_model
from torch import nn

torch.manual_seed(0)
layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
network = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
# Random adapters, so that one that is run moves the output at once.
config = LoraConfig(target_modules=["out_proj", "linear1", "linear2"], r=2, init_lora_weights=False)
model = get_peft_model(network, config).train()
model(torch.randn(3, 5, 16)).square().sum().backward()
adapters = {name: p for name, p in model.named_parameters() if "lora_" in name}
trained = {
    target: [p.grad is not None and bool(p.grad.abs().sum() > 0) for name, p in adapters.items() if target in name]
    for target in config.target_modules
}
for target, found in sorted(trained.items()):
    print(f"{target}: {sum(found)} of {len(found)} adapter matrices get a gradient")
asked = sum(p.numel() for name, p in adapters.items() if "out_proj" in name and p.requires_grad)
print(f"parameters that PEFT calls trainable in out_proj: {asked}")
alive = all(trained["linear1"]) and all(trained["linear2"])
sys.exit(0 if alive and asked > 0 and not any(trained["out_proj"]) else 1)
PYTHON
venv/bin/python seen.py

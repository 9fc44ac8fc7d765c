#!/bin/sh
# What one would expect: peft takes adapter_names with a batch, one name a sample, and gives each sample the output of its
#   own adapter ("__base__" for none). LoRA does; DoRA, which cannot, says so, and a name that is not there or a list that
#   is too short is refused. Other kinds of adapters, which the same PeftModel holds in the same way, do it as well or
#   refuse.
# What happens: IA3, VeRA, LoHa, LoKr, OFT, BOFT, HRA and others take the argument and drop it. Every sample, those marked
#   "__base__" too, gets the adapter that happens to be active; so does a batch with names that no adapter has. Nothing is
#   raised or printed, and the output has the right shape. The documentation shows the argument under LoRA and RoAd and
#   does not say what it does elsewhere; of what cannot do it, it names DoRA alone.
# Versions: peft 0.21.2, torch 2.13.0 (CPU), transformers 5.23.0, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: one adapter for each pattern of missing modalities ("image and text", "text alone") in one batch is
#   what this argument is made for. Change the kind of adapter in one line of a config and every pattern is scored with
#   one pattern's adapter: a table of robustness by pattern that compares nothing.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet peft==0.21.2 torch==2.13.0 transformers==5.23.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
import warnings

import torch
from peft import (
    BOFTConfig, HRAConfig, IA3Config, LoHaConfig, LoKrConfig, LoraConfig, OFTConfig, RoadConfig, VeraConfig, get_peft_model,
)  # fmt: skip
from torch import nn

warnings.simplefilter("error", UserWarning)  # a warning would be a change
warnings.filterwarnings("ignore", module="peft.tuners.boft")  # about speed
torch.manual_seed(0)
layers = ["0", "2"]
KINDS = {
    "LoRA": LoraConfig(r=4, target_modules=layers),
    "RoAd": RoadConfig(group_size=8, target_modules=layers),
    "DoRA": LoraConfig(r=4, use_dora=True, target_modules=layers),
    "IA3": IA3Config(target_modules=layers, feedforward_modules=["2"]),
    "VeRA": VeraConfig(r=4, target_modules=layers),
    "LoHa": LoHaConfig(r=4, target_modules=layers),
    "LoKr": LoKrConfig(r=4, target_modules=layers),
    "OFT": OFTConfig(oft_block_size=4, target_modules=layers),
    "BOFT": BOFTConfig(boft_block_size=4, target_modules=layers),
    "HRA": HRAConfig(r=4, target_modules=layers),
}
batch = torch.randn(6, 16)
names = ["both", "text", "__base__", "text", "both", "__base__"]
heard, refused, dropped = [], [], []
for kind, config in KINDS.items():
    plain = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 8)).eval()
    outputs = {"__base__": plain(batch).detach()}
    model = get_peft_model(plain, config, adapter_name="both")
    model.add_adapter("text", config)
    for name, weight in model.named_parameters():
        if name.endswith(("both", "text")) or ".both." in name or ".text." in name:
            weight.data += 0.2 * torch.randn_like(weight)  # as if it were trained
    model.eval()
    for name in ("both", "text"):
        model.set_adapter(name)
        outputs[name] = model(batch).detach()
    apart = min(
        float((outputs[one] - outputs[other]).abs().amax(1).min())
        for one, other in (("both", "text"), ("both", "__base__"), ("text", "__base__"))
    )
    wanted = torch.stack([outputs[name][row] for row, name in enumerate(names)])
    try:
        given = model(batch, adapter_names=names).detach()
    except ValueError as error:
        refused.append(kind)
        print(f"{kind}: refused ({error})")
        continue
    try:
        wrong = model(batch, adapter_names=["nobody", "none"]).detach()
    except ValueError:
        wrong = None
    own, active = ((given - other).abs().amax(1) < 1e-5 for other in (wanted, outputs["text"]))
    unknown = wrong is not None and torch.allclose(wrong, outputs["text"], atol=1e-5)
    if own.all() and wrong is None:
        heard.append(kind)
    if active.all() and unknown and apart > 1e-4:
        dropped.append(kind)
    print(
        f"{kind}: {int(own.sum())} of {len(names)} samples get their own adapter, {int(active.sum())} the active one; "
        f"two names that no adapter has, for six samples: {'refused' if wrong is None else 'output of the active one'}"
    )
good = heard == ["LoRA", "RoAd"] and refused == ["DoRA"] and dropped == list(KINDS)[3:]
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

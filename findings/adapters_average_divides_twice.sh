#!/bin/sh
# What one would expect: the block Average of adapters (AdapterHub), "output averaging", aggregates "the output
#   representations of multiple adapters in a model forward pass via weighted averaging". Its weights are made to
#   sum to 1, so the average of an adapter with its own copy is the adapter, whatever the weights are.
# What happens: the outputs are multiplied by these weights, and the mean of the products is taken: divided by the
#   number of adapters once more. The average of a LoRA with its own copy is half of the LoRA, of four copies a
#   quarter. Of bottleneck adapters it is the same. Of (IA)3, whose vectors multiply keys and values, keys and
#   values are halved, and the model is five times as far from the adapted one as it is without any adapter.
#   average_adapter, which averages parameters instead, gives the adapter back. Nothing is raised or printed.
# Versions: adapters 1.3.0, transformers 4.57.6, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: averaging the adapters of several patterns of missing modalities, or of several hospitals, is
#   a baseline for a pattern or a hospital that was never seen. Its row in a table is that of a fraction of the
#   adapters, the smaller the more are averaged, and looks as if averaging did not work.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet adapters==1.3.0 transformers==4.57.6 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import logging
import sys
import warnings

warnings.simplefilter("error", UserWarning)  # a warning would be a change
import adapters
import torch
from adapters import IA3Config, LoRAConfig, SeqBnConfig
from adapters.composition import Average
from transformers import BertConfig, BertModel

logging.disable(logging.WARNING)  # "none are activated", where none is to be
SHAPE = BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, vocab_size=100)
KINDS = {"LoRA": LoRAConfig(r=8, alpha=8), "(IA)3": IA3Config(), "bottleneck": SeqBnConfig()}
NAMES = ("a", "b", "c", "d")
torch.manual_seed(0)
batch = torch.randint(0, 100, (4, 10))
seen = {}
for kind, config in KINDS.items():
    model = BertModel(SHAPE).eval()
    adapters.init(model)
    for name in NAMES:
        model.add_adapter(name, config=config)
    weights = dict(model.named_parameters())
    for name, weight in weights.items():
        if ".a." in name:
            weight.data += 0.1 * torch.randn_like(weight)  # as if it were trained
            for copy in NAMES[1:]:
                weights[name.replace(".a.", f".{copy}.")].data.copy_(weight)
    model.average_adapter("merged", ["a", "b"])

    def told(setup):
        model.set_active_adapters(setup)
        with torch.no_grad():
            return model(batch).last_hidden_state

    plain, alone = told(None), told("a")
    setups = {
        "a copy alone": "d",
        "Average of 2": Average("a", "b"),
        "Average of 2, weights 3 and 1": Average("a", "b", weights=[3, 1]),
        "Average of 4": Average(*NAMES),
        "average_adapter": "merged",
    }
    print(f"{kind}: the adapter changes the output by {(alone - plain).norm():.3g}")
    for name, setup in setups.items():
        made = told(setup)
        effect = float((made - plain).norm() / (alone - plain).norm())
        off = float((made - alone).norm() / (alone - plain).norm())
        seen[kind, name] = effect, off
        print(f"  {name}: {effect:.2f} of the effect, {off:.2f} of it away from the adapter")
print("expected: 1.00 of the effect, 0.00 away, throughout")
good = True
for kind in KINDS:
    good &= all(seen[kind, name][1] < 1e-4 for name in ("a copy alone", "average_adapter"))
    good &= all(seen[kind, name][1] > 0.4 for name in setups if name.startswith("Average"))
good &= all(abs(seen["LoRA", name][0] - 0.5) < 0.05 for name in ("Average of 2", "Average of 2, weights 3 and 1"))
good &= abs(seen["LoRA", "Average of 4"][0] - 0.25) < 0.05 and seen["(IA)3", "Average of 2"][1] > 2
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

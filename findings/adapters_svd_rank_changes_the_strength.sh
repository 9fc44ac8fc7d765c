#!/bin/sh
# What one would expect: average_adapter of adapters (AdapterHub) with combine_strategy "lora_delta_w_svd" sums what
#   each LoRA adds to a layer and splits the sum again, by singular values, into matrices of rank svd_rank. With the
#   rank that the adapters have, or a greater one, nothing is lost: one adapter averaged with its own copy is that
#   adapter.
# What happens: the sum is right, but the new adapter multiplies it by alpha / svd_rank, where the old ones had
#   alpha / r. Of LoRAs of rank 8 a merged one with svd_rank=16 has half the strength, with 4, which loses some,
#   twice what is left; only svd_rank=8 gives the adapter back. peft's add_weighted_adapter (svd) gives it back with
#   16 too. Nothing is raised or printed, and the documentation of the rank says nothing of the strength.
# Versions: adapters 1.3.0, transformers 4.57.6, peft 0.17.1, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: adapters for single modalities are merged into one for several, and the rank of the merged
#   one is raised so that both fit. A comparison by rank is then one by strength, and the largest rank, which loses
#   the least, looks worst.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet adapters==1.3.0 transformers==4.57.6 peft==0.17.1 torch==2.13.0 numpy==2.4.6
cat > seen.py <<'PYTHON'
import logging
import sys
import warnings

warnings.simplefilter("error", UserWarning)  # a warning would be a change
import adapters
import torch
from adapters import LoRAConfig
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertModel

logging.disable(logging.WARNING)  # "none are activated", where none is to be
SHAPE = BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, vocab_size=100)
RANK = 8
torch.manual_seed(0)
batch = torch.randint(0, 100, (4, 10))
plain_model = BertModel(SHAPE).eval()
model = BertModel(SHAPE).eval()
model.load_state_dict(plain_model.state_dict())
adapters.init(model)
for name in ("a", "copy"):
    model.add_adapter(name, config=LoRAConfig(r=RANK, alpha=RANK, init_weights="bert"))
weights = dict(model.named_parameters())
for name, weight in weights.items():
    if ".a." in name:
        weight.data += 0.1 * torch.randn_like(weight)  # as if it were trained
for name, weight in weights.items():
    if ".a." in name:
        weights[name.replace(".a.", ".copy.")].data.copy_(weight)


def told(setup):
    model.set_active_adapters(setup)
    with torch.no_grad():
        return model(batch).last_hidden_state


def part(made, plain, alone):
    """The share of the adapter's effect, and how far from it the rest is."""
    return float((made - plain).norm() / (alone - plain).norm()), float((made - alone).norm() / (alone - plain).norm())


plain, alone = told(None), told("a")
seen = {}
for rank in (4, 8, 16, 32):
    model.average_adapter(f"svd{rank}", ["a", "copy"], combine_strategy="lora_delta_w_svd", svd_rank=rank)
    seen[rank] = part(told(f"svd{rank}"), plain, alone)
    print(f"adapters, svd_rank={rank}: {seen[rank][0]:.2f} of the effect, {seen[rank][1]:.2f} of it away from the adapter")
config = LoraConfig(r=RANK, lora_alpha=RANK, target_modules=["query", "value"])
named = get_peft_model(plain_model, config, adapter_name="first")
named.add_adapter("copy", config)
for name, weight in named.named_parameters():
    for kind in ("lora_A", "lora_B"):
        if kind in name:
            source = name.split(f".{kind}.")[0].removeprefix("base_model.model.")
            weight.data.copy_(weights[f"{source}.loras.a.{kind}"])
named.add_weighted_adapter(["first", "copy"], [0.5, 0.5], "svd16", combination_type="svd", svd_rank=16)
outputs = []
for name in ("first", "svd16"):
    named.set_adapter(name)
    with torch.no_grad():
        outputs.append(named(batch).last_hidden_state)
peft = part(outputs[1], plain, outputs[0])
print(f"peft, svd_rank=16: {peft[0]:.2f} of the effect, {peft[1]:.2f} of it away from the adapter")
good = seen[8][1] < 1e-3 and abs(seen[16][0] - 0.5) < 0.03 and abs(seen[32][0] - 0.25) < 0.03 and seen[4][0] > 1.2
good &= peft[1] < 1e-3 and torch.allclose(outputs[0], alone, atol=1e-5)
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

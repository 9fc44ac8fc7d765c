#!/bin/sh
# What one would expect: VeRA of adapters (AdapterHub; VeraConfig, "see more through their paper") trains two
#   vectors a layer, b and d, that scale the rows of two frozen random matrices: of rank r, r + width numbers for a
#   square layer, far fewer than LoRA of the same rank. So do the paper (Kopiczko et al.) and peft.
# What happens: the vectors are laid out as the diagonals of square matrices, and the whole matrices are parameters.
#   After two steps of training they are full. Of a layer 768 wide with rank 8 it trains 589,888 numbers where VeRA
#   has 776 and LoRA 12,288: as many as the layer itself has. q and v of a BERT-base are 14.2 million, or 13 % of
#   the network, instead of 18,624. adapter_summary() prints the number, and names the method "lora". Nothing else
#   is raised or printed.
# Versions: adapters 1.3.0, transformers 4.57.6, peft 0.17.1, torch 2.13.0 (CPU), numpy 2.4.6, Python 3.11. Seen on
#   2026-12-01.
# Why it matters here: VeRA is the row "fewest parameters" of a comparison of adapters, and its score goes beside
#   that number. By this package it has 48 times as many as LoRA and the freedom of a full layer's outputs; a paper
#   that prints the published formula for parameters and this package's score compares what does not belong
#   together.
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
from adapters import LoRAConfig, VeraConfig
from peft import VeraConfig as PeftVera
from peft import get_peft_model
from transformers import BertConfig, BertModel

logging.disable(logging.WARNING)  # "none are activated"
RANK, LAYERS = 8, 2


def bert(width):
    shape = BertConfig(
        hidden_size=width, num_hidden_layers=LAYERS, num_attention_heads=4, intermediate_size=64, vocab_size=50
    )
    return BertModel(shape)


def trained(model):
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


seen = {}
for width in (64, 768):
    for name, config in (("VeRA", VeraConfig(r=RANK)), ("LoRA", LoRAConfig(r=RANK))):
        model = bert(width)
        adapters.init(model)
        model.add_adapter("a", config=config)
        model.train_adapter("a")
        seen[name, width] = trained(model) // (2 * LAYERS)  # q and v of each layer
        if (name, width) == ("VeRA", 64):
            torch.manual_seed(0)
            optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=0.01)
            for _ in range(2):  # in the first step d has no gradient yet, because b is 0
                optimizer.zero_grad()
                model(torch.randint(0, 50, (4, 10))).last_hidden_state[:, 0, 0].square().mean().backward()
                optimizer.step()
            for part in ("vera_D", "vera_B"):
                matrix = next(weight for key, weight in model.named_parameters() if key.endswith(part)).detach()
                rest = matrix - torch.diag(matrix.diag())
                seen[part] = tuple(matrix.shape), float((rest != 0).float().mean())
                print(f"{part} after two steps: {tuple(matrix.shape)}, {seen[part][1]:.1%} of it not 0 beside the diagonal")
    model = get_peft_model(bert(width), PeftVera(r=RANK, target_modules=["query", "value"]))
    seen["peft", width] = trained(model) // (2 * LAYERS)
    print(
        f"width {width}, rank {RANK}, numbers that train a layer: VeRA {seen['VeRA', width]:,} (vectors: {width + RANK:,}; "
        f"peft {seen['peft', width]:,}), LoRA {seen['LoRA', width]:,}; the layer itself {width * width:,}"
    )
good = all(seen["peft", width] == width + RANK and seen["LoRA", width] == 2 * RANK * width for width in (64, 768))
good &= all(seen["VeRA", width] == width * width + RANK * RANK for width in (64, 768))
good &= seen["vera_D"][0] == (RANK, RANK) and seen["vera_B"][0] == (64, 64) and min(seen["vera_D"][1], seen["vera_B"][1]) > 0.8
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

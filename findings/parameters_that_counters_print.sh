#!/bin/sh
# What one would expect: the parameters that a counter of FLOPs prints beside its multiply-adds are those of the network,
#   all of them, however they train: the column "Params" of a paper.
# What happens: of a frozen network calflops and ptflops print 0, and of the same network with LoRA on it the LoRA alone,
#   because they count what requires a gradient, under the name "params". thop prints no parameters of embeddings at all,
#   here more than half of the network. Nothing is raised. Of a network that trains whole and has no
#   embeddings the three agree, so a trial on a small convolutional network shows none of this.
# Versions: torch 2.13.0 (CPU), peft 0.21.2, calflops 0.3.2, ptflops 0.7.5, thop 0.1.1.post2209072238, Python 3.11.
#   Seen on 2026-11-28.
# Why it matters here: methods of this field freeze the network and train an adapter. "Params" of one paper is then the
#   adapter, of the next the whole, of a third the whole without its vocabulary, and a share that is made of two of them
#   is off by any factor. Ours sum the tensors, by owner (`mora_bench costs` shows them beside the tools').
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0 peft==0.21.2 calflops==0.3.2 ptflops==0.7.5 thop==0.1.1.post2209072238
cat > seen.py <<'PYTHON'
import contextlib
import io
import sys

import torch
from calflops import calculate_flops
from peft import LoraConfig, get_peft_model
from ptflops import get_model_complexity_info
from thop import profile
from torch import nn


class Reader(nn.Module):
    """Words of a vocabulary of 5,000, two linear layers, a label."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5000, 64)
        self.query, self.value, self.label = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 2)

    def forward(self, ids):
        x = self.words(ids)
        return self.label((self.query(x).tanh() + self.value(x)).mean(1))


def with_lora():
    return get_peft_model(Reader(), LoraConfig(target_modules=["query", "value"], r=4))


def printed(make, by_thop=True):
    """Parameters by tool, each of a new network. (thop ends with a KeyError on what peft has wrapped.)"""
    ids = torch.ones(1, 16, dtype=torch.long)
    with contextlib.redirect_stdout(io.StringIO()):
        found = {
            "calflops": calculate_flops(make(), args=[ids], print_results=False, output_as_string=False)[2],
            "ptflops": get_model_complexity_info(
                make(), (1,), input_constructor=lambda _: {"ids": ids}, as_strings=False,
                print_per_layer_stat=False, verbose=False,
            )[1],
        }
        if by_thop:
            found["thop"] = int(profile(make(), inputs=(ids,), verbose=False)[1])
    return found | {"there": sum(own.numel() for own in make().parameters())}


thawed, frozen = printed(Reader), printed(lambda: Reader().requires_grad_(False))
lora = printed(with_lora, by_thop=False)
trains = sum(own.numel() for own in with_lora().parameters() if own.requires_grad)
words = 5000 * 64
for name, found in (("thawed", thawed), ("frozen", frozen), ("LoRA on it", lora)):
    print(f"{name:10}", ", ".join(f"{tool} {count:,}" for tool, count in found.items()))
print(f"the LoRA trains {trains:,}; the embeddings are {words:,}")
seen = [
    thawed["calflops"] == thawed["ptflops"] == thawed["there"],
    frozen["calflops"] == frozen["ptflops"] == 0,
    lora["calflops"] == lora["ptflops"] == trains,
    thawed["thop"] == frozen["thop"] == thawed["there"] - words,
]
sys.exit(0 if all(seen) else 1)
PYTHON
venv/bin/python seen.py

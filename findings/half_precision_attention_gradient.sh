#!/bin/sh
# What one would expect: on a processor that computes in bf16, attention by torch's fused kernel is at least as fast as
#   the plain products and softmax, forwards and backwards, as in fp32: that is why everybody calls it.
# What happens: with short sequences (20 to 40 tokens, 12 heads, one thread) the gradient of the fused kernel in bf16
#   takes 4 to 15 times as long as that of the plain one (`SDPBackend.MATH`) and 5 to 13 times as long as in fp32.
#   Forwards the two take about the same. Nothing warns: bf16 training is merely slow. With 240 tokens they are alike.
# Versions: torch 2.13.0 (CPU), Python 3.11, a processor with avx512_bf16. Seen on 2026-11-28.
# Why it matters here: a text of keywords and a few picture tokens are 20 to 40 tokens, and "bf16 is faster" is tried on
#   long sequences. A training step of the fused MiniLM took about half as long again because of this; ours asks for the
#   plain kernel there. This script runs without it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet torch==2.13.0
cat > seen.py <<'PYTHON'
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

torch.set_num_threads(1)
torch.manual_seed(0)


def gradient(kernel: SDPBackend, dtype: torch.dtype, samples: int, tokens: int) -> float:
    """Milliseconds of the gradient of attention, the median of 30."""
    parts = [torch.randn(samples, 12, tokens, 32).to(dtype).requires_grad_() for _ in range(3)]
    with sdpa_kernel(kernel):
        out = F.scaled_dot_product_attention(*parts)
    above = torch.ones_like(out)
    times = []
    for _ in range(30):
        start = time.perf_counter()
        torch.autograd.grad(out, parts, above, retain_graph=True)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


slow = []
for samples, tokens in ((4, 24), (16, 20), (4, 40)):
    fused, plain, single = (
        gradient(kernel, dtype, samples, tokens)
        for kernel, dtype in (
            (SDPBackend.FLASH_ATTENTION, torch.bfloat16),
            (SDPBackend.MATH, torch.bfloat16),
            (SDPBackend.FLASH_ATTENTION, torch.float32),
        )
    )
    print(f"{samples} x {tokens} tokens: fused bf16 {fused:.2f} ms, plain bf16 {plain:.2f} ms, fused fp32 {single:.2f} ms")
    slow.append(fused > 2 * plain and fused > 2 * single)
sys.exit(0 if all(slow) else 1)
PYTHON
venv/bin/python seen.py

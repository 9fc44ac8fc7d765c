"""torch's own FlopCounterMode, as it comes."""

from __future__ import annotations

import torch

from mora_bench.training.counters.contract import CostParts, Counter, Net, Printed, without_fused


class TorchMode(Counter):
    name = "FlopCounterMode"
    module = "torch"
    packages = ("torch",)
    unit = "FLOPs (a multiply-add is two)"
    per_multiply_add = 2

    def count(self, net: Net) -> Printed:
        from torch.utils.flop_counter import FlopCounterMode

        with FlopCounterMode(display=False) as counter, torch.no_grad():
            net.module(**net.inputs)
        return Printed(counter.get_total_flops())

    def expected(self, ours: CostParts) -> tuple[float, str]:
        return without_fused(ours)

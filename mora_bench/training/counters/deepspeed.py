"""deepspeed's flops profiler, which replaces functions of torch, fused attention among them."""

from __future__ import annotations

from mora_bench.training.counters.contract import CostParts, Counter, Net, Printed


class Deepspeed(Counter):
    name = "deepspeed"
    module = "deepspeed"
    packages = ("deepspeed",)
    unit = "MACs (it prints FLOPs, two for each, beside them)"

    def count(self, net: Net) -> Printed:
        from deepspeed.profiling.flops_profiler import get_model_profile

        _, macs, parameters = get_model_profile(
            model=net.module, kwargs=dict(net.inputs), print_profile=False, as_string=False
        )
        return Printed(macs, parameters)

    def expected(self, ours: CostParts) -> tuple[float, str]:
        return ours.total, ""

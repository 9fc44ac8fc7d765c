"""calflops, which replaces functions of torch while the network runs."""

from __future__ import annotations

from mora_bench.training.counters.contract import CostParts, Counter, Net, Printed, without_fused


class Calflops(Counter):
    name = "calflops"
    module = "calflops"
    packages = ("calflops",)
    unit = "MACs (it prints FLOPs, two for each, beside them)"
    counted_parameters = "prints parameters that require a gradient only"

    def count(self, net: Net) -> Printed:
        from calflops import calculate_flops

        _, macs, parameters = calculate_flops(
            model=net.module, kwargs=dict(net.inputs), print_results=False, output_as_string=False
        )
        return Printed(macs, parameters)

    def expected(self, ours: CostParts) -> tuple[float, str]:
        return without_fused(ours)

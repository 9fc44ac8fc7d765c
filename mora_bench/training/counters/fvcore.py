"""fvcore's FlopCountAnalysis, as it comes: ours is the same tool with handles for what it lacks."""

from __future__ import annotations

from mora_bench.training.counters.contract import CostParts, Counter, Net, Printed, without_fused


class Fvcore(Counter):
    name = "fvcore"
    module = "fvcore"
    packages = ("fvcore",)
    unit = "flops (a multiply-add is one)"
    also = "counts norms, too"

    def count(self, net: Net) -> Printed:
        from fvcore.nn import FlopCountAnalysis, parameter_count

        analysis = FlopCountAnalysis(net.module, tuple(net.inputs.values()))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        return Printed(analysis.total(), parameter_count(net.module)[""])

    def expected(self, ours: CostParts) -> tuple[float, str]:
        return without_fused(ours)

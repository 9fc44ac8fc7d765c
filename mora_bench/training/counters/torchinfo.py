"""torchinfo, whose linear layers cost their weights once, however many tokens pass."""

from __future__ import annotations

from mora_bench.training.counters.contract import CostParts, Counter, Net, Printed


class Torchinfo(Counter):
    name = "torchinfo"
    module = "torchinfo"
    packages = ("torchinfo",)
    unit = "mult-adds"
    counted_parameters = "prints weights that layers share once for each layer"

    def count(self, net: Net) -> Printed:
        from torchinfo import summary

        statistics = summary(net.module, input_data=dict(net.inputs), verbose=0)
        return Printed(statistics.total_mult_adds, statistics.total_params)

    def expected(self, ours: CostParts) -> tuple[float, str]:
        once = ours.parameters - ours.convolved + ours.convolutions
        return once, "counts each weight once a sample, not once a token; convolutions alone are counted by position"

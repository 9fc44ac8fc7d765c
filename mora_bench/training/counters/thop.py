"""thop, which hooks layers that it knows."""

from __future__ import annotations

from mora_bench.training.counters.contract import CostParts, Counter, Net, Printed


class Thop(Counter):
    name = "thop"
    module = "thop"
    packages = ("thop", "ultralytics-thop")
    unit = "macs"
    counted_parameters = "prints no parameters of embeddings, and none that stand outside of a layer"
    also = "counts norms and softmax, too"

    def count(self, net: Net) -> Printed:
        from thop import profile

        macs, parameters = profile(net.module, inputs=tuple(net.inputs.values()), verbose=False)
        return Printed(macs, int(parameters))

    def expected(self, ours: CostParts) -> tuple[float, str]:
        out = ours.products + ours.fused
        return ours.total - out, f"sees layers alone, not the products of attention, {out / ours.total:.1%} of ours"

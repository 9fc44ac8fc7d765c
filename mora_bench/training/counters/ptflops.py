"""ptflops, with its own choice of backend, which hooks layers and replaces functions of torch."""

from __future__ import annotations

from mora_bench.training.counters.contract import CostParts, Counter, Net, Printed, without_fused


class Ptflops(Counter):
    name = "ptflops"
    module = "ptflops"
    packages = ("ptflops",)
    unit = "Mac"
    counted_parameters = "prints parameters that require a gradient only"
    also = "counts norms, activations and softmax, too"

    def count(self, net: Net) -> Printed:
        from ptflops import get_model_complexity_info

        macs, parameters = get_model_complexity_info(
            net.module,
            (1,),
            input_constructor=lambda _: dict(net.inputs),
            as_strings=False,
            print_per_layer_stat=False,
            verbose=False,
        )
        if macs is None:
            # It prints what went wrong, and returns.
            raise RuntimeError("it gave no number")
        return Printed(macs, parameters)

    def expected(self, ours: CostParts) -> tuple[float, str]:
        return without_fused(ours)

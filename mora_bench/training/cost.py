"""What a cell costs: parameters, FLOPs, time, memory. One multiply-add counts as 2 FLOPs everywhere.

Only matrix products, convolutions and attention are counted (element-wise work and norms are not), which is what
both counters agree on and what closed forms give.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from mora_bench.data.batch import Batch
from mora_bench.methods.network import Model

#: Readings dropped from the beginning: caches, allocators and kernels are still warming up.
WARMUP = 10


def parameters(model: Model) -> dict:
    """Parameters by group, all and trained, and the trained shares in percent of the whole model.

    `share_adapter` counts the adapter alone, `share_adapter_head` the adapter with the classifier, `share_total` all
    that trains, pooler included (the paper's figure). The paper counts shares against the model without its adapter.
    """
    groups = model.groups()
    total = {name: sum(p.numel() for p in group) for name, group in groups.items()}
    trained = {name: sum(p.numel() for p in group if p.requires_grad) for name, group in groups.items()}
    base = sum(total.values()) - total["adapter"]
    share = {
        "share_adapter": trained["adapter"] + trained["backbone"],
        "share_adapter_head": trained["adapter"] + trained["backbone"] + trained["head"],
        "share_total": sum(trained.values()),
    }
    return {
        "all": total,
        "trained": trained,
        "model": sum(total.values()),
        **{name: 100 * count / base for name, count in share.items()},
    }


class _Flat(nn.Module):
    """A model that takes tensors, as tracing needs it."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.model(Batch(*tensors))


def _attention(inputs: list, outputs: list) -> int:
    """Multiply-adds of softmax(q k^T) v, for fvcore, which has no handle for the fused operator."""
    batch, heads, queries, width = inputs[0].type().sizes()
    keys = inputs[1].type().sizes()[2]
    return 2 * batch * heads * queries * keys * width


def _product(inputs: list, outputs: list) -> int:
    """Multiply-adds of a matrix product whose left side may have more dimensions than fvcore's own handle takes."""
    return int(np.prod(outputs[0].type().sizes())) * inputs[0].type().sizes()[-1]


def _nothing(inputs: list, outputs: list) -> int:
    """For what fvcore counts by element and this module does not count."""
    return 0


#: Operators that move, select, compare or scale: no products, so nothing to count.
FREE = {
    f"aten::{name}"
    for name in [
        "_unique2",
        "abs",
        "add",
        "add_",
        "all",
        "amax",
        "any",
        "arange",
        "bitwise_and",
        "bitwise_not",
        "cat",
        "clamp",
        "clamp_min",
        "constant_pad_nd",
        "copy_",
        "cumsum",
        "div",
        "dropout",
        "embedding",
        "eq",
        "exp",
        "expand",
        "expand_as",
        "eye",
        "feature_dropout",
        "fill_",
        "full",
        "full_like",
        "gather",
        "ge",
        "gelu",
        "gt",
        "index",
        "index_add",
        "index_add_",
        "index_put_",
        "index_select",
        "layer_norm",
        "le",
        "lift_fresh",
        "linalg_norm",
        "linalg_vector_norm",
        "logical_and",
        "logical_not",
        "lt",
        "masked_fill",
        "max",
        "mean",
        "mT",
        "mul",
        "ne",
        "neg",
        "new_full",
        "new_ones",
        "new_zeros",
        "nonzero",
        "norm",
        "numpy_T",
        "ones",
        "ones_like",
        "pad",
        "pow",
        "repeat",
        "rsqrt",
        "rsub",
        "sigmoid",
        "softmax",
        "sort",
        "sqrt",
        "stack",
        "sub",
        "sum",
        "tanh",
        "to",
        "topk",
        "type_as",
        "unflatten",
        "unique_dim",
        "upsample_bilinear2d",
        "upsample_linear1d",
        "where",
        "zeros",
        "zeros_like",
    ]
}


def forward_flops(model: Model, batch: Batch) -> float:
    """FLOPs of a forward pass of the whole network on `batch`, by fvcore, divided by its samples.

    Raises:
        RuntimeError: the network uses an operator that neither fvcore nor this module can count or call free.
    """
    analysis = FlopCountAnalysis(_Flat(model).eval(), tuple(vars(batch).values()))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    analysis.set_op_handle(
        "aten::scaled_dot_product_attention",
        _attention,
        "aten::matmul",
        _product,
        "aten::layer_norm",
        _nothing,
        "aten::upsample_bilinear2d",
        _nothing,
    )
    counted = analysis.total()
    unknown = {name for name in analysis.unsupported_ops() if name not in FREE}
    if unknown:
        raise RuntimeError(f"FLOPs of {', '.join(sorted(unknown))} cannot be counted: add a handle or call them free")
    return 2 * counted / len(batch)


@contextmanager
def flop_counter() -> Iterator[FlopCounterMode]:
    """torch's counter, with attention on torch's own math kernel meanwhile: the fused one counts as 0 on a CPU."""
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        yield counter


def step_flops(model: Model, batch: Batch) -> dict[str, float]:
    """FLOPs a sample of a training step on `batch`, by torch's FlopCounterMode.

    `begin` is the frozen beginning, which is computed once a cell where it fits in memory; `forward` and `backward`
    are the whole network's.
    """
    counts: Counter[str] = Counter()
    with flop_counter() as counter:
        state = model.begin(batch)
    counts["begin"] = counter.get_total_flops()
    with flop_counter() as counter:
        loss = model.finish(state).sum()
    counts["forward"] = counts["begin"] + counter.get_total_flops()
    with flop_counter() as counter:
        loss.backward()
    counts["backward"] = counter.get_total_flops()
    model.zero_grad(set_to_none=True)
    return {name: count / len(batch) for name, count in counts.items()}


class StepClock:
    """Times training steps: CUDA events on a GPU (one synchronisation, at the end), the wall clock elsewhere."""

    def __init__(self, device: torch.device):
        self.cuda = device.type == "cuda"
        self._pairs: list[tuple] = []

    @contextmanager
    def step(self) -> Iterator[None]:
        if self.cuda:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            yield
            end.record()
            self._pairs.append((start, end))
        else:
            begun = time.perf_counter()
            yield
            self._pairs.append((begun, time.perf_counter()))

    def read(self, steps_an_epoch: int, cells: int = 1) -> dict:
        """Milliseconds a step (median, quartiles, 95 %) after a warm-up of `WARMUP` steps (a fifth of a short run).

        Where several cells were trained as one, each has its share of the time.
        """
        if self.cuda:
            torch.cuda.synchronize()
            times = np.array([start.elapsed_time(end) for start, end in self._pairs])
        else:
            times = np.array([1000 * (end - start) for start, end in self._pairs])
        times /= cells
        warm = min(WARMUP, len(times) // 5)
        quarter, median, three, late = np.percentile(times[warm:], [25, 50, 75, 95])
        return {
            "step_ms": float(median),
            "step_ms_p25": float(quarter),
            "step_ms_p75": float(three),
            "step_ms_p95": float(late),
            "cells_as_one": cells,
            "steps_timed": len(times) - warm,
            "steps_warmup": warm,
            "epoch_s": float(times[warm:].mean() * steps_an_epoch / 1000),
        }


class PeakMemory:
    """Peak memory from construction on: CUDA's allocator on a GPU, the process's resident set on Linux, else None."""

    def __init__(self, device: torch.device):
        self.device = device
        self.resident = False
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            # 5 resets the high-water mark of the resident set (man 5 proc); where that is not allowed, the mark
            # would be that of earlier cells, so it is not read.
            with suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")
                self.resident = True

    def read(self) -> dict[str, float | None]:
        """MiB."""
        if self.device.type == "cuda":
            return {
                "peak_allocated_mib": torch.cuda.max_memory_allocated(self.device) / 2**20,
                "peak_reserved_mib": torch.cuda.max_memory_reserved(self.device) / 2**20,
            }
        if not self.resident:
            return {"peak_rss_mib": None}
        lines = Path("/proc/self/status").read_text().splitlines()
        return {"peak_rss_mib": next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))}

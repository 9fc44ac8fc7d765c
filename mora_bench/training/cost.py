"""The cost of a cell: parameters, time, memory."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch

from mora_bench.methods.network import Model
from mora_bench.records.schema import Parameters

#: Number of first readings that are dropped, because caches, allocators and kernels are still warming up.
WARMUP = 10


def parameters(model: Model) -> Parameters:
    """Parameters by owner, and trained shares in percent of the model without its adapter, as the paper does."""
    owned = model.by_owner()
    total = {name: sum(p.numel() for p in group) for name, group in owned.items()}
    trained = {name: sum(p.numel() for p in group if p.requires_grad) for name, group in owned.items()}
    base = sum(total.values()) - total["adapter"]
    share = {
        "share_adapter": trained["adapter"] + trained["backbone"],
        "share_adapter_head": trained["adapter"] + trained["backbone"] + trained["head"],
        "share_total": sum(trained.values()),
    }
    return Parameters(
        all=total,
        trained=trained,
        model=sum(total.values()),
        **{name: 100 * count / base for name, count in share.items()},
    )


class StepClock:
    """Times training steps: CUDA events on a GPU (one synchronisation, at the end), the wall clock elsewhere."""

    def __init__(self, device: torch.device):
        self.cuda = device.type == "cuda"
        self._pairs: list[tuple] = []
        self._earlier: list[float] = []

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

    def so_far(self) -> list[float]:
        """Milliseconds of each step until now."""
        if self.cuda:
            torch.cuda.synchronize()
            return [*self._earlier, *(start.elapsed_time(end) for start, end in self._pairs)]
        return [*self._earlier, *(1000 * (end - start) for start, end in self._pairs)]

    def go_on(self, earlier: Sequence[float]) -> None:
        """Count the steps of the process that was killed."""
        self._earlier = list(earlier)

    def read(self, steps_an_epoch: int, cells: int = 1) -> dict:
        """Milliseconds per step (median, quartiles, 95th percentile), without the warm-up; and seconds per epoch.

        The warm-up is `WARMUP` steps, at most a fifth of all steps. The time of cells that were trained as one is
        divided equally among them.
        """
        times = np.array(self.so_far()) / cells
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

"""Which GPU a worker sees."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from mora_bench.cells.runtime import Runtime
from mora_bench.engines import worker
from mora_bench.engines.processes import Processes
from mora_bench.engines.worker import own_gpu


@pytest.mark.parametrize(
    ("visible", "device", "gpus"),
    [
        ("0,1,3", "cuda", ["0", "1", "3", "0"]),
        ("GPU-a,GPU-b", "cuda", ["GPU-a", "GPU-b", "GPU-a", "GPU-b"]),
        ("0", "cuda", [None] * 4),
        ("", "cuda", [None] * 4),
        ("0,1", "cuda:1", [None] * 4),
        ("0,1", "cpu", [None] * 4),
    ],
)
def test_gpus_are_shared_out_among_workers(monkeypatch, visible, device, gpus):
    """One each, unless one was named."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    runtime = Runtime(out=Path("x"), cache=Path("x"), device=device, workers=4)
    assert [own_gpu(number, runtime) for number in range(4)] == gpus


def test_a_worker_sees_its_own_gpu_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    monkeypatch.setattr(worker, "context", lambda: multiprocessing.get_context("fork"))
    runtime = Runtime(out=tmp_path, cache=tmp_path, device="cuda", workers=2)

    def look(bundle, runtime):
        (tmp_path / bundle[0]).write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        time.sleep(0.3)

    list(Processes().run([["a"], ["b"]], runtime, look, None))
    assert {(tmp_path / name).read_text() for name in "ab"} == {"5", "7"}

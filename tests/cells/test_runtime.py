"""Where cells run: the cache, the device."""

from pathlib import Path

import pytest

from mora_bench.cells import runtime
from mora_bench.errors import UserError


def test_an_empty_variable_is_none(tmp_path, monkeypatch):
    """It would make the folder that the command runs in the cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("MORA_BENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")
    assert runtime.default_cache() == tmp_path / "home" / ".cache" / "mora_bench"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert runtime.default_cache() == tmp_path / "caches" / "mora_bench"
    monkeypatch.setenv("MORA_BENCH_CACHE", "here")
    assert runtime.default_cache() == Path("here")
    assert (tmp_path / "here").is_dir()


def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_refused(monkeypatch):
    monkeypatch.setattr(runtime, "GPUS", ())
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert runtime.usable("auto") == runtime.usable("cpu") == "cpu"
    with pytest.raises(UserError, match="--device cuda: this machine has no CUDA device that torch"):
        runtime.usable("cuda")
    with pytest.raises(UserError, match="--device 'tpu' cannot be used here"):
        runtime.usable("tpu")

"""Where a result comes from: versions, commit, device."""

import json
import platform
import subprocess
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mora_bench.cells.runtime import Runtime
from mora_bench.files import digest
from mora_bench.records.schema import Provenance

#: Beside a copy of the package: the answer of `commit` where it was copied.
COPIED = "commit.json"
PACKAGES = ("mora-bench", "torch", "transformers", "peft", "scikit-learn", "fvcore", "tokenizers", "numpy", "pillow")


@cache
def versions() -> dict[str, str | None]:
    """Installed versions of the packages that can change a number."""
    installed: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = None
    return installed


@cache
def code() -> str:
    """A digest of this package's modules."""
    root = Path(__file__).parents[1]
    return digest(part for file in sorted(root.rglob("*.py")) for part in (file.name.encode(), file.read_bytes()))


@cache
def commit() -> dict[str, Any]:
    """The checkout this package runs from, and whether its files differ from that commit; None when installed."""
    folder = Path(__file__).parent
    with suppress(OSError, ValueError):
        # A copy that was made for jobs of a cluster says what it is a copy of.
        return json.loads((folder.parents[1] / COPIED).read_text())

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", folder, *arguments], capture_output=True, text=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    if git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return {"commit": None, "dirty": None}
    code = ("--", "../..", ":!../../results", ":!../../README.md")
    return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", *code))}


def device_name(device: str) -> str:
    """The name that a person uses: the GPU's, or the processor's."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(torch.device(device))
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return model or platform.processor() or platform.machine()


def collect(runtime: Runtime) -> Provenance:
    """Everything, for a record."""
    return Provenance(
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        device=device_name(runtime.device),
        device_type=runtime.device.partition(":")[0],
        threads=runtime.threads,
        workers=runtime.workers,
        platform=platform.platform(terse=True),
        versions=versions(),
        compiler=runtime.compiler,
        **commit(),
    )

"""Where and how cells run: nothing here changes a score, so nothing here is in a cell's key."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from mora_bench.errors import UserError

#: Device files of a Linux machine with a GPU; where none exists, torch need not be imported to find that out.
GPUS = (Path("/dev/nvidiactl"), Path("/dev/kfd"), Path("/dev/dxg"))


@dataclass(frozen=True)
class Runtime:
    """Where and how a grid runs. (The last bits of results depend on `device` and `threads`; records hold both.)

    Attributes:
        out: results folder; cache: where decoded data lie; data_root: where real data lie, None for the twins.
        follow_links: whether links there may lead out of it.
        device: as torch names it; threads: per worker; workers: cells at once.
        limit: use only the first `limit` samples of each dataset.
        fuse: the most cells to train as one; compiler: a name in `COMPILERS`, the settings for `torch.compile`.
        plugins: files that every process loads.
        save_adapters: whether to save the trained parameters for other programs.
        limit_minutes: after which a cell's process is killed and the cell has failed; None: never.
        lease_seconds: without a sign of life from whoever runs a cell, after which others may run it.
        checkpoint_minutes: between two saves of the state of a cell in training; 0: none.
        resources: what an engine that runs cells elsewhere asks for, by name; detach: whether it should not wait.
        job: the cluster's job that this runs in, "" for none.
        native: whether a precision that the device would emulate is refused, because nobody asked for it by name.
    """

    out: Path
    cache: Path
    data_root: Path | None = None
    follow_links: bool = False
    device: str = "cpu"
    threads: int = 1
    workers: int = 1
    limit: int | None = None
    fuse: int = 1
    compiler: str = "off"
    plugins: tuple[Path, ...] = ()
    save_adapters: bool = False
    limit_minutes: float | None = None
    lease_seconds: float = 60.0
    checkpoint_minutes: float = 5.0
    resources: tuple[tuple[str, str], ...] = ()
    detach: bool = False
    job: str = ""
    native: bool = False

    def absolute(self) -> "Runtime":
        """The same as another process sees it, whichever folder that starts in."""
        root = self.data_root and self.data_root.absolute()
        return replace(self, out=self.out.absolute(), cache=self.cache.absolute(), data_root=root)


def default_cache() -> Path:
    """MORA_BENCH_CACHE, or the user's cache folder; made if absent.

    Raises:
        UserError: it cannot be written.
    """
    # An empty variable is none: it would name the folder that the command runs in.
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(os.environ.get("MORA_BENCH_CACHE") or f"{base}/mora_bench").expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cache folder {folder}: cannot be made ({error.strerror}). Set MORA_BENCH_CACHE to another one."
        ) from error
    return folder


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; found without touching one."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    return sorted(file.name.removeprefix("nvidia") for file in Path("/dev").glob("nvidia[0-9]*"))


def usable(wanted: str) -> str:
    """The device that `wanted` names, "auto" a GPU where there is one.

    Raises:
        UserError: this machine does not have it.
    """
    if wanted == "cpu" or (wanted == "auto" and sys.platform == "linux" and not any(map(Path.exists, GPUS))):
        return "cpu"
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"--device {wanted}: this machine has no CUDA device that torch {torch.__version__} can use.")
    try:
        torch.zeros(1, device=wanted).cpu()
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise UserError(f"--device {wanted!r} cannot be used here ({text}); write cpu, cuda, cuda:1 or auto.") from None
    return wanted


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

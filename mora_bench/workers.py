"""How worker processes start, as copies of a process that has imported what all of them need, and how they end."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any

import psutil

#: The module that the server of workers imports before all else.
FIRST = "mora_bench.engines.server"
#: Seconds between two looks at whether a worker's command still lives.
LOOK = 1.0


_starting = threading.Lock()
#: What the server of this process's workers imports, in the order in which it was asked for.
_imports = {FIRST: None}


@contextmanager
def _without_script() -> Iterator[None]:
    """Hide which file runs as `__main__`: a process that starts here would run a user's script again, with the grid in
    it, and nothing that a worker does is defined there."""
    main = sys.modules["__main__"]
    with _starting:
        hidden: dict[str, Any] = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
        try:
            vars(main).pop("__file__", None)
            main.__spec__ = None
            yield
        finally:
            vars(main).update(hidden)


class _Forked(ForkServerProcess):
    def start(self) -> None:
        with _without_script():
            super().start()


class _Spawned(SpawnProcess):
    def start(self) -> None:
        with _without_script():
            super().start()


class _Forking(ForkServerContext):
    Process = _Forked


class _Spawning(SpawnContext):
    Process = _Spawned


def context(imports: Sequence[str] = ()) -> ForkServerContext | SpawnContext:
    """A context that starts worker processes: on Linux copies of a server that has imported `imports`, elsewhere new
    interpreters.

    The first call starts the server, which imports while the caller goes on. Modules that only a later call names are
    imported by each worker itself. A server that has died, by whatever, is started anew by the next call, and imports
    all that was named before. Modules that touch a GPU on import must not be named, because the copies could not use
    the GPU. Workers have the environment of the first call.

    Workers begin with Ctrl-C and SIGTERM blocked. Those of a pool need `endable` as their initializer: a pool ends its
    workers by SIGTERM and waits for them, for ever if it is blocked. A script that calls this needs no
    `if __name__ == "__main__"`.
    """
    if sys.platform != "linux":
        return _Spawning()
    from multiprocessing import forkserver, resource_tracker

    made = _Forking()
    _imports.update(dict.fromkeys(imports))
    made.set_forkserver_preload([*_imports])
    # The caller handles Ctrl-C and SIGTERM, which would kill the importing server. The server inherits what is blocked
    # here. The tracker starts first, because its start unblocks Ctrl-C.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return made


def endable() -> None:
    """Let SIGTERM end this process."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def end_with(command: int) -> None:
    """End this process, with whatever it started, once the process `command` has ended, however that ended.

    A thread looks, because a worker's parent in the system's sense is the server that it is a copy of, and because a
    worker that computes does not read its pipe.
    """

    def look() -> None:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            since = begun(command)
            while lives(command, since):
                time.sleep(LOOK)
        kill_tree(os.getpid())

    threading.Thread(target=look, name="ends with its command", daemon=True).start()


def kill_tree(process: int | None) -> None:
    """Kill a process and all that it started; nothing if it has ended."""
    if process is None:
        return
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process)
        for member in [*root.children(recursive=True), root]:
            with suppress(psutil.NoSuchProcess):
                member.kill()


def begun(process: int) -> float:
    """When a process began, which tells processes of one number apart: on Linux in ticks since the machine started,
    because the time of day may be set while it runs."""
    try:
        return float(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])
    except FileNotFoundError:
        return float(psutil.Process(process).create_time())


def lives(process: int, since: float) -> bool:
    """Whether the process that began then still exists and is no zombie."""
    try:
        return begun(process) == since and psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False

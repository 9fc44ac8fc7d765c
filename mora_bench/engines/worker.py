"""A process of this machine that runs bundles of cells, one at a time."""

import os
import signal
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from mora_bench.cells.runtime import Runtime, gpus
from mora_bench.engines.contract import Bundle, Work
from mora_bench.text import doors
from mora_bench.workers import context, end_with, kill_tree


class Worker:
    """A process that runs the bundles of cells it is given, one at a time."""

    def __init__(self, bundle: Bundle, runtime: Runtime, work: Work, slot: int):
        made = context()
        self.slot = slot
        self.minutes = runtime.limit_minutes
        self.late = False
        self.pipe, theirs = made.Pipe()
        arguments = (theirs, runtime, work, own_cores(slot, runtime), own_gpu(slot, runtime), os.getpid())
        self.process = made.Process(target=_serve, args=arguments, daemon=False)
        self.process.start()
        theirs.close()
        self.give(bundle)

    def give(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.begun = time.monotonic()
        # If the process is dead, `done` finds out.
        with suppress(BrokenPipeError):
            self.pipe.send(bundle)

    def left(self) -> float | None:
        """Seconds that the worker still has for its bundle; a bundle of several cells has the time of all."""
        if self.minutes is None or self.late:
            return None
        return self.begun + 60 * self.minutes * len(self.bundle) - time.monotonic()

    def end_if_late(self) -> None:
        """Kill the worker, and what it started, if it has had its time; `done` then says that it died."""
        left = self.left()
        # An answer that has come already is in time, however late the command looks.
        if left is not None and left <= 0 and not self.pipe.poll():
            self.late = True
            kill_tree(self.process.pid)

    def done(self) -> bool:
        """Whether the worker finished its bundle; if not, its process has died.

        Raises:
            OSError: the worker could not write a record.
        """
        try:
            answer = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return False
        if isinstance(answer, OSError):
            raise answer
        return True

    def last_words(self) -> str:
        if self.late:
            return f"it took longer than --limit-minutes {self.minutes:g}; its process was killed"
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = ", most likely out of memory: use fewer --workers" if name == "SIGKILL" else ""
            return f"the worker was killed by {name}{hint}"
        return f"the worker ended with exit code {code}"

    def stop(self) -> None:
        with suppress(BrokenPipeError):
            self.pipe.send(None)
        self.process.join()


def own_cores(slot: int, runtime: Runtime) -> set[int] | None:
    """The cores that the worker of a slot is pinned to, if the threads of all workers together use every core.

    With fewer or more threads the workers are not pinned (None), because other programs may use those cores.
    """
    if runtime.device != "cpu" or not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if runtime.workers * runtime.threads != len(cores):
        return None
    return set(cores[slot * runtime.threads : (slot + 1) * runtime.threads])


def own_gpu(slot: int, runtime: Runtime) -> str | None:
    """The GPU of the worker of a slot, if there are several and none was named."""
    names = gpus()
    return names[slot % len(names)] if runtime.device == "cuda" and len(names) > 1 else None


def _serve(
    pipe: Connection, runtime: Runtime, work: Work, cores: set[int] | None, gpu: str | None, command: int
) -> None:
    """Run bundles until None arrives or the command has died.

    The command handles Ctrl-C and SIGTERM, which often reach the whole group, and then kills its workers: a worker that
    obeyed would look like a cell that failed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with(command)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    if gpu is not None:
        # Before anything touches a GPU: workers are copies of a process that has not.
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        while (bundle := pipe.recv()) is not None:
            try:
                with doors():
                    work(bundle, runtime)
            except OSError as error:
                pipe.send(error)
            else:
                pipe.send(True)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return

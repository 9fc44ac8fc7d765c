"""One worker process per core.

If a worker dies, or takes longer than a cell may, the cell that it was running is recorded as failed. Cells that it was
training as one are tried again, one by one. Workers end when the process that they work for has ended.
"""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.engines.contract import Bundle, Engine, Lost, Work
from mora_bench.workers import context, end_with, kill_tree


class Processes(Engine):
    title = "processes of this machine, each with cores of its own"

    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        waiting = list(reversed(bundles))
        pool: list[_Worker] = []
        try:
            while waiting or pool:
                while waiting and len(pool) < runtime.workers:
                    place = min(set(range(runtime.workers)) - {worker.place for worker in pool})
                    pool.append(_Worker(waiting.pop(), runtime, work, place))
                for worker in pool:
                    worker.end_if_late()
                for pipe in wait([worker.pipe for worker in pool], timeout=_until_late(pool)):
                    worker = next(w for w in pool if w.pipe is pipe)
                    bundle = worker.bundle
                    if not worker.done():
                        pool.remove(worker)
                        if len(bundle) > 1:
                            waiting += [[cell] for cell in reversed(bundle)]
                            continue
                        lost(bundle[0], runtime, worker.last_words())
                    elif waiting and not worker.late:
                        worker.give(waiting.pop())
                    else:
                        worker.stop()
                        pool.remove(worker)
                    yield from bundle
        finally:
            for worker in pool:
                kill_tree(worker.process.pid)
            for worker in pool:
                worker.process.join()


def apart(bundle: Bundle, runtime: Runtime, work: Work, lost: Lost) -> None:
    """Run a bundle on this machine in a process of its own, which can end in any way and still leaves records."""
    # So that what a second bundle needs is imported already.
    context([getattr(work, "func", work).__module__])
    for _ in Processes().run([bundle], replace(runtime, workers=1), work, lost):
        pass


def _until_late(pool: Sequence["_Worker"]) -> float | None:
    """Seconds until the first worker has had its time; None if none has a limit."""
    left = [worker.left() for worker in pool]
    known = [seconds for seconds in left if seconds is not None]
    return max(min(known), 0.0) if known else None


class _Worker:
    """A process that runs the bundles of cells it is given, one at a time."""

    def __init__(self, bundle: Bundle, runtime: Runtime, work: Work, place: int):
        made = context()
        self.place = place
        self.minutes = runtime.limit_minutes
        self.late = False
        self.pipe, theirs = made.Pipe()
        arguments = (theirs, runtime, work, own_cores(place, runtime), os.getpid())
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
        # What has been answered already is in time, however late the command looks.
        if left is not None and left <= 0 and not self.pipe.poll():
            self.late = True
            kill_tree(self.process.pid)

    def done(self) -> bool:
        """Whether the worker finished its bundle; if not, its process has died.

        Raises:
            OSError: the worker could not write what it found.
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


def own_cores(place: int, runtime: Runtime) -> set[int] | None:
    """The cores that worker number `place` is pinned to, if the threads of all workers together use every core.

    With fewer or more threads the workers are not pinned (None), because other programs may use those cores.
    """
    if runtime.device != "cpu" or not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if runtime.workers * runtime.threads != len(cores):
        return None
    return set(cores[place * runtime.threads : (place + 1) * runtime.threads])


def _serve(pipe: Connection, runtime: Runtime, work: Work, cores: set[int] | None, command: int) -> None:
    """Run bundles until None arrives or the command has died.

    The command handles Ctrl-C and SIGTERM, which often reach the whole group, and then kills its workers: a worker that
    obeyed would look like a cell that failed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with(command)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    try:
        while (bundle := pipe.recv()) is not None:
            try:
                work(bundle, runtime)
            except OSError as error:
                pipe.send(error)
            else:
                pipe.send(True)
    except (EOFError, BrokenPipeError):
        return

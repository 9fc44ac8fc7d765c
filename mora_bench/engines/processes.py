"""One worker process per core.

If a worker dies, the cell that it was running is recorded as failed. Cells that it was training as one are tried
again, one by one.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.engines.contract import Bundle, Engine, Lost, Work
from mora_bench.workers import context


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
                for pipe in wait([worker.pipe for worker in pool]):
                    worker = next(w for w in pool if w.pipe is pipe)
                    bundle = worker.bundle
                    if not worker.done():
                        pool.remove(worker)
                        if len(bundle) > 1:
                            waiting += [[cell] for cell in reversed(bundle)]
                            continue
                        lost(bundle[0], runtime, worker.last_words())
                    elif waiting:
                        worker.give(waiting.pop())
                    else:
                        worker.stop()
                        pool.remove(worker)
                    yield from bundle
        finally:
            for worker in pool:
                worker.process.terminate()


class _Worker:
    """A process that runs the bundles of cells it is given, one at a time."""

    def __init__(self, bundle: Bundle, runtime: Runtime, work: Work, place: int):
        made = context()
        self.place = place
        self.pipe, theirs = made.Pipe()
        arguments = (theirs, runtime, work, own_cores(place, runtime))
        self.process = made.Process(target=_serve, args=arguments, daemon=False)
        self.process.start()
        theirs.close()
        self.give(bundle)

    def give(self, bundle: Bundle) -> None:
        self.bundle = bundle
        # If the process is dead, `done` finds out.
        with suppress(BrokenPipeError):
            self.pipe.send(bundle)

    def done(self) -> bool:
        """Whether the worker finished its bundle; if not, its process has died."""
        try:
            return bool(self.pipe.recv())
        except (EOFError, ConnectionResetError):
            self.process.join()
            return False

    def last_words(self) -> str:
        code = self.process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = ", most likely out of memory: use fewer --workers" if name == "SIGKILL" else ""
            return f"the worker was killed by {name}{hint}"
        return f"the worker ended with exit code {code}"

    def stop(self) -> None:
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


def _serve(pipe: Connection, runtime: Runtime, work: Work, cores: set[int] | None) -> None:
    """Run bundles until None arrives or the parent has died. The parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    try:
        while (bundle := pipe.recv()) is not None:
            work(bundle, runtime)
            pipe.send(True)
    except (EOFError, BrokenPipeError):
        return

"""One worker process a core. A worker that dies takes one cell with it, which is recorded as failed; cells that it was
training as one are tried again, each alone."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from mora_bench.cells.cell import Cell
from mora_bench.records.store import Store
from mora_bench.training.cell import Site, failure, groups, work
from mora_bench.workers import context


def run(cells: list[Cell], site: Site) -> Iterator[tuple[Cell, dict]]:
    """Run `cells` on `site.workers` processes; yields in the order of finishing."""
    waiting = list(reversed(groups(cells, site)))
    pool: list[_Worker] = []
    try:
        while waiting or pool:
            while waiting and len(pool) < site.workers:
                place = min(set(range(site.workers)) - {worker.place for worker in pool})
                pool.append(_Worker(waiting.pop(), site, place))
            for pipe in wait([worker.pipe for worker in pool]):
                worker = next(w for w in pool if w.pipe is pipe)
                group, records = worker.group, worker.result()
                if records is None:
                    pool.remove(worker)
                    if len(group) > 1:
                        waiting += [[cell] for cell in reversed(group)]
                        continue
                    records = [failure(group[0], site, RuntimeError(worker.last_words()))]
                    Store(site.out).write(group[0], records[0])
                elif waiting:
                    worker.give(waiting.pop())
                else:
                    worker.stop()
                    pool.remove(worker)
                yield from zip(group, records, strict=True)
    finally:
        for worker in pool:
            worker.process.terminate()


class _Worker:
    """A process that runs the groups of cells it is given, one at a time."""

    def __init__(self, group: list[Cell], site: Site, place: int):
        made = context()
        self.place = place
        self.pipe, theirs = made.Pipe()
        self.process = made.Process(target=_serve, args=(theirs, site, own_cores(place, site)), daemon=False)
        self.process.start()
        theirs.close()
        self.give(group)

    def give(self, group: list[Cell]) -> None:
        self.group = group
        # A process that is already gone is found out about in `result`.
        with suppress(BrokenPipeError):
            self.pipe.send(group)

    def result(self) -> list[dict] | None:
        """The records, or None if the process is gone."""
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return None

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


def own_cores(place: int, site: Site) -> set[int] | None:
    """The cores that the worker in this place keeps to, where workers and their threads come to all there are.

    With fewer, the system places them: something else may be running on the cores they would be pinned to.
    """
    if site.device != "cpu" or not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if site.workers * site.threads != len(cores):
        return None
    return set(cores[place * site.threads : (place + 1) * site.threads])


def _serve(pipe: Connection, site: Site, cores: set[int] | None) -> None:
    """Run cells until None comes, or until the parent is gone. Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if cores is not None:
        os.sched_setaffinity(0, cores)
    try:
        while (group := pipe.recv()) is not None:
            pipe.send(work(group, site))
    except (EOFError, BrokenPipeError):
        return

"""One worker process a core. A worker that dies takes one cell with it, which is recorded as failed."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

from mora_bench.cell import Cell
from mora_bench.run import Site, failure, work
from mora_bench.store import Store


def run(cells: list[Cell], site: Site) -> Iterator[tuple[Cell, dict]]:
    """Run `cells` on `site.workers` processes; yields in the order of finishing."""
    waiting = list(reversed(cells))
    pool: list[_Worker] = []
    try:
        while waiting or pool:
            while waiting and len(pool) < site.workers:
                pool.append(_Worker(waiting.pop(), site))
            for pipe in wait([worker.pipe for worker in pool]):
                worker = next(w for w in pool if w.pipe is pipe)
                cell, record = worker.cell, worker.result()
                if record is None:
                    pool.remove(worker)
                    record = failure(cell, site, RuntimeError(worker.last_words()))
                    Store(site.out).write(cell, record)
                elif waiting:
                    worker.give(waiting.pop())
                else:
                    worker.stop()
                    pool.remove(worker)
                yield cell, record
    finally:
        for worker in pool:
            worker.process.terminate()


class _Worker:
    """A process that runs the cells it is given, one at a time."""

    def __init__(self, cell: Cell, site: Site):
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, site), daemon=False)
        self.process.start()
        theirs.close()
        self.give(cell)

    def give(self, cell: Cell) -> None:
        self.cell = cell
        # A process that is already gone is found out about in `result`.
        with suppress(BrokenPipeError):
            self.pipe.send(cell)

    def result(self) -> dict | None:
        """The record, or None if the process is gone."""
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


def _serve(pipe: Connection, site: Site) -> None:
    """Run cells until None comes, or until the parent is gone. Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while (cell := pipe.recv()) is not None:
            pipe.send(work(cell, site))
    except (EOFError, BrokenPipeError):
        return

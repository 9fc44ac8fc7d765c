"""One worker process per core.

If a worker dies, or takes longer than a cell may, the cell that it was running is recorded as failed. Cells that it was
training as one are tried again, one by one. Workers end when the process that they work for has ended.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import wait

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.engines.contract import Bundle, Engine, Lost, Work
from mora_bench.engines.worker import Worker
from mora_bench.workers import context, kill_tree


class Processes(Engine):
    title = "processes of this machine, each with cores of its own"

    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        waiting = list(reversed(bundles))
        pool: list[Worker] = []
        try:
            while waiting or pool:
                while waiting and len(pool) < runtime.workers:
                    slot = min(set(range(runtime.workers)) - {worker.slot for worker in pool})
                    pool.append(Worker(waiting.pop(), runtime, work, slot))
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
    """Run a bundle on this machine in a separate process, which can end in any way and still leaves records."""
    # So that the modules that a second bundle needs are imported already.
    context([getattr(work, "func", work).__module__])
    for _ in Processes().run([bundle], replace(runtime, workers=1), work, lost):
        pass


def _until_late(pool: Sequence["Worker"]) -> float | None:
    """Seconds until the first worker has had its time; None if none has a limit."""
    left = [worker.left() for worker in pool]
    known = [seconds for seconds in left if seconds is not None]
    return max(min(known), 0.0) if known else None

"""How far a grid is, and the cells that are in work: a bar on a terminal, a line a minute elsewhere."""

import sys
import threading
import time
from collections.abc import Mapping
from statistics import mean
from typing import Any, Self

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.records.store import Store
from mora_bench.text import behind, number_of, visible
from mora_bench.training.log import last_line

#: Seconds between two looks at what cells say on a terminal, and two lines elsewhere.
LOOK, LINE = 2.0, 60.0


#: The kind of cells that take about as long: dataset, competitor, and whether a network is trained.
Kind = tuple[str, str, bool]


class Progress:
    """A grid in work.

    Args:
        waiting: the cells that have not ended, in the order in which they are handed out; the caller takes them out.
        done: how many had ended before.
    """

    def __init__(self, waiting: Mapping[Cell, Any], done: int, runtime: Runtime):
        from tqdm import tqdm

        self.waiting = waiting
        self.runtime = runtime
        self.store = Store(runtime.out)
        self.terminal = sys.stderr.isatty()
        self.done = done
        #: Seconds that cells took which have ended here, by kind.
        self.took: dict[Kind, list[float]] = {}
        self.total = done + len(waiting)
        self.over = threading.Event()
        self.bar = tqdm(
            total=self.total,
            initial=done,
            unit="cell",
            smoothing=0,
            dynamic_ncols=True,
            disable=not self.terminal,
            file=behind(sys.stderr),
        )
        self.looks = threading.Thread(target=self._look, name="shows how far cells are", daemon=True)

    def __enter__(self) -> Self:
        self.looks.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.looks.join()
        self.bar.close()

    def update(self, cell: Cell | None = None, seconds: float | None = None) -> None:
        """A cell has ended, which took so long if that is known."""
        self.done += 1
        if cell is not None and seconds is not None:
            self.took.setdefault(_kind(cell), []).append(seconds)
        self.bar.update()

    def say(self, text: str) -> None:
        """A line that stays."""
        if self.terminal:
            self.bar.write(visible(text), file=behind(sys.stdout))
        else:
            print(text, flush=True)

    def _look(self) -> None:
        while True:
            if self.terminal:
                self.bar.set_postfix_str(visible("; ".join(self.in_work())))
            if self.over.wait(LOOK if self.terminal else LINE):
                return
            if not self.terminal:
                print(self.line(), file=sys.stderr, flush=True)

    def line(self) -> str:
        """How far it is, in one line."""
        text = f"{time.strftime('%H:%M:%S')} {self.done} of {number_of(self.total)}"
        if left := self.left():
            text += f", {_lasts(*(seconds / self.runtime.workers for seconds in left))} left"
        return "; ".join([text, *self.in_work()])

    def left(self) -> tuple[float, float] | None:
        """Seconds of work that are left, at least and at most: a cell like others that have ended takes as long as they
        did on average, any other as long as the fastest or the slowest kind; None before a network, or a competitor
        without one, has ended where some are ahead."""
        kinds = {kind: mean(seconds) for kind, seconds in self.took.items()}
        low = high = 0.0
        # The caller takes cells out meanwhile.
        for kind in map(_kind, list(self.waiting)):
            like = (
                [kinds[kind]] if kind in kinds else [seconds for other, seconds in kinds.items() if other[2] == kind[2]]
            )
            if not like:
                return None
            low, high = low + min(like), high + max(like)
        return low, high

    def in_work(self) -> list[str]:
        """The cells in work, each with the last line of its log."""
        # The caller takes cells out meanwhile.
        ahead = list(self.waiting)[: self.runtime.workers]
        return [f"{c.label}: {message}" if (message := last_line(self.store.log_file(c))) else c.label for c in ahead]


def _kind(cell: Cell) -> Kind:
    return cell.dataset, cell.method, cell.recipe is not None


def _lasts(low: float, high: float) -> str:
    """From how long to how long, in words; one number where both look the same."""
    size, unit = (60, "minutes") if high >= 90 else (1, "seconds")
    shown = dict.fromkeys(f"{seconds / size:.0f}" for seconds in (low, high))
    return f"about {' to '.join(shown)} {unit}"

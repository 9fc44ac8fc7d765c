"""How far a grid is, and the cells that are in work: a bar on a terminal, a line a minute elsewhere."""

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Self

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.records.store import Store
from mora_bench.text import behind, visible
from mora_bench.training.log import last_line

#: Seconds between two looks at what cells say on a terminal, and two lines elsewhere.
LOOK, LINE = 2.0, 60.0


class Progress:
    """A grid in work.

    Args:
        waiting: the cells that have not ended, in the order in which they are handed out; the caller takes them out.
        done: how many had ended before.
    """

    def __init__(self, waiting: Mapping[Cell, Any], done: int, place: Runtime):
        from tqdm import tqdm

        self.waiting = waiting
        self.place = place
        self.store = Store(place.out)
        self.terminal = sys.stderr.isatty()
        self.begun = time.monotonic()
        self.before = self.done = done
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

    def update(self) -> None:
        """A cell has ended."""
        self.done += 1
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
        said = f"{time.strftime('%H:%M:%S')} {self.done} of {self.total} cells"
        if ended := self.done - self.before:
            left = (time.monotonic() - self.begun) / ended * (self.total - self.done)
            said += f", about {left / 60:.0f} minutes left" if left >= 90 else f", about {left:.0f} seconds left"
        return "; ".join([said, *self.in_work()])

    def in_work(self) -> list[str]:
        """The cells in work, each with what it said last."""
        # The caller takes cells out meanwhile.
        ahead = list(self.waiting)[: self.place.workers]
        return [f"{c.label}: {told}" if (told := last_line(self.store.log_file(c))) else c.label for c in ahead]

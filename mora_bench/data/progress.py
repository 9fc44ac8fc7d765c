"""Work on data that may take minutes shows itself: a bar on a terminal, a line a minute elsewhere."""

import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from tqdm import tqdm

from mora_bench.text import behind, visible

Item = TypeVar("Item")
#: Seconds before a bar is shown, because most work is done by then; and between two lines.
DELAY, LINE = 2.0, 60.0


def shown(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Pass so many items on, and say how far it is; by numbers alone, because lines end in logs of jobs."""
    terminal = sys.stderr.isatty()
    look: dict[str, Any] = {"unit": "", "delay": DELAY, "dynamic_ncols": True, "leave": False}
    bar = tqdm(total=total, desc=visible(what), disable=not terminal, file=behind(sys.stderr), **look)
    over, done = threading.Event(), 0

    def lines() -> None:
        while not over.wait(LINE):
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    if not terminal:
        threading.Thread(target=lines, name="says how far decoding is", daemon=True).start()
    try:
        for item in items:
            done += 1
            bar.update()
            yield item
    finally:
        over.set()
        bar.close()

"""Work on data that may take minutes shows itself: a bar on a terminal, a line a minute elsewhere."""

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
#: Seconds before a bar is shown, because most work is done by then; and between two lines.
DELAY, LINE = 2.0, 60.0


def shown(items: Iterable[Item], names: Sequence[str], what: str) -> Iterator[Item]:
    """Pass items on, one for each name, and say how far it is. A line names the one that is being waited for, so that
    what hangs can be found."""
    terminal = sys.stderr.isatty()
    bar = tqdm(total=len(names), desc=what, unit="", delay=DELAY, dynamic_ncols=True, leave=False, disable=not terminal)
    over, done = threading.Event(), 0

    def lines() -> None:
        while not over.wait(LINE):
            if done < len(names):
                print(f"{what}: {done} of {len(names)}; at {names[done]!r}", file=sys.stderr, flush=True)

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

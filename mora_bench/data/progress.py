"""Work on data that may take minutes shows itself: a bar on a terminal, a line a minute elsewhere."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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


@contextmanager
def noting(what: str) -> Iterator[Callable[[str], None]]:
    """A function that says what is done now: in one line that changes on a terminal, in a line a minute elsewhere."""
    terminal, last = sys.stderr.isatty(), time.monotonic()
    stream = behind(sys.stderr)

    def note(now: str) -> None:
        nonlocal last
        if terminal:
            stream.write(f"\r\x1b[K{visible(f'{what} {now}')[: shutil.get_terminal_size().columns - 1]}")
            stream.flush()
        elif time.monotonic() - last >= LINE:
            last = time.monotonic()
            print(f"{what} {now}", file=sys.stderr, flush=True)

    try:
        yield note
    finally:
        if terminal:
            stream.write("\r\x1b[K")
            stream.flush()

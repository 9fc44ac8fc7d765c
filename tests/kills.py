"""Kills of a process that packs or unpacks a results folder."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

from mora_bench.records.packing import pack, unpack
from mora_bench.records.store import Store

CODE = """
import sys
from pathlib import Path
import pyarrow.parquet
from mora_bench.records import leases, pack, packing
from mora_bench.records.store import Store
print("ready", flush=True)
getattr(packing, sys.argv[2])(Store(Path(sys.argv[1])))
"""


def documents(store: Store) -> dict[str, object]:
    """All documents of a folder, by kind and name."""
    kinds = (store.record_documents, store.score_documents, store.split_documents)
    return {f"{source.kind}/{name}": content for source in kinds for name, content in source.all()}


def kill_while_packing(store: Store, times: int, seed: int) -> int:
    """Kill a process so many times at a random moment, each second time while it unpacks, and look after each kill
    whether every document is there as it was; gives how often something was done by then, and not all.

    Raises:
        AssertionError: something is not as it was.
    """
    rng = random.Random(seed)
    before, between = documents(store), 0
    lasts = {act: _killed(store, act, None) for act in ("pack", "unpack")}
    for number in range(times):
        act, other = (("pack", unpack), ("unpack", pack))[number % 2]
        other(store)
        left = _files(store)
        _killed(store, act, rng.uniform(0, 1.2 * lasts[act]))
        assert documents(store) == before, f"kill {number} of {act}"
        between += _files(store) not in (left, 3 if act == "pack" else len(before))
    pack(store)
    assert documents(store) == before
    unpack(store)
    assert documents(store) == before
    assert _files(store) == len(before)
    return between


def _killed(store: Store, act: str, after: float | None) -> float:
    """Let a process do something, and kill it after so many seconds, if it is to be killed; gives how long it took."""
    command = [sys.executable, "-c", CODE, str(store.folder), act]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        begun = time.perf_counter()
        if after is not None:
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
        process.wait()
        return time.perf_counter() - begun


def _files(store: Store) -> int:
    """How many files hold documents."""
    folders = (store.folder, *(store.folder / kind for kind in ("records", "scores", "splits")))
    return sum(
        file.suffix in (".json", ".parquet") for folder in folders if folder.is_dir() for file in folder.iterdir()
    )

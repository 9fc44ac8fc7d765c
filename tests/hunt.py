"""Hunts for changes of a results folder that nobody notices: one change a try, then every verb that believes files.

    python tests/hunt.py --times 500 --seed 0

A try copies a folder of a finished grid, loose or packed, changes one thing in it (`changes.py`), and asks: does
`verify` name it, or is the folder after the same `grid` command what it was? Does any table, sentence or prediction
differ from the unchanged folder's without a word? One try in eight changes the cache of decoded data instead, and a
grid that trains from it must find the same. Exit code 1 if one try says yes to the second or no to the others.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from unittest import mock

import msgspec
from by_hand import record
from changes import BLIND, CACHE, CLEVER, TARGETS, Change
from kills import kill_while_packing

from mora_bench.cli import main as cli
from mora_bench.files import digest, write_atomic
from mora_bench.records.chain import contents
from mora_bench.records.store import DONE, Store
from mora_bench.report import write as report
from mora_bench.training import inference, recheck

GRID = """
grid --datasets odir --methods head prior --floors none --seeds 0 1 --limit 60 --pool 30 --engine inline --save-adapters
--recipe.epochs 1 --recipe.max-text 64
""".split()  # noqa: SIM905
NEW = "id,text,image\na,a clear macula,\nb,many soft drusen,\n"


@dataclass(frozen=True)
class Printed:
    """The text that a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def a_word(self) -> bool:
        """Whether somebody who reads its end, or looks at its code, learns that something is wrong."""
        return self.code != 0 or "left out" in self.err or "left out" in self.out


@dataclass
class Hunt:
    """A finished grid, and what is asked of its changed copies."""

    work: Path
    grid: list[str] = field(default_factory=lambda: list(GRID))

    def __post_init__(self) -> None:
        self.folder, self.new = self.work / "r", self.work / "new.csv"
        self.new.write_text(NEW)
        with mock.patch.dict(os.environ, MORA_BENCH_CACHE=str(self.work / "decoded")):
            assert self.run(*self.grid, "--out", self.folder).code == 0
        self.folder.rename(self.work / "loose")
        shutil.copytree(self.work / "loose", self.work / "packed")
        assert self.run("pack", self.work / "packed").code == 0
        records = Store(self.work / "loose").records()[0]
        self.keys = [record.key for record in records if record.adapter]
        self.cells = [replace(record.cell) for record in records]
        self.clean: dict[str, Seen] = {}
        for how in ("loose", "packed"):
            self.fresh(how)
            self.clean[how] = self.seen()
            assert self.verified().code == 0, self.verified().err
        self.answers = {key: printed.out for key, printed in zip(self.keys, self.predicted(), strict=True)}
        assert all(self.answers.values())

    def run(self, *words: object) -> Printed:
        """Run a command here."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = cli.main([str(word) for word in words])
            except SystemExit as stop:
                code = int(stop.code or 0)
        assert "should not happen" not in err.getvalue(), err.getvalue()
        return Printed(code, out.getvalue(), err.getvalue())

    def fresh(self, how: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.work / "elsewhere", ignore_errors=True)
        (self.work / "elsewhere").mkdir()
        shutil.copytree(self.work / how, self.folder, symlinks=True)

    def verified(self) -> Printed:
        # The tables of the unchanged folder would tell of most changes; what is held here is the chain alone.
        with mock.patch("mora_bench.report.remade.differing", return_value=[]):
            return self.run("verify", self.folder, "--limit", 60)

    def seen(self) -> Seen:
        """What the folder shows to people and programs."""
        printed = self.run("report", self.folder)
        files = [*self.folder.glob("tables/*"), self.folder / "report.html"]
        tables = {file.name: file.read_bytes() for file in files if file.is_file()} if printed.code == 0 else {}
        return Seen(printed, tables, chain(self.folder))

    def predicted(self) -> list[Printed]:
        return [self.run("predict", self.folder, key, self.new, "--limit", 60) for key in self.keys]

    def doubted(self) -> Iterator[str]:
        """Cells that a grid believes and a report does not, or the other way about."""
        store = Store(self.folder)
        shown = {scores.score_key for scores in contents(store).scores} if store.exists else set()
        for cell, status in store.status(self.cells).items():
            if (status == DONE) != (cell.score_key in shown):
                yield f"grid says {status}, and report does {'' if cell.score_key in shown else 'not '}show it"

    def judged(self, how: str, change: Change, rng: random.Random) -> Iterator[str]:
        """Change a copy; gives the faults of what commands then say, one sentence each."""
        self.fresh(how)
        change.make(self.folder, rng)
        verified = self.verified()
        if not (change.index and verified.code == 1):
            yield from self.doubted()
        for key, printed in zip(self.keys, self.predicted(), strict=True):
            if printed.out != self.answers[key] and not printed.a_word:
                yield "predict answers something else without a word"
        clean, now = self.clean[how], self.seen()
        shown = (now.tables, now.printed.out) == (clean.tables, clean.printed.out)
        if not shown and not now.printed.a_word and not (change.scores_alone and verified.code == 1):
            yield "report shows something else without a word"
        if verified.code != 1 or rng.random() < 0.25:
            again = self.run(*self.grid, "--out", self.folder)
            healed = self.seen()
            if verified.code != 1 and healed.chain != clean.chain:
                yield f"verify ends with {verified.code}, and grid ({again.code}) does not heal it"
            if verified.code == 0 and again.code == 0 and healed.printed.a_word:
                yield "grid leaves something that report leaves out, and verify finds nothing"

    def from_cache(self, number: int, blind: Callable, rng: random.Random) -> Iterator[str]:
        """Change a copy of the cache and train from it; gives the faults of that training. A process keeps what it
        opened, so each copy has its own name."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.work / "elsewhere").mkdir(exist_ok=True)
        copy = self.work / f"cache-{number}"
        shutil.copytree(self.work / "decoded", copy)
        CACHE.changed(blind, copy, rng)
        with mock.patch.dict(os.environ, MORA_BENCH_CACHE=str(copy)):
            printed = self.run(*self.grid, "--out", self.folder)
        shutil.rmtree(copy)
        shutil.rmtree(self.work / "elsewhere")
        if printed.code != 0:
            yield f"grid ends with {printed.code}: {printed.err[-200:]}"
        elif chain(self.folder) != self.clean["loose"].chain:
            yield "grid trains something else"


@dataclass(frozen=True)
class Seen:
    """A report, what it wrote, and the chain that it rests on, without what was measured."""

    printed: Printed
    tables: dict[str, bytes]
    chain: dict[str, bytes]


def chain(folder: Path) -> dict[str, bytes]:
    """Scores, records and predictions that are believed, by name, without what two runs of a cell differ in."""
    if not Store(folder).exists:
        return {}
    believed = contents(Store(folder))
    by_name = {document.score_key: _plain(document, ("digest", "record")) for document in believed.scores}
    measured = ("digest", "provenance", "time", "memory", "beginning")
    by_name |= {document.key: _plain(document, measured) for document in believed.records}
    for file in folder.glob("predictions/*"):
        by_name[file.name] = file.read_bytes() if file.is_file() else b""
    by_name |= {name: content for name, content in Store(folder).split_documents.all() if isinstance(content, bytes)}
    ours = [
        file
        for kind in ("records", "scores", "splits", "predictions", "adapters")
        for file in folder.glob(f"{kind}*/**/*")
    ]
    by_name |= {
        str(file.relative_to(folder)): file.read_bytes() for file in ours if "adapters" in file.parts and file.is_file()
    }
    links = [file for file in [*ours, *folder.iterdir()] if file.is_symlink() and file.name != "tables"]
    return by_name | {f"link {file.name}": b"" for file in links}


def _plain(value: msgspec.Struct, without: Sequence[str]) -> bytes:
    raw = msgspec.to_builtins(value, enc_hook=lambda number: number.item())
    return msgspec.json.encode({name: content for name, content in raw.items() if name not in without})


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Computes functions of contents once for the same contents: most tries change one file of many."""
    again, made, untrained = recheck.contradiction, report._written, inference.untrained
    known: dict[object, object] = {}

    def once(key: object, compute: Callable[[], object]) -> object:
        if key not in known:
            known[key] = compute()
        return known[key]

    def contradiction(store, cell, scores, runtime):
        rests = [_plain(scores, ()), _plain(store.record(cell), ()), store.prediction_file(cell).read_bytes()]
        return once(digest(rests), partial(again, store, cell, scores, runtime))

    def written(folder, results, figures, asked):
        rests = [_plain(document, ()) for document in (*results.records, *results.scores)]
        key = digest([*rests, repr((results.left_out, folder, figures, asked)).encode()])
        made_report = once(key, partial(made, folder, results, figures, asked))
        for file in made_report.files:
            target = next(
                path for path in (made_report.folder / file, folder / file) if (key, path) in known or path.is_file()
            )
            write_atomic(target, once((key, target), target.read_bytes))
        return made_report

    def without_data(cells, *rest, **more):
        return once(cells[0].key, partial(untrained, cells, *rest, **more))

    patches = (
        (recheck, "contradiction", contradiction),
        (report, "_written", written),
        (inference, "untrained", without_data),
    )
    with contextlib.ExitStack() as stack:
        for where, name, new in patches:
            stack.enter_context(mock.patch.object(where, name, new))
        yield


def tries(hunt: Hunt, times: int, seed: int) -> Iterator[tuple[str, list[str]]]:
    """Each try as a sentence, and what is wrong with it."""
    for number in range(times):
        rng = random.Random(f"{seed}-{number}")
        if number % 8 == 7:
            blind = rng.choice(BLIND)
            yield f"{number}, cache: {blind.__name__}", list(hunt.from_cache(number, blind, rng))
            continue
        how = ("loose", "packed")[number % 2]
        fitting = [change for change in CLEVER if how in change.folders]
        if rng.random() < 0.4:
            change = fitting[(number // 2) % len(fitting)]
        else:
            target, blind = rng.choice(TARGETS), rng.choice(BLIND)
            change = Change(f"{target.name}: {blind.__name__}", partial(target.changed, blind))
        yield f"{number}, {how}, {change.name}", list(hunt.judged(how, change, rng))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=0, help="also kill a process that packs so many times")
    asked = parser.parse_args()
    wrong, kinds = 0, Counter()
    with tempfile.TemporaryDirectory() as work, remembering():
        hunt = Hunt(Path(work))
        if asked.kills:
            many = Store(Path(work) / "many")
            for seed in range(100):
                entry, scores = record("mora", seed)
                many.write(entry.cell, entry, {}, scores, split=many.write_split("odir-twin", b'{"test": [%d]}' % seed))
            done = kill_while_packing(many, asked.kills, asked.seed)
            print(
                f"{asked.kills} kills, {done} of them between the first file and the last; nothing is lost", flush=True
            )
        for trial, faults in tries(hunt, asked.times, asked.seed):
            kinds[re.sub(r"^\d+, ", "", trial)] += 1
            wrong += bool(faults)
            for sentence in faults:
                print(f"{trial}: {sentence}", flush=True)
    for kind, count in sorted(kinds.items()):
        print(f"{count:4} {kind}")
    print(f"{asked.times} tries, {wrong} that nobody noticed")
    return 1 if wrong else 0


if __name__ == "__main__":
    import torch

    os.environ.setdefault("MORA_BENCH_CACHE", tempfile.mkdtemp())
    torch.set_num_threads(1)
    sys.exit(main())

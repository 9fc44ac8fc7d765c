"""The rules of the small contracts: kinds of modalities, engines, artefacts, trackers."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from mora_bench.cells.cell import NONE, Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.checks.rules import described, expect, tried
from mora_bench.data.modalities.contract import Modality
from mora_bench.engines.contract import Engine
from mora_bench.report.contract import Artefact, Results, in_parts
from mora_bench.trackers.contract import Run, Tracker


def modality(kind: type[Modality]) -> Iterator[tuple[str, str | None]]:
    """Try every rule of a kind of content. (Its values are a dataset's: `check` that, too.)"""

    def named(kind: type[Modality]) -> None:
        """It has a title, as text."""
        described(kind, ("title",))

    def empty(kind: type[Modality]) -> None:
        """A table without values has a fingerprint."""
        expect(all(isinstance(part, bytes) for part in kind().contents((), None)), "contents does not give bytes")

    return tried((named, empty), kind)


def cell(seed: int) -> Cell:
    """A cell that nothing can run."""
    return Cell(
        "odir", "twin", "data", "patient", "both", 0.7, "prior", "1", None, None, NONE, "", NONE, "", None, seed
    )


def engine(kind: type[Engine]) -> Iterator[tuple[str, str | None]]:
    """Try every rule of an engine, with work that does nothing."""

    def named(kind: type[Engine]) -> None:
        """It has a title, as text."""
        described(kind, ("title",))

    def runs(kind: type[Engine]) -> None:
        """It runs every bundle and yields each of its cells once."""
        bundles = [[cell(0), cell(1)], [cell(2)]]
        runtime = Runtime(out=Path("nowhere"), cache=Path("nowhere"), workers=2)
        seeds = [finished.seed for finished in kind().run(bundles, runtime, idle, idle)]
        expect(sorted(seeds) == [0, 1, 2], f"of cells 0, 1, 2 it yielded {seeds}")

    return tried((named, runs), kind)


def idle(*anything: object) -> None:
    """Work that does nothing; engines may send it to other processes."""


def artefact(kind: type[Artefact]) -> Iterator[tuple[str, str | None]]:
    """Try every rule of an artefact, on nothing."""

    def named(kind: type[Artefact]) -> None:
        """It has a title, as text."""
        described(kind, ("title",))

    def made(kind: type[Artefact]) -> None:
        """Of an empty results folder it makes files or none, by plain names, and no error."""
        files = kind().make(Results([], [], pd.DataFrame()))
        expect(isinstance(files, dict), f"make gave {type(files).__name__}; expected a dict of files")
        for name, content in files.items():
            expect(Path(name).name == name, f"{name!r} is not a plain file name")
            is_bytes = (
                all(isinstance(part, bytes) for part in in_parts(content)) if not isinstance(content, str) else False
            )
            expect(is_bytes, f"{name} is {type(content).__name__}, not bytes")

    return tried((named, made), kind)


def tracker(kind: type[Tracker]) -> Iterator[tuple[str, str | None]]:
    """Try every rule of a tracker, on a run of two validations."""

    def named(kind: type[Tracker]) -> None:
        """It has a title, as text."""
        described(kind, ("title",))

    def tracks(kind: type[Tracker]) -> None:
        """It takes runs that trained and runs that did not, and closes."""
        with tempfile.TemporaryDirectory(prefix="mora_bench-") as folder:
            instance = kind(Path(folder))
            instance.ready()
            instance.ended(Run("0" * 16, "odir prior", {"dataset": "odir", "method": "prior", "seed": 0}))
            settings: dict[str, int | float | str] = {"dataset": "odir", "method": "mora", "rate": 0.7}
            curve = [(1, {"loss": 1.0}), (2, {"loss": 0.5})]
            instance.ended(Run("1" * 16, "odir mora", settings, curve, {"both/f1_macro": 0.5}))
            instance.close()

    return tried((named, tracks), kind)

"""A results folder: the files of each cell, written whole or not at all.

records/KEY.json                  how the cell was trained, what it cost, or why it failed
predictions/KEY.safetensors       logits of every validation and test sample under every pattern
scores/KEY-SCORING.json           their scores under one protocol
checkpoints/KEY-*.safetensors     the state of a cell in training; removed when it ends, kept when it is killed
logs/KEY.log                      what it said while it was trained
adapters/KEY/, splits/, tables/   what was trained, where asked for; ids of each split; what `report` makes
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from mora_bench.cells.cell import Cell
from mora_bench.errors import UserError
from mora_bench.files import digest, write_atomic
from mora_bench.records.encoding import Brief, as_written, decode, encode
from mora_bench.records.schema import Record, Scores, Struct

if TYPE_CHECKING:
    import numpy as np

Kind = TypeVar("Kind", bound=Struct)
DONE, FAILED, TO_SCORE, TO_DO = "done", "failed", "to score", "to do"


@dataclass(frozen=True)
class Store:
    """One results folder."""

    folder: Path

    def check_writable(self) -> None:
        """Raise UserError if results could not be written here, before anything is computed."""
        try:
            for name in ("records", "predictions", "scores", "splits"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            probe = self.folder / "records" / f".probe-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise UserError(
                f"--out {self.folder}: cannot be written ({error.strerror}). Choose another folder."
            ) from error

    def record_file(self, cell: Cell) -> Path:
        return self.folder / "records" / f"{cell.key}.json"

    def prediction_file(self, cell: Cell) -> Path:
        return self.folder / "predictions" / f"{cell.key}.safetensors"

    def score_file(self, cell: Cell) -> Path:
        return self.folder / "scores" / f"{cell.score_key}.json"

    def checkpoint_file(self, cell: Cell, training: str) -> Path:
        """Where the state of a training goes that is done for a cell; `training` tells its trainings apart."""
        return self.folder / "checkpoints" / f"{cell.key}-{training}.safetensors"

    def log_file(self, cell: Cell) -> Path:
        """What a cell says while it is trained; of cells that train as one, the first's."""
        return self.folder / "logs" / f"{cell.key}.log"

    def drop_checkpoints(self, cell: Cell) -> None:
        """Remove the states of a cell's trainings, because it has ended."""
        for file in (self.folder / "checkpoints").glob(f"{cell.key}-*.safetensors"):
            file.unlink(missing_ok=True)

    def adapter_folder(self, cell: Cell) -> Path:
        return self.folder / "adapters" / cell.key

    def status(self, cells: Iterable[Cell]) -> dict[Cell, str]:
        """The status of each cell: DONE, FAILED, TO_SCORE (predictions without scores of its protocol), TO_DO.

        A malformed file counts as absent.
        """
        there = {file.stem for file in (self.folder / "records").glob("*.json")}
        return {cell: self.status_of(cell) if cell.key in there else TO_DO for cell in cells}

    def status_of(self, cell: Cell) -> str:
        """The status of one cell, as `status` says it."""
        record = _brief(self.record_file(cell))
        if record is None or record.key != cell.key:
            return TO_DO
        if record.status == "failed":
            return FAILED
        if not self.prediction_file(cell).is_file():
            return TO_DO
        if _believed(self.score_file(cell)):
            return DONE
        whole = self.record(cell)
        return TO_SCORE if whole is not None and self.intact(whole) else TO_DO

    def intact(self, record: Record) -> bool:
        """Whether the predictions of a record, which must be there, are those that were written; a record from before
        records knew the digest of their predictions is believed."""
        content = self.prediction_file(record.cell)
        return not record.predictions or digest([content.read_bytes()]) == record.predictions

    def forget_failed(self, status: Mapping[Cell, str]) -> dict[Cell, str]:
        """Remove the records of the cells that failed, so that they are to do; gives their new status."""
        failed = [cell for cell, own in status.items() if own == FAILED]
        for cell in failed:
            self.record_file(cell).unlink(missing_ok=True)
        return dict.fromkeys(failed, TO_DO)

    def write(
        self, cell: Cell, record: Record, predictions: dict[str, np.ndarray] | None, scores: Scores | None
    ) -> None:
        """Write the predictions, then the scores, and the record last, so that a record that says done has both."""
        if predictions is not None:
            from safetensors.numpy import save

            content = save(predictions)
            write_atomic(self.prediction_file(cell), content)
            record = msgspec.structs.replace(record, predictions=digest([content]))
        if scores is not None:
            self.write_scores(cell, scores)
        write_atomic(self.record_file(cell), encode(record))

    def write_scores(self, cell: Cell, scores: Scores) -> None:
        write_atomic(self.score_file(cell), encode(scores))

    def predictions(self, cell: Cell) -> dict[str, np.ndarray]:
        """The stored predictions of a cell.

        Raises:
            UserError: the file is absent or cut.
        """
        from safetensors.numpy import load_file

        file = self.prediction_file(cell)
        try:
            return load_file(file)
        except Exception as error:
            raise UserError(f"{file}: no predictions can be read ({error}). Compute the cell again.") from error

    def record(self, cell: Cell) -> Record | None:
        """The record of a cell, if there is a readable one."""
        found = read(self.record_file(cell), Record)
        return None if isinstance(found, Refused) else found

    def records(self) -> tuple[list[Record], list[Refused]]:
        """All records, ordered by key, and the files in their folder that are no valid records."""
        return _all(self.folder / "records", Record, lambda record: (record.key, record.cell.key))

    def some_records(self, most: int) -> list[Record]:
        """At most so many of the readable records, for what an average will do. Keys are digests, so any are a fair
        sample."""
        files = sorted((self.folder / "records").glob("*.json"))
        found = (read(file, Record) for file in files[:: max(len(files) // most, 1)][:most])
        return [record for record in found if not isinstance(record, Refused)]

    def scores(self) -> tuple[list[Scores], list[Refused]]:
        """All scores, ordered by name, and the files in their folder that are no valid scores."""
        return _all(self.folder / "scores", Scores, lambda scores: (scores.score_key,))


@dataclass(frozen=True)
class Refused:
    """A file that is not as it should be, and what is wrong with it."""

    file: Path
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.why}"


def _brief(file: Path) -> Brief | Record | None:
    """What a record says of its cell's status; read whole only if it does not vouch for itself."""
    try:
        content = file.read_bytes() if file.is_file() else b""
    except OSError:
        return None
    if as_written(content):
        return msgspec.json.decode(content, type=Brief)
    record = read(file, Record)
    return None if isinstance(record, Refused) else record


def _believed(file: Path) -> bool:
    """Whether a file of scores is whole."""
    try:
        if file.is_file() and as_written(file.read_bytes()):
            return True
    except OSError:
        return False
    return not isinstance(read(file, Scores), Refused)


def read(file: Path, kind: type[Kind]) -> Kind | Refused:
    """One typed file."""
    try:
        if file.exists() and not file.is_file() and not file.is_dir():
            return Refused(file, "not a plain file; it is left out")
        return decode(file.read_bytes(), kind)
    except FileNotFoundError:
        return Refused(file, "absent")
    except (OSError, ValueError, msgspec.MsgspecError, UserError, RecursionError) as error:
        what = "it is a folder" if file.is_dir() else str(error)
        return Refused(file, f"not a {kind.__name__.lower()} ({what}); it is left out")


def _all(folder: Path, kind: type[Kind], names: Callable[[Kind], tuple[str, ...]]) -> tuple[list[Kind], list[Refused]]:
    found, refused = [], []
    for file in sorted(folder.glob("*.json")):
        one = read(file, kind)
        if isinstance(one, Refused):
            refused.append(one)
        elif any(name != file.stem for name in names(one)):
            refused.append(Refused(file, f"its name is not that of what it holds ({names(one)[0]}); it is left out"))
        else:
            found.append(one)
    return found, refused

"""A results folder: the files of each cell, written whole or not at all. No other module knows its layout.

scores/KEY-SCORING.json           the scores of a cell under one protocol; they name the record by its digest
records/KEY.json                  how the cell was trained, what it cost, or why it failed; it names what follows
predictions/KEY.safetensors       logits of every validation and test sample under every pattern; the spread of draws
adapters/KEY/                     the trained parameters, where asked for
splits/NAME-DIGEST.json           ids of a split
masks/MASK-DIGEST.json            a mask that somebody brought; cells name it by its own digest, MASK
scores.parquet, records.parquet, splits.parquet, masks.parquet   such files, joined by `pack`
plans/NAME.json                   the cells of a grid that was started here (`plans`)
checkpoints/KEY-*.safetensors     the state of a cell in training; removed when it ends, kept when it is killed
logs/KEY.log                      the log of its training
tables/, figures/                 the artefacts of `report`
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mora_bench.cells.cell import Cell, Keyed, Known
from mora_bench.errors import UserError
from mora_bench.files import digest, write_atomic
from mora_bench.records import adapters
from mora_bench.records.documents import Documents, Refused, plain_content
from mora_bench.records.encoding import decode, encode, vouched
from mora_bench.records.schema import PREDICTIONS, SPLIT, Record, Scores
from mora_bench.records.typed import Seen, brief, sorted_out, typed

if TYPE_CHECKING:
    import numpy as np

DONE, FAILED, TO_SCORE, TO_DO = "done", "failed", "to score", "to do"


@dataclass(frozen=True)
class Store:
    """One results folder."""

    folder: Path

    @cached_property
    def record_documents(self) -> Documents:
        return Documents(self.folder, "records")

    @cached_property
    def score_documents(self) -> Documents:
        return Documents(self.folder, "scores")

    @cached_property
    def split_documents(self) -> Documents:
        return Documents(self.folder, "splits")

    @property
    def exists(self) -> bool:
        """Whether the folder holds records, loose or packed."""
        return self.record_documents.loose.is_dir() or self.record_documents.packed.is_file()

    def check_exists(self) -> None:
        """Raise UserError if the folder holds no records."""
        if not self.exists:
            raise UserError(
                f"{self.folder}: no records. Expected {self.folder}/records/*.json, as `mora_bench grid` writes them, "
                "or records.parquet, as `mora_bench pack` does."
            )

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
        """The file that holds the record of a cell, or would, for messages."""
        return self.record_documents.where(cell.key)

    def score_file(self, cell: Cell) -> Path:
        """The file that holds the scores of a cell, or would, for messages."""
        return self.score_documents.where(cell.score_key)

    def prediction_file(self, cell: Keyed) -> Path:
        return self.folder / "predictions" / f"{cell.key}.safetensors"

    def checkpoint_file(self, cell: Cell, training: str) -> Path:
        """Where the state of a training goes that is done for a cell; `training` tells its trainings apart."""
        return self.folder / "checkpoints" / f"{cell.key}-{training}.safetensors"

    def log_file(self, cell: Keyed) -> Path:
        """The log of a cell's training; of cells that train as one, the first's."""
        return self.folder / "logs" / f"{cell.key}.log"

    def adapter_folder(self, cell: Cell) -> Path:
        return self.folder / "adapters" / cell.key

    def drop_checkpoints(self, cell: Cell) -> None:
        """Remove the states of a cell's trainings, because it has ended."""
        for file in (self.folder / "checkpoints").glob(f"{cell.key}-*.safetensors"):
            file.unlink(missing_ok=True)

    def keys(self) -> set[str]:
        """The training keys that have a record."""
        return self.record_documents.names()

    def status(self, cells: Iterable[Known]) -> dict[Known, str]:
        """The status of each cell: DONE, FAILED, TO_SCORE (predictions without scores of its protocol), TO_DO.

        A malformed file counts as absent.
        """
        seen = Seen.of(self.record_documents, self.score_documents, self.folder / "predictions")
        recorded = seen.records.names
        return {cell: self.status_of(cell, seen) if cell.key in recorded else TO_DO for cell in cells}

    def status_of(self, cell: Keyed, seen: Seen | None = None) -> str:
        """The status of one cell, as `status` gives it, which has `seen` all at once. `contents` believes the same
        files."""
        record_brief = brief(self.record_documents, cell.key, Record, seen.records if seen else None)
        if record_brief is None or record_brief.key != cell.key:
            return TO_DO
        if record_brief.status == "failed":
            return FAILED
        left_out = PREDICTIONS in record_brief.without.split(", ")
        if not left_out and not (cell.key in seen.predicted if seen else self.prediction_file(cell).is_file()):
            return TO_DO
        scores_brief = brief(self.score_documents, cell.score_key, Scores, seen.scores if seen else None)
        if scores_brief is not None and vouched(scores_brief, record_brief):
            return DONE
        if scores_brief is not None and self.score_documents.file(cell.score_key).exists():
            # The record is not the one that was scored: somebody changed it, and new scores would hide that.
            return TO_DO
        record = self.record(cell)
        return TO_SCORE if record is not None and self.intact(record) else TO_DO

    def intact(self, record: Record) -> bool:
        """Whether the predictions of a record exist as they were written; a record from before records knew the digest
        of their predictions is believed."""
        try:
            content = self.prediction_file(record.cell).read_bytes()
        except OSError:
            return False
        return (record.older and not record.predictions) or digest([content]) == record.predictions

    def forget_failed(self, status: Mapping[Cell, str]) -> dict[Cell, str]:
        """Remove the records of the cells that failed, so that they are to do; gives their new status."""
        failed = [cell for cell, known in status.items() if known == FAILED]
        for cell in failed:
            self.record_documents.remove(cell.key)
        return dict.fromkeys(failed, TO_DO)

    def write(
        self,
        cell: Cell,
        record: Record,
        predictions: dict[str, np.ndarray] | bytes | None,
        scores: Scores | None,
        adapter: Mapping[str, bytes] | None = None,
        split: str = "",
    ) -> None:
        """Write the predictions, what was trained, then the scores, and the record last, so that a record that says
        done has all of it.

        Args:
            predictions: arrays by name, or the file that holds them; adapter: files of what was trained, by name;
            split: the name of its split, as `write_split` gave it.
        """
        if predictions is not None:
            from safetensors.numpy import save

            content = predictions if isinstance(predictions, bytes) else save(predictions)
            write_atomic(self.prediction_file(cell), content)
            record = msgspec.structs.replace(record, predictions=digest([content]))
        if record.status == DONE:
            without = [PREDICTIONS] * (predictions is None) + [SPLIT] * (not split)
            trained = adapters.write(self.adapter_folder(cell), adapter or {})
            record = msgspec.structs.replace(record, split=split, without=", ".join(without), adapter=trained)
        # Scores of an earlier record of this cell would name what is no longer there.
        for file in self.score_documents.loose.glob(f"{cell.key}-*.json"):
            file.unlink(missing_ok=True)
        content = encode(record)
        if scores is not None:
            self.write_scores(scores, decode(content, Record))
        self.record_documents.write(cell.key, content)

    def write_scores(self, scores: Scores, record: Record) -> None:
        """Write scores of the predictions of a record.

        Raises:
            UserError: the record is from before records had a digest.
        """
        if not record.digest:
            raise UserError(
                f"{self.record_file(record.cell)}: has no digest, so scores cannot refer to it. Compute the cell again."
            )
        named = msgspec.structs.replace(scores, record=record.digest)
        self.score_documents.write(scores.score_key, encode(named))

    def write_split(self, name: str, content: bytes) -> str:
        """Write the list of ids of a split, unless it exists; gives its name, which ends in its digest."""
        named = f"{name}-{digest([content])}"
        if self.split_documents.read(named) != content:
            self.split_documents.write(named, content)
        return named

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

    def prediction_content(self, record: Record) -> bytes:
        """The file of a record's predictions, as it was written.

        Raises:
            UserError: it is absent, a link, or not what was written.
        """
        file = self.prediction_file(record.cell)
        content = plain_content(file)
        if (record.predictions or not record.older) and digest([content]) != record.predictions:
            raise UserError(f"{file}: its digest is wrong: it was edited or truncated. Compute the cell again.")
        return content

    def splits_of(self, record: Record) -> dict[str, bytes]:
        """The list of ids of a record's split, by its name; empty if it is not here.

        Raises:
            UserError: it is not what was written.
        """
        name = record.split
        if record.older and record.data is not None:
            name = f"{record.cell.dataset}-{record.cell.source}-{record.data.split}"
        content = self.split_documents.read(name)
        if isinstance(content, Refused):
            raise UserError(str(content))
        if content is None:
            return {}
        if not record.older and not name.endswith(f"-{digest([content])}"):
            where = self.split_documents.where(name)
            raise UserError(f"{where}: {name}: its digest is wrong: it was edited or truncated. Compute a cell again.")
        return {name: content}

    def adapter(self, record: Record) -> dict[str, bytes]:
        """The trained files of a cell, by file name, as they were written.

        Raises:
            UserError: they were not saved, or are not what was written.
        """
        folder = self.adapter_folder(record.cell)
        files = adapters.read(folder)
        if not record.older and adapters.identity(files) != record.adapter:
            raise UserError(
                f"{folder}: its digest is wrong: a file was edited, added or removed. Train the cell again."
            )
        return files

    def record(self, cell: Keyed) -> Record | None:
        """The record of a cell, if there is a readable one, and it is this cell's."""
        record = self.record_of(cell.key)
        return None if isinstance(record, Refused) else record

    def record_of(self, key: str) -> Record | Refused:
        """The record of a training key."""
        return typed(self.record_documents, key, Record, self.record_documents.read(key))

    def scores_of(self, cell: Cell) -> Scores | Refused:
        """The scores of a cell."""
        return typed(self.score_documents, cell.score_key, Scores, self.score_documents.read(cell.score_key))

    def records(self) -> tuple[list[Record], list[Refused]]:
        """All records, ordered by key, and the files in their place that are no valid records."""
        return sorted_out(self.record_documents, Record, None)

    def some_records(self, most: int) -> list[Record]:
        """At most so many of the readable records, evenly by key. Keys are digests, so this is a random sample."""
        names = sorted(self.keys())
        return sorted_out(self.record_documents, Record, names[:: max(len(names) // most, 1)][:most])[0]

    def scores(self) -> tuple[list[Scores], list[Refused]]:
        """All scores, ordered by name, and the files in their place that are no valid scores."""
        return sorted_out(self.score_documents, Scores, None)

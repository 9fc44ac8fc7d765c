"""Records and predictions on disk. A record exists: done; it holds an error: failed; neither: to do."""

import json
import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.errors import UserError

SCHEMA = 1


@dataclass(frozen=True)
class Store:
    """One results folder: records/KEY.json, predictions/KEY.safetensors, adapters/KEY/, splits/, tables/."""

    folder: Path

    def check_writable(self) -> None:
        """Raise UserError if results could not be written here, before anything is computed."""
        try:
            for name in ("records", "predictions", "splits"):
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

    def adapter_folder(self, cell: Cell) -> Path:
        return self.folder / "adapters" / cell.key

    def status(self, cells: list[Cell]) -> dict[str, str]:
        """ "done", "failed" or "to do" of each cell, by key."""
        there = {file.stem for file in (self.folder / "records").glob("*.json")}
        found = {}
        for cell in cells:
            record = read_record(self.record_file(cell)) if cell.key in there else None
            found[cell.key] = "to do" if record is None else record["status"]
        return found

    def write(self, cell: Cell, record: dict, predictions: dict[str, np.ndarray] | None = None) -> None:
        """Predictions first, the record last, each under a temporary name and then renamed."""
        if predictions is not None:
            from safetensors.numpy import save

            write_atomic(self.prediction_file(cell), save(predictions))
        text = json.dumps(_jsonable({"schema": SCHEMA, "key": cell.key, **record}), indent=1, allow_nan=False)
        write_atomic(self.record_file(cell), (text + "\n").encode())

    def records(self) -> list[dict]:
        """All whole records, in the order of their keys."""
        files = sorted((self.folder / "records").glob("*.json"))
        return [record for file in files if (record := read_record(file)) is not None]


def read_record(file: Path) -> dict | None:
    """A record, or None where there is none.

    Raises:
        UserError: the file is not a record (it was edited, or cut by a full disk).
    """
    try:
        record = json.loads(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise UserError(f"{file}: not JSON ({error}). Delete it: the cell is then computed again.") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise UserError(f"{file}: not a record of schema {SCHEMA}. Delete it, or use another --out folder.")
    return record


def write_atomic(file: Path, content: bytes) -> None:
    """Readers see the whole file or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{platform.node()}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(file)


def _jsonable(value: Any) -> Any:
    """NaN becomes null: JSON has none."""
    if isinstance(value, dict):
        return {name: _jsonable(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

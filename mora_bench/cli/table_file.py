"""A table that is written part by part, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from mora_bench.files import beside, naming
from mora_bench.report import csvs


class TableFile:
    """A .parquet or .csv file; it appears, or replaces another of its name, once the block ends without an error.

    Attributes:
        rows: how many were added.
    """

    def __init__(self, file: Path):
        self.file, self.rows = file, 0
        self._parquet: Any = None

    def __enter__(self) -> Self:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = beside(self.file)
        if self.file.suffix == ".csv":
            self._text = open(self._temporary, "w", encoding="utf-8")
        return self

    def add(self, frame: pd.DataFrame) -> None:
        """Add rows; all parts have the same columns.

        Raises:
            OSError: naming the file, as one at the end of the block does.
        """
        with naming(self.file):
            self._add(frame)
        self.rows += len(frame)

    def _add(self, frame: pd.DataFrame) -> None:
        if self.file.suffix == ".csv":
            head = [] if self.rows else [list(frame.columns)]
            self._text.write(csvs.comma_separated([*head, *frame.itertuples(index=False)]))
            return
        import pyarrow as pa
        import pyarrow.parquet as pq

        part = pa.Table.from_pandas(frame, preserve_index=False)
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(self._temporary, part.schema)
        self._parquet.write_table(part)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        whole = False
        try:
            with naming(self.file):
                self._close()
                if error is None:
                    os.replace(self._temporary, self.file)
                    whole = True
        except OSError:
            # What a full disk did not take is not taken at the end either: the first error says so.
            if error is None:
                raise
        finally:
            if not whole:
                self._temporary.unlink(missing_ok=True)

    def _close(self) -> None:
        if self.file.suffix == ".csv":
            self._text.close()
        elif self._parquet is not None:
            self._parquet.close()

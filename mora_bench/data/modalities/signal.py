"""Signal: a sampled series of one or more channels, such as an ECG, a sound, or vital signs by the hour.

Nothing is filled in. Where a channel was not measured its value is NaN: a *gap*, which is an absence inside a modality.
A sample that has no signal at all lacks the modality, as it may lack any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np

from mora_bench.data.batch import Inputs
from mora_bench.data.modalities import encoded
from mora_bench.data.modalities.contract import Content, Lose, Modality, Rule
from mora_bench.data.modalities.series import Series, called, unlike, unusable, wrong_in
from mora_bench.errors import UserError
from mora_bench.files import FileHashes

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Where the values of all samples lie, one after the other.
FILE = "values.bin"


@dataclass(frozen=True)
class Gapped:
    """A signal of which values are taken; `lose` is handed its values, float [T, C], and gives those left."""

    signal: Signal
    lose: Callable[[np.ndarray], np.ndarray]

    def read(self) -> Series:
        series = self.signal.read()
        return replace(series, values=self.lose(series.values))

    def fingerprint(self) -> str:
        return self.read().fingerprint()


@runtime_checkable
class Signal(Protocol):
    """A sample's signal in a table: a `Series`, or a reader of one, such as a file."""

    def read(self) -> Series:
        """The series."""

    def fingerprint(self) -> str:
        """A string that changes when the series does."""


@dataclass(frozen=True)
class SignalInputs(Inputs):
    """Attributes:
    values: float [B, T, C], NaN in gaps and after a series' end.
    steps: int64 [B], how many of the T steps are the sample's, 0 where there is no signal.
    """

    values: Tensor
    steps: Tensor


@dataclass(frozen=True)
class SignalContent(Content):
    """The series of all samples, one after the other.

    Attributes:
        values: float32 [steps, C]; bounds: int64 [N + 1], sample i has the steps `bounds[i]` to `bounds[i + 1]`.
        rate: of all, in Hz; channels: their C names.
        lose: gives the values of a sample that are left where gaps are taken; None: all are.
    """

    values: np.ndarray
    bounds: np.ndarray
    rate: float
    channels: tuple[str, ...]
    lose: Lose | None = None

    def series(self, row: int) -> np.ndarray:
        """One sample's values, float32 [T, C]."""
        values = self.values[self.bounds[row] : self.bounds[row + 1]]
        return values if self.lose is None or not len(values) else self.lose(row, values)

    def with_gaps(self, lose: Lose | None) -> Self:
        return replace(self, lose=lose)

    def collate(self, rows: np.ndarray, present: np.ndarray) -> SignalInputs:
        """The dummy is a series without a step."""
        import torch

        steps = np.where(present, self.bounds[rows + 1] - self.bounds[rows], 0)
        # One empty step where no sample has any, because some readers of steps want a first one.
        values = np.full((len(rows), max(steps.max(initial=0), 1), self.values.shape[1]), np.nan, np.float32)
        for padded, row, count in zip(values, rows, steps, strict=True):
            if count:
                padded[:count] = self.series(row)
        return SignalInputs(torch.from_numpy(values), torch.from_numpy(steps.astype(np.int64)))

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> Self:
        values = np.array(self.values)
        for row in rows:
            part = slice(self.bounds[row], self.bounds[row + 1])
            # Gaps stay where they are, as a text's length does.
            values[part] += 1000 * rng.normal(size=values[part].shape)
        return replace(self, values=values)

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Steps of each sample in tokens' worth, int [B]."""
        from mora_bench.data.modalities.windows import TOKENS

        steps = self.bounds[rows + 1] - self.bounds[rows]
        return -(-steps * TOKENS // max(int(np.diff(self.bounds).max(initial=1)), 1))

    def facts(self) -> dict[str, Any]:
        """Rate, channels, the shortest and longest series in seconds, and the share of values that is measured, and
        that is left where gaps are taken."""
        steps = np.diff(self.bounds)
        seconds = steps[steps > 0] / self.rate
        facts = {
            "rate (Hz)": self.rate,
            "channels": list(self.channels),
            "seconds": [float(seconds.min()), float(seconds.max())] if len(seconds) else [],
            "measured": float(np.isfinite(self.values).mean()) if self.values.size else 0.0,
        }
        if self.lose is None:
            return facts
        left = sum(int(np.isfinite(self.series(row)).sum()) for row in range(len(steps)))
        return facts | {"left": left / max(self.values.size, 1)}


class SignalKind(Modality):
    """A sample's value is a `Signal`. All of a data set have the same channels and rate, and may differ in length."""

    title = "signal: sampled series with gaps, such as an ECG or vital signs"
    gapped = True

    def exists(self, value: Any) -> bool:
        """A series in memory without a measured value is none; of a file that is known once it is decoded."""
        return not isinstance(value, Series) or bool(np.isfinite(value.values).any())

    def problem(self, value: Any) -> str | None:
        if isinstance(value, Series):
            return wrong_in(value)
        if not isinstance(value, Signal):
            return f"is {type(value).__name__}; expected a Series, or what has read() -> Series and fingerprint()"
        return None

    def decodes(self, value: Any) -> str | None:
        try:
            return unusable(value.read())
        except (UserError, OSError) as error:
            return str(error)

    def contents(self, values: Sequence[Any], hashes: FileHashes | None) -> Iterator[bytes]:
        for value in values:
            if value is None:
                yield b"none|"
                continue
            path = getattr(value, "path", None)
            fingerprint = value.fingerprint() if path is None or hashes is None else hashes.of(path) + value.details()
            yield fingerprint.encode() + b"|"

    def differing(self, values: Sequence[Any], ids: Sequence[str]) -> str | None:
        try:
            for _ in self._read(values, ids):
                pass
        except UserError as error:
            return str(error)
        return None

    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        if isinstance(rule, encoded.EncodingRule):
            encoded.write(folder, rule, ids, self._read(values, ids))
            return
        steps = np.zeros(len(values), np.int64)
        first: Series | None = None
        with open(folder / FILE, "wb") as file:
            for i, series in enumerate(self._read(values, ids)):
                if series is not None:
                    first = first or series
                    steps[i] = len(series.values)
                    file.write(np.ascontiguousarray(series.values, np.float32).tobytes())
        rate, channels = (first.rate, first.channels) if first else (1.0, ("none",))
        np.save(folder / "bounds.npy", np.cumsum([0, *steps]), allow_pickle=False)
        (folder / "signal.json").write_text(json.dumps({"rate": rate, "channels": channels}), encoding="utf-8")

    def _read(self, values: Sequence[Any], ids: Sequence[str]) -> Iterator[Series | None]:
        """The series of each sample, verified; None where it has none."""
        first: tuple[str, Series] | None = None
        for value, name in zip(values, ids, strict=True):
            if value is None or not self.exists(value):
                yield None
                continue
            series = value.read()
            wrong = unusable(series) or (unlike(series, *first) if first else None)
            if wrong:
                raise UserError(f"sample {called(name, value)}: its signal {wrong}.")
            first = first or (called(name, value), series)
            yield series

    def open(self, folder: Path) -> Content:
        return encoded.opened(folder) or self._opened(folder)

    @staticmethod
    def _opened(folder: Path) -> SignalContent:
        header = json.loads((folder / "signal.json").read_text(encoding="utf-8"))
        file, channels = folder / FILE, tuple(header["channels"])
        flat = np.memmap(file, np.float32, "r") if file.stat().st_size else np.zeros(0, np.float32)
        bounds = np.load(folder / "bounds.npy", allow_pickle=False)
        return SignalContent(flat.reshape(-1, len(channels)), bounds, header["rate"], channels)

    def summary(self, value: Any) -> float:
        """How much it varies: the mean over its channels of the deviation over time."""
        deviations = [
            np.std(channel[np.isfinite(channel)]) for channel in value.read().values.T if np.isfinite(channel).any()
        ]
        return float(np.mean(deviations)) if deviations else 0.0

    def embedder(self, content: Content, rows: np.ndarray, width: int) -> nn.Module:
        from mora_bench.data.modalities.encoded_tokens import EncodedTokens
        from mora_bench.data.modalities.windows import Windows

        if isinstance(content, encoded.EncodedContent):
            return EncodedTokens(content, rows, width)
        assert isinstance(content, SignalContent)
        return Windows([content.series(row) for row in rows], len(content.channels), width)

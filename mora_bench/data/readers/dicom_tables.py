"""Tables of a DICOM picture, from stored to measured values (modality) and from these to grey levels (VOI)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mora_bench.data.readers.dicom_header import Frame, numbers


@dataclass(frozen=True)
class Table:
    """A table of values.

    Attributes:
        first: the value that the first entry stands for; lower ones have it, too, and those above the last the last.
        entries: int64 [N]; bits: how many each has.
    """

    first: int
    entries: np.ndarray
    bits: int

    def of(self, values: np.ndarray) -> np.ndarray:
        """int64, of the shape of `values`."""
        at = np.rint(values).astype(np.int64) - self.first
        return self.entries[np.clip(at, 0, len(self.entries) - 1)]


def table_of(item: Any, data: Any, below_zero: bool) -> Table:
    """The table of an item of a sequence (PS3.3, C.11.1.1 and C.11.2.1.1).

    Args:
        below_zero: whether what the table is asked for may be negative. If so, its first value has a sign, of which
            files without types of values say nothing.

    Raises:
        ValueError: it has fewer entries than it says.
    """
    count, first, bits = (int(value) for value in item.LUTDescriptor)
    # Without types, numbers are read with or without a sign by that of the pixels.
    if data.original_encoding[0]:
        first %= 1 << 16
    if below_zero and first >= 1 << 15:
        first -= 1 << 16
    return Table(first, _entries(item, data, count % (1 << 16) or 1 << 16, bits), bits)


def _entries(item: Any, data: Any, count: int, bits: int) -> np.ndarray:
    """The first `count` entries: words, or bytes where there is but one byte for each of up to 8 bits."""
    held = item.LUTData
    if isinstance(held, bytes):
        swapped = data.original_encoding[1] is False and item["LUTData"].VR == "OW"
        words = np.frombuffer(held[: len(held) // 2 * 2], ">u2" if swapped else "<u2")
        last = held[len(words) * 2 :]
    else:
        several = [held] if isinstance(held, int) else list(held)
        words, last = np.array([value % (1 << 16) for value in several], np.uint16), b""
    if bits <= 8 and len(words) < count:
        entries = np.frombuffer(words.astype("<u2").tobytes() + last, np.uint8)
    else:
        entries = words
    if len(entries) < count:
        raise ValueError(f"a table with {len(entries)} entries that says it has {count}")
    return entries[:count].astype(np.int64)


def may_be_negative(frame: Frame) -> bool:
    """Whether measured values can be negative, by the sign of the pixels, slope and intercept. What a modality table
    makes is not."""
    data = frame.data
    if data.get("ModalityLUTSequence"):
        return False
    depth, signed = int(data.get("BitsStored") or 16), int(data.get("PixelRepresentation") or 0) == 1
    ends = (-(1 << (depth - 1)), (1 << (depth - 1)) - 1) if signed else (0, (1 << depth) - 1)
    slope, intercept = (numbers(frame.get(f"Rescale{name}")) for name in ("Slope", "Intercept"))
    return min(end * (slope or (1.0,))[0] for end in ends) + (intercept or (0.0,))[0] < 0

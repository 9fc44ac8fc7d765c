"""From the stored values of a DICOM picture in colour to red, green and blue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.errors import UserError

#: Spaces of colour that three values of a pixel may be of. pydicom turns all but RGB into it.
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def coloured(stored: np.ndarray, data: Any, path: Path) -> np.ndarray:
    """Colours [H, W, 3] of any depth -> uint8 [H, W, 3], the upper 8 bits of each.

    Raises:
        UserError: another space of colours, or values with a sign.
    """
    meaning = str(data.get("PhotometricInterpretation"))
    if meaning not in COLOURS or stored.shape[2:] != (3,) or stored.dtype.kind != "u":
        raise UserError(
            f"{path}: {stored.dtype} values {list(stored.shape)} as {meaning}; expected unsigned colours of "
            f"{', '.join(COLOURS)}. Convert it to RGB."
        )
    return eight(stored, int(data.get("BitsStored") or 8))


def from_palette(stored: np.ndarray, data: Any) -> np.ndarray:
    """Numbers of colours [H, W] -> uint8 [H, W, 3], by the file's palette, whole or in segments."""
    import pydicom.pixels

    colours = pydicom.pixels.apply_color_lut(stored, _little_endian(data))[..., :3]
    bits = int(data.RedPaletteColorLookupTableDescriptor[2])
    # Some palettes of 8 bits lie in the upper half of 16.
    return eight(colours, 16 if int(colours.max(initial=0)) > 255 else bits)


def _little_endian(data: Any) -> Any:
    """A data set whose palette is of words of the order that pydicom takes it to be of: it swaps segments only."""
    import pydicom

    if data.original_encoding[1] is not False:
        return data
    palette = pydicom.Dataset()
    palette.file_meta = data.file_meta
    for name in ("Red", "Green", "Blue"):
        unsegmented, segments = f"{name}PaletteColorLookupTableData", f"Segmented{name}PaletteColorLookupTableData"
        for part in (f"{name}PaletteColorLookupTableDescriptor", segments):
            if part in data:
                palette[part] = data[part]
        if unsegmented in data:
            setattr(palette, unsegmented, np.frombuffer(data[unsegmented].value, ">u2").astype("<u2").tobytes())
    return palette


def eight(values: np.ndarray, bits: int) -> np.ndarray:
    """Unsigned values of a number of bits -> uint8."""
    if bits < 8:
        return (values * (255 / ((1 << bits) - 1))).round().astype(np.uint8)
    return np.minimum(values >> (bits - 8), 255).astype(np.uint8)

"""One picture of a DICOM file, from stored values to grey levels or colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.data.readers.dicom_header import pydicom_or_refuse
from mora_bench.data.readers.window import Window, grey
from mora_bench.errors import UserError
from mora_bench.files import hash_file


@dataclass(frozen=True)
class DicomFile:
    """One picture of a DICOM file.

    Stored values become measured ones (rescale slope and intercept, or the modality's table), then grey levels.
    MONOCHROME1, where high values are dark, is inverted. Colour pictures are shown as they are.

    Attributes:
        frame: of a file of several.
        window: None: the file's first one, or else the whole range of the values.
    """

    path: Path
    frame: int = 0
    window: Window | None = None

    def read(self) -> np.ndarray:
        """uint8 [H, W, 3].

        Raises:
            UserError: pydicom is absent, or the file cannot be read or has no such frame.
        """
        pydicom = pydicom_or_refuse()
        try:
            data = pydicom.dcmread(self.path)
            stored = pydicom.pixels.pixel_array(data, index=self.frame)
        except Exception as error:
            raise UserError(
                f"{self.path}, frame {self.frame}: not a readable DICOM picture ({type(error).__name__}: {error}). "
                "Replace the file by an intact copy; compressed ones may need pylibjpeg beside pydicom."
            ) from error
        if stored.ndim == 3:
            return _coloured(stored, self.path)
        values = pydicom.pixels.apply_modality_lut(stored, data)
        picture = grey(values, self.window or _window(data))
        return 255 - picture if data.get("PhotometricInterpretation") == "MONOCHROME1" else picture

    def fingerprint(self) -> str:
        return f"{hash_file(self.path)} {self.frame} {self.window}"


def _window(data: Any) -> Window | None:
    """The first window that a file gives."""
    if data.get("WindowCenter") is None or data.get("WindowWidth") is None:
        return None
    centre, width = (np.atleast_1d(np.array(data[name].value, float))[0] for name in ("WindowCenter", "WindowWidth"))
    return Window(float(centre), float(width))


def _coloured(stored: np.ndarray, path: Path) -> np.ndarray:
    if stored.dtype != np.uint8 or stored.shape[2] != 3:
        raise UserError(f"{path}: a picture of {stored.dtype} {list(stored.shape)}; expected colours of 8 bits.")
    return stored

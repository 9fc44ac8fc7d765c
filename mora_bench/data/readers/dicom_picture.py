"""One picture of a DICOM file, from stored values to grey levels or colours."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from mora_bench.data.modalities import formats
from mora_bench.data.modalities.image import FilePicture
from mora_bench.data.modalities.pictures import square
from mora_bench.data.readers import dicom_header as header
from mora_bench.data.readers.dicom_codecs import unpack
from mora_bench.data.readers.dicom_colour import coloured, from_palette
from mora_bench.data.readers.dicom_grey import grey_levels
from mora_bench.data.readers.dicom_space import orientation, pixel_size, turned
from mora_bench.data.readers.window import Window, any_finite, check_shows
from mora_bench.errors import UserError

#: Change it when the same file would become another picture.
VERSION = 4


@dataclass(frozen=True)
class DicomFile(FilePicture):
    """One picture of a DICOM file, as a viewer shows it.

    Stored values become measured ones (the modality's table, or rescale slope and intercept), then grey levels, by what
    the file says of this frame. Palettes and all spaces of colour become RGB. Pixels that are not square are made so.
    Slices are turned to lie as `dicom_space` says. Overlays, and profiles of colour, are not applied.

    Attributes:
        frame: of a file of several.
        window: None: the file's table or its first window, or else the range of the values.
    """

    frame: int = 0
    window: Window | None = None

    def read(self) -> np.ndarray:
        """uint8 [H, W, 3].

        Raises:
            UserError: pydicom or a decoder is absent, or the file cannot be read, is a mosaic, or has no such frame, no
                picture, or no finite value in any frame.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._shown()
        except UserError:
            raise
        except Exception as error:
            if what := formats.another(self.path, formats.DICOM):
                raise UserError(f"{self.path}: {what}") from error
            # Of damaged files pydicom and its decoders raise whatever comes up first.
            raise UserError(
                f"{self.path}, frame {self.frame}: not a readable DICOM picture ({type(error).__name__}: "
                f"{' '.join(str(error).split())[:300]}). Replace the file by an intact copy."
            ) from error

    def _shown(self) -> np.ndarray:
        data = header.opened(self.path)
        if what := header.no_picture(data):
            raise UserError(f"{self.path}: no picture in it ({what}). Leave it out.")
        if unfit := header.mosaic(data):
            raise UserError(f"{self.path}: {unfit}")
        count = header.count_frames(data, self.path)
        if not 0 <= self.frame < count:
            raise UserError(f"{self.path}: no frame {self.frame}; it has 0 to {count - 1}.")
        header.check_size(data, self.path)
        frame = header.Frame(data, self.frame)
        stored = unpack(data, self.frame, self.path)
        if stored.ndim == 3:
            picture = coloured(stored, data, self.path)
        elif data.get("PhotometricInterpretation") == "PALETTE COLOR":
            picture = from_palette(stored, data)
        else:
            shows = any_finite(stored) or any(any_finite(unpack(data, at, self.path)) for at in range(count))
            check_shows(self.path, shows)
            picture = grey_levels(stored, frame, self.window, self.path)
        axes = orientation(frame)
        picture = square(picture, *pixel_size(frame))
        return picture if axes is None else turned(picture, axes)

    def details(self) -> str:
        return f" dicom {VERSION} {self.frame} {self.window}"

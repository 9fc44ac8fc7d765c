"""How the pixels of DICOM files are unpacked: JPEG Lossless, JPEG of more than 8 bits and JPEG-LS by imagecodecs, as a
plug-in of pydicom; all else by pydicom and its own plug-ins.

pydicom's plug-in for those three is under GPL-3, and its one for GDCM refuses JPEG of 12 bits.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mora_bench.errors import UserError

#: The last marker of a JPEG stream, and the bytes that may follow it.
END, PADDING = b"\xff\xd9", b"\0\xff"
#: The name by which pydicom knows this module's decoder.
NAME = "imagecodecs"
BASELINE, EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
RLE = "1.2.840.10008.1.2.5"
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
#: Streams that say themselves how many bits they have, JPEG-LS and (HT)J2K: those that lose nothing, and the others.
DEEP_LOSSLESS = (JPEG_LS[0], *(f"1.2.840.10008.1.2.4.{n}" for n in (90, 92, 201, 202)))
DEEP_LOSSY = (JPEG_LS[1], *(f"1.2.840.10008.1.2.4.{n}" for n in (91, 93, 203)))
#: pydicom asks a plug-in for these three names.
DECODER_DEPENDENCIES = dict.fromkeys((EXTENDED, *LOSSLESS, *JPEG_LS), ("imagecodecs",))
#: Decoders of pydicom in the order in which they are asked, so that what else is installed changes no pixel.
ORDER = (NAME, "pylibjpeg", "pillow", "pydicom")


def is_available(syntax: str) -> bool:
    return syntax in DECODER_DEPENDENCIES and find_spec(NAME) is not None


def decode_frame(packed: bytes, runner: Any) -> bytes:
    """One frame's samples, as pydicom wants them of a plug-in."""
    import imagecodecs

    if not packed.rstrip(PADDING).endswith(END):
        # libjpeg would fill up what is missing, and say nothing.
        raise ValueError("a stream that is cut: it has no end")
    if runner.transfer_syntax in JPEG_LS:
        samples = imagecodecs.jpegls_decode(packed)
    elif runner.samples_per_pixel == 1:
        samples = imagecodecs.jpeg8_decode(packed)
    else:
        # The same name on both sides: colours are left as they are, and converted by pydicom as the file says.
        samples = imagecodecs.jpeg8_decode(packed, colorspace="YCBCR", outcolorspace="YCBCR")
    runner.set_option("planar_configuration", 0)
    runner.set_option("bits_allocated", 8 * samples.itemsize)
    return samples.tobytes()


def check_unpackable(data: Any, path: Path) -> None:
    """Refuse a file whose pixels nothing that is installed can unpack.

    Raises:
        UserError: with what to install.
    """
    _plugin(data, path)


def unpack(data: Any, frame: int, path: Path) -> np.ndarray:
    """The stored values of one frame, [H, W], or its colours as RGB [H, W, 3], whatever space they are stored in.

    Raises:
        UserError: nothing that is installed can unpack it.
    """
    from pydicom.pixels import pixel_array

    plugin = _plugin(data, path)
    upper = int(data.get("HighBit") or 0) - int(data.get("BitsStored") or 1) + 1 > 0
    as_words = not plugin or data.file_meta.TransferSyntaxUID == RLE
    if not upper or not as_words or data.get("SamplesPerPixel") != 1:
        stored = pixel_array(data, index=frame, decoding_plugin=plugin)
        return _without_unused_bits(stored, data)
    # Old files have their bits at the upper end; pydicom takes them to be at the lower one. RLE packs words.
    stored = pixel_array(data, index=frame, decoding_plugin=plugin, correct_unused_bits=False)
    bits = 8 * stored.dtype.itemsize
    return (stored << (bits - 1 - int(data.HighBit))) >> (bits - int(data.BitsStored))


def _without_unused_bits(stored: np.ndarray, data: Any) -> np.ndarray:
    """Values of the bits that a file says are stored, with their sign. pydicom does so, but not for streams that have a
    depth of their own (JPEG 2000, JPEG-LS), which may be deeper than what they hold.

    What a lossy stream makes of the extreme values may go beyond these bits, and would wrap: there only values of which
    none is negative, and some are in the uppermost quarter, as small negative ones without their sign are, get one.
    """
    bits, depth = 8 * stored.dtype.itemsize, int(data.get("BitsStored") or 0)
    syntax = data.file_meta.TransferSyntaxUID
    if not (0 < depth < bits) or data.get("SamplesPerPixel") != 1 or syntax not in (*DEEP_LOSSLESS, *DEEP_LOSSY):
        return stored
    signs_absent = stored.dtype.kind == "i" and stored.min() >= 0 and stored.max() >= 3 << (depth - 2)
    if syntax in DEEP_LOSSLESS or signs_absent:
        return (stored << (bits - depth)) >> (bits - depth)
    return stored


def _plugin(data: Any, path: Path) -> str:
    """The decoder of pydicom's for a file; "" for what is not packed."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    syntax = UID(data.file_meta.TransferSyntaxUID)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise UserError(
            f"{path}: packed as {syntax.name}, which pydicom cannot unpack. Convert it to an uncompressed file."
        ) from error
    if not syntax.is_encapsulated:
        return ""
    known = decoder.available_plugins
    if is_available(syntax) and NAME not in known:
        decoder.add_plugin(NAME, (__name__, "decode_frame"))
        known = decoder.available_plugins
    deep = int(data.get("BitsStored") or 8) > 8
    if syntax == EXTENDED and deep:
        known = tuple(name for name in known if name not in ("pillow", "gdcm"))
    elif syntax in (BASELINE, EXTENDED):
        return "pillow"
    if not known:
        raise UserError(
            f"{path}: packed as {syntax.name}, and nothing is installed that unpacks it: "
            "pip install 'mora-bench[dicom]'."
        )
    return next((name for name in ORDER if name in known), known[0])

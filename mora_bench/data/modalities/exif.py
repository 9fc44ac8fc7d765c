"""How JPEG and PNG files say, in EXIF, that their pictures lie, and which of them Pillow does not decode whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

#: The tag of EXIF that says how a picture lies, 1 to 8; 1 is upright.
ORIENTATION = 274
#: Markers of JPEG frames; of those without loss; and those in the same range that begin no frame.
FRAMES, LOSSLESS, NO_FRAME = (*range(0xC0, 0xD0), 0xF7), (0xC3, 0xC7, 0xCB, 0xCF, 0xF7), (0xC4, 0xC8, 0xCC)
JPEG_LS = 0xF7
#: The marker of a JPEG file's part that may be EXIF, and how that begins.
PART, BEGINS = 0xE1, b"Exif\0\0"
#: Bytes that say of a part of a JPEG file what it is; and bytes of a file in which it says whether it has EXIF.
MOST, START = 10, 64


@dataclass(frozen=True)
class JpegFrame:
    """What a JPEG file says of its picture.

    Attributes:
        at: where it begins, in bytes.
        marker: its kind.
        bits: of a colour.
        exif: what stands in the file before it, b"" for nothing.
    """

    at: int
    marker: int
    bits: int
    height: int
    width: int
    exif: bytes

    @property
    def turn(self) -> int:
        """How it lies, as `ORIENTATION`."""
        said = Image.Exif()
        said.load(self.exif)
        return said.get(ORIENTATION, 1)

    @property
    def is_deep(self) -> bool:
        """Whether it has over 8 bits, or no loss, which Pillow does not decode."""
        return self.bits != 8 or self.marker in LOSSLESS


def jpeg_frame(path: Path) -> JpegFrame | None:
    """The frame of a JPEG file; None where it has none. Little more of the file is read than its EXIF."""
    at, said = 2, b""
    with open(path, "rb", buffering=0) as file:
        while True:
            file.seek(at)
            part = file.read(MOST)
            if len(part) < 5 or part[0] != 0xFF:
                return None
            marker, size = part[1], int.from_bytes(part[2:4])
            if marker in FRAMES and marker not in NO_FRAME:
                height, width = int.from_bytes(part[5:7]), int.from_bytes(part[7:9])
                return JpegFrame(at, marker, part[4], height, width, said)
            if marker == PART and part.startswith(BEGINS, 4) and not said:
                file.seek(at + 4)
                said = file.read(max(size - 2, 0))
            at += 2 + size


def is_turned_and_deep(path: Path) -> bool:
    """Whether a JPEG or PNG file that Pillow does not decode whole says that it does not lie upright. Of most files the
    first bytes tell that they are none of these."""
    with open(path, "rb", buffering=0) as file:
        head = file.read(START)
    if head.startswith(b"\xff\xd8") and BEGINS in head:
        frame = jpeg_frame(path)
        return frame is not None and frame.is_deep and frame.turn != 1
    if not head.startswith(b"\x89PNG") or len(head) < 26 or head[24] <= 8:
        return False
    with Image.open(path) as image:
        # What stands behind the pixels is not looked for.
        colours = bool(head[25]) or "transparency" in image.info
        return colours and Image.Image.getexif(image).get(ORIENTATION, 1) != 1

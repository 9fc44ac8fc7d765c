#!/bin/sh
# What one would expect: of a colour TIFF of 16 bits Pillow, which has 8 bits a colour, keeps the upper byte, whether the
#   three colours of a pixel lie side by side or in planes of their own, compressed or not.
# What happens: planes that are not compressed become another picture: the bytes of a plane are taken for pixels of 8 bits,
#   so upper and lower bytes lie side by side and the lower half of the plane is gone. Compressed planes are right, for
#   then libtiff reads them. Nothing is raised, and the size is right.
# Versions: pillow 13.0.0, tifffile 2026.3.3, numpy 2.4.6, Python 3.11. Seen on 2026-11-28.
# Why it matters here: scanners and microscopes write such files, and most loaders of pictures are Pillow's. A network
#   learns from them, with noise in place of every second pixel, and a look at mean and size tells nobody. This project
#   reads TIFF of over 8 bits through tifffile, or refuses it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import tifffile
from PIL import Image

values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
colours = np.stack([values, values[::-1], values.T], axis=-1)
upper = (colours >> 8).astype(int)


def apart(planes: bool, compression: str | None) -> int:
    """The most grey levels by which Pillow's picture differs from the upper bytes."""
    given = np.ascontiguousarray(np.moveaxis(colours, -1, 0)) if planes else colours
    config = "separate" if planes else "contig"
    tifffile.imwrite("x.tif", given, photometric="rgb", planarconfig=config, compression=compression)
    assert (tifffile.imread("x.tif") == given).all()
    with Image.open("x.tif") as image:
        found = np.asarray(image).astype(int)
    most = int(np.abs(found - upper).max())
    print(f"{config}, compression {compression}: mode {image.mode}, {list(found.shape)}, at most {most} grey levels apart")
    return most


right = [apart(False, None), apart(False, "zlib"), apart(True, "zlib")]
wrong = apart(True, None)
print("an 8-bit reading of the first plane's first bytes:", end=" ")
with Image.open("x.tif") as image:
    first = np.asarray(image)[..., 0].ravel()
raw = np.ascontiguousarray(colours[..., 0]).view(np.uint8).ravel()[: first.size]
print("the same" if (first == raw).all() else "not the same")
sys.exit(0 if right == [0, 0, 0] and wrong > 100 else 1)
PYTHON
venv/bin/python seen.py

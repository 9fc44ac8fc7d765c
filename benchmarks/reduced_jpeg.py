"""What decoding JPEG files at a reduced scale (DCT scaling, Pillow's draft) would gain, and how pictures would differ.

    python benchmarks/reduced_jpeg.py FOLDER [--files 200] [--mosaic 8]

Each file is decoded whole and resized, and decoded at the smallest scale that leaves it `gap` times the size wanted and
then resized, both by bicubic filtering. --mosaic 8 lays 8 x 8 files side by side in one JPEG file, of the size of a
camera's. Prints, for each size wanted and gap: grey levels by which the two differ, PSNR, and the ratio of times.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tabulate import tabulate

SIDES, GAPS = (64, 224, 384), (1, 2, 3)


def decoded(content: bytes, size: tuple[int, int], gap: int | None) -> tuple[np.ndarray, bool, float]:
    """The picture at `size` (width, height), whether it was decoded at a reduced scale, and the seconds it took."""
    begun = time.process_time()
    with Image.open(io.BytesIO(content)) as image:
        full_size = image.size
        if gap:
            image.draft("RGB", (size[0] * gap, size[1] * gap))
        reduced = image.size != full_size
        values = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), float)
    return values, reduced, time.process_time() - begun


def contents(folder: Path, files: int, mosaic: int) -> list[bytes]:
    """JPEG files, or as many mosaics of them as there are files for."""
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg") and path.stat().st_size
    )
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(files, len(paths))).astype(int)]
    if mosaic < 2:
        return [path.read_bytes() for path in chosen]
    mosaics = []
    for first in range(0, len(chosen) - mosaic**2 + 1, mosaic**2):
        tiles = [np.asarray(Image.open(path).convert("RGB")) for path in chosen[first : first + mosaic**2]]
        tiles = [np.asarray(Image.fromarray(tile).resize(tiles[0].shape[1::-1])) for tile in tiles]
        rows = [np.concatenate(tiles[k : k + mosaic], 1) for k in range(0, mosaic**2, mosaic)]
        file = io.BytesIO()
        Image.fromarray(np.concatenate(rows)).save(file, "JPEG", quality=92)
        mosaics.append(file.getvalue())
    return mosaics


def compared(files: list[bytes], side: int, gap: int) -> list[str]:
    most, mean, ratios, reduced, whole_time, part_time = 0.0, [], [], 0, 0.0, 0.0
    for content in files:
        with Image.open(io.BytesIO(content)) as image:
            scale = side / min(image.size)
            size = (round(image.width * scale), round(image.height * scale))
        full, _, took = decoded(content, size, None)
        part, smaller, took_part = decoded(content, size, gap)
        apart = np.abs(full - part)
        reduced += smaller
        whole_time, part_time = whole_time + took, part_time + took_part
        most = max(most, float(apart.max()))
        mean.append(float(apart.mean()))
        ratios.append(10 * np.log10(255**2 / max(float((apart**2).mean()), 1e-9)))
    psnr = f"{min(ratios):.1f} dB" if reduced else "equal"
    return [
        side,
        gap,
        f"{reduced} of {len(files)}",
        f"{most:.0f}",
        f"{np.mean(mean):.2f}",
        psnr,
        f"{whole_time / part_time:.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--mosaic", type=int, default=1)
    asked = parser.parse_args()
    files = contents(asked.folder, asked.files, asked.mosaic)
    rows = [compared(files, side, gap) for side in SIDES for gap in GAPS]
    heads = ["shorter side", "gap", "reduced", "most levels apart", "mean", "least PSNR", "times as fast"]
    print(tabulate(rows, heads, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()

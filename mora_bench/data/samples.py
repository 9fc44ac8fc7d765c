"""What every dataset becomes: pictures decoded and tokenized once, kept in a memory-mapped cache keyed by content."""

import hashlib
import json
import platform
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mora_bench.data.batch import IMAGE, TEXT, Batch
from mora_bench.data.modalities.pictures import ImageRule, resize, side_by_side
from mora_bench.data.modalities.wordpiece import open_tokenizer
from mora_bench.data.table import Picture, Table
from mora_bench.missing import masks as missing
from mora_bench.workers import context

#: Change it when the same table would become other arrays.
VERSION = 1


@dataclass(frozen=True)
class Inputs:
    """How a backbone wants its inputs; with the table's fingerprint, the key of the cache.

    Attributes:
        rule: picture sizes.
        tokenizer: tokenizer.json or vocab.txt.
        max_text: tokens after which a text is cut, [CLS] and [SEP] included.
    """

    rule: ImageRule
    tokenizer: Path
    max_text: int


@dataclass(frozen=True)
class Samples:
    """N decoded samples of M modalities and C labels.

    Attributes:
        table: ids, groups, labels, targets and covariates.
        pixels: uint8, flat; sample i's picture [H, W, 3] starts at `starts[i]` and has `sizes[i]` = (H, W).
        ids: int32, flat; sample i's tokens are `ids[bounds[i]:bounds[i + 1]]`.
        present: bool [N, M], what really exists.
        canvas: (H, W) of a dummy picture: the size most samples have.
        empty: token ids of the empty text.
        patch: pixels along a patch's side.
        truncated: share of texts that were cut at `max_text`.
    """

    table: Table
    pixels: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    ids: np.ndarray
    bounds: np.ndarray
    present: np.ndarray
    canvas: tuple[int, int]
    empty: np.ndarray
    patch: int
    truncated: float

    def __len__(self) -> int:
        return len(self.table)

    def batch(self, rows: np.ndarray, present: np.ndarray) -> Batch:
        """Model inputs of B rows. What `present` [B, M] denies is never read: a dummy stands in its place.

        The dummies are MoRA's: an all-ones picture (after normalisation) and the empty text. The picture has the
        dataset's canvas, not the sample's own size, so that not even the size of what is missing can be seen.
        """
        if (present & ~self.present[rows]).any():
            raise ValueError("a modality was declared present that a sample does not have")
        texts = [
            self.ids[self.bounds[row] : self.bounds[row + 1]] if there else self.empty
            for row, there in zip(rows, present[:, TEXT], strict=True)
        ]
        lengths = np.array([len(text) for text in texts])
        ids = np.zeros((len(rows), lengths.max()), np.int64)
        for i, text in enumerate(texts):
            ids[i, : len(text)] = text
        sizes = np.where(present[:, IMAGE, None], self.sizes[rows], self.canvas)
        pixels = np.full((len(rows), *sizes.max(0), 3), 255, np.uint8)
        for at in np.flatnonzero(present[:, IMAGE]):
            height, width = sizes[at]
            start = int(self.starts[rows[at]])
            pixels[at, :height, :width] = self.pixels[start : start + height * width * 3].reshape(height, width, 3)
        return Batch(
            ids=torch.from_numpy(ids),
            ids_mask=torch.from_numpy(np.arange(ids.shape[1]) < lengths[:, None]),
            pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1),
            grid=torch.from_numpy(sizes // self.patch),
            present=torch.from_numpy(present),
        )

    def text_lengths(self, rows: np.ndarray) -> np.ndarray:
        """Tokens of each row's own text, int [B]."""
        return self.bounds[rows + 1] - self.bounds[rows]


def prepare(table: Table, fingerprint: str, inputs: Inputs, cache: Path, workers: int = 1) -> Samples:
    """Decode, resize and tokenize `table`, or open what an earlier call left in `cache`."""
    folder = cache / "samples" / _key(fingerprint, inputs)
    if not (folder / "meta.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{platform.node()}-"))
        try:
            _write(table, inputs, temporary, workers)
            temporary.replace(folder)
        except OSError:
            # Another process was first: its folder is complete, because it was renamed as ours would have been.
            if not (folder / "meta.json").exists():
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return _open(table, folder)


def _key(fingerprint: str, inputs: Inputs) -> str:
    words = hashlib.sha256(inputs.tokenizer.read_bytes()).hexdigest()
    parts = json.dumps([VERSION, fingerprint, vars(inputs.rule), words, inputs.max_text])
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def _decode(job: tuple[tuple[Picture | None, ...], ImageRule]) -> np.ndarray | None:
    pictures, rule = job
    whole = side_by_side([None if picture is None else picture.read() for picture in pictures])
    return None if whole is None else resize(whole, *rule.size(*whole.shape[:2]))


def _decoded(table: Table, rule: ImageRule, workers: int) -> Iterator[np.ndarray | None]:
    jobs = [(pictures, rule) for pictures in table.pictures]
    if workers < 2 or len(jobs) < 200:
        yield from map(_decode, jobs)
    else:
        with ProcessPoolExecutor(workers, mp_context=context()) as pool:
            yield from pool.map(_decode, jobs, chunksize=50)


def _write(table: Table, inputs: Inputs, folder: Path, workers: int) -> None:
    sizes, starts, end = np.zeros((len(table), 2), np.int64), np.zeros(len(table), np.int64), 0
    with open(folder / "pixels.bin", "wb") as file:
        for i, picture in enumerate(_decoded(table, inputs.rule, workers)):
            starts[i] = end
            if picture is not None:
                sizes[i] = picture.shape[:2]
                end += file.write(np.ascontiguousarray(picture).tobytes())
    tokenizer = open_tokenizer(inputs.tokenizer)
    uncut = [e.ids for e in tokenizer.encode_batch([text or "" for text in table.texts])]
    tokenizer.enable_truncation(inputs.max_text)
    cut = [e.ids for e in tokenizer.encode_batch([text or "" for text in table.texts])]
    there, counts = np.unique(sizes[sizes[:, 0] > 0], axis=0, return_counts=True)
    canvas = (
        there[counts.argmax()] if len(there) else np.array(inputs.rule.size(inputs.rule.shorter, inputs.rule.shorter))
    )
    arrays = {
        "sizes": sizes,
        "starts": starts,
        "ids": np.concatenate([np.array(ids, np.int32) for ids in cut]),
        "bounds": np.cumsum([0, *map(len, cut)]),
        "empty": np.array(tokenizer.encode("").ids, np.int32),
        "canvas": canvas,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    meta = {
        "patch": inputs.rule.multiple,
        "truncated": float(np.mean([len(u) > len(c) for u, c in zip(uncut, cut, strict=True)])),
    }
    (folder / "meta.json").write_text(json.dumps(meta))


def _open(table: Table, folder: Path) -> Samples:
    meta = json.loads((folder / "meta.json").read_text())
    arrays = {
        n: np.load(folder / f"{n}.npy", allow_pickle=False)
        for n in ("sizes", "starts", "ids", "bounds", "empty", "canvas")
    }
    file = folder / "pixels.bin"
    pixels = np.memmap(file, np.uint8, "r") if file.stat().st_size else np.zeros(0, np.uint8)
    canvas = tuple(arrays.pop("canvas").tolist())
    return Samples(table=table, pixels=pixels, present=table.present, canvas=canvas, **arrays, **meta)


@dataclass(frozen=True)
class View:
    """Some rows of `samples` with what is present of each: the split and mask a cell trains, validates or tests on.

    Attributes:
        rows: int [n]; present: bool [n, M].
    """

    samples: Samples
    rows: np.ndarray
    present: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def __post_init__(self) -> None:
        object.__setattr__(self, "present", missing.combine(self.samples.present[self.rows], self.present))

    @property
    def targets(self) -> torch.Tensor:
        """float32 [n, C]."""
        return torch.from_numpy(self.samples.table.targets[self.rows].astype(np.float32))

    def batch(self, at: np.ndarray) -> Batch:
        """Model inputs of the positions `at` within this view."""
        return self.samples.batch(self.rows[at], self.present[at])

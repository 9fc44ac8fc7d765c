"""Image: one or more pictures per sample, decoded once and pasted side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from mora_bench import registry
from mora_bench.data.batch import Inputs
from mora_bench.data.modalities import features, pictures, revised
from mora_bench.data.modalities.contract import Content, Modality, Rule
from mora_bench.data.modalities.features import FeatureRule
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.progress import shown
from mora_bench.errors import UserError
from mora_bench.files import FileHashes, hash_file
from mora_bench.text import doors, listed
from mora_bench.workers import context, endable

if TYPE_CHECKING:
    from torch import Tensor

#: The fewest pictures for which worker processes save more time than their start costs.
FEW = 200
#: The most pictures that a message names before it only counts the rest.
SHOWN = 20


class Picture(Protocol):
    """One picture of a sample (ODIR has two per sample, left and right)."""

    def read(self) -> np.ndarray:
        """Decode to uint8 [H, W, 3]."""

    def fingerprint(self) -> str:
        """A string that changes when the picture does."""


@dataclass(frozen=True)
class FilePicture(ABC):
    """A picture that a file holds, perhaps among others. Its errors name the file."""

    path: Path

    @abstractmethod
    def read(self) -> np.ndarray:
        """Decode to uint8 [H, W, 3]."""

    def details(self) -> str:
        """Settings beside the file's content that decide how the picture looks; "" for none."""
        return ""

    def fingerprint(self) -> str:
        return hash_file(self.path) + self.details()


@dataclass(frozen=True)
class PictureFile(FilePicture):
    """A picture on disk."""

    def read(self) -> np.ndarray:
        return pictures.read(self.path)

    def details(self) -> str:
        return revised.details(self.path)


@dataclass(frozen=True)
class ImageInputs(Inputs):
    """Attributes:
    pixels: float [B, 3, H, W], normalised; samples smaller than H x W lie in the upper left corner.
    grid: int64 [B, 2] on the CPU: rows and columns of patches that each sample really has.
    """

    on_cpu: ClassVar[tuple[str, ...]] = ("grid",)
    pixels: Tensor
    grid: Tensor


@dataclass(frozen=True)
class Pictures(Content):
    """Decoded pictures, one after the other.

    Attributes:
        pixels: uint8, flat; picture i [H, W, 3] starts at `starts[i]` and has `sizes[i]` = (H, W).
        canvas: (H, W) of a dummy: the size most pictures have.
        patch: pixels along a patch's side.
    """

    pixels: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    canvas: tuple[int, int]
    patch: int

    def inputs(self, rows: np.ndarray, present: np.ndarray) -> ImageInputs:
        """The pictures of the given numbers; where `present` is False an all-ones picture (after normalisation) of the
        dataset's canvas, which is MoRA's dummy."""
        import torch

        sizes = np.full((len(rows), 2), self.canvas, np.int64)
        sizes[present] = self.sizes[rows[present]]
        pixels = np.full((len(rows), *sizes.max(0), 3), 255, np.uint8)
        for at in np.flatnonzero(present):
            height, width = sizes[at]
            start = int(self.starts[rows[at]])
            pixels[at, :height, :width] = self.pixels[start : start + height * width * 3].reshape(height, width, 3)
        return ImageInputs(
            torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(127.5).sub_(1),
            torch.from_numpy(sizes // self.patch),
        )

    def with_dummy_of(self, other: Content) -> Self:
        return replace(self, canvas=other.canvas) if isinstance(other, Pictures) else self

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> Self:
        pixels = np.array(self.pixels)
        for row in rows:
            part = slice(self.starts[row], self.starts[row] + 3 * int(np.prod(self.sizes[row])))
            pixels[part] = rng.integers(0, 256, len(pixels[part]))
        return replace(self, pixels=pixels)

    def facts(self) -> dict[str, Any]:
        return {"canvas": list(self.canvas)}


@dataclass(frozen=True)
class ImageContent(Pictures):
    """One picture per sample."""

    def collate(self, rows: np.ndarray, present: np.ndarray) -> ImageInputs:
        return self.inputs(rows, present)


class Image(Modality):
    """The pictures of a sample are a tuple of `Picture`s, None where one is absent."""

    title = "image, as patches of pixels"
    #: Whether a sample's pictures have an order, which tells a left eye from a right one.
    ordered: ClassVar[bool] = True

    def exists(self, value: Any) -> bool:
        """An image counts when at least one of its pictures does."""
        return not isinstance(value, tuple) or any(picture is not None for picture in value)

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, tuple):
            return f"is {type(value).__name__}; expected a tuple of pictures, each None where it is absent"
        odd = [p for p in value if p is not None and not (hasattr(p, "read") and hasattr(p, "fingerprint"))]
        return f"holds {type(odd[0]).__name__}; a picture has read() and fingerprint()" if odd else None

    def contents(self, values: Sequence[Any], hashes: FileHashes | None) -> Iterator[bytes]:
        for value in values:
            for picture in value or ():
                if picture is None:
                    yield b"absent"
                elif hashes is not None and isinstance(picture, FilePicture):
                    yield (hashes.of(picture.path) + picture.details()).encode()
                else:
                    yield picture.fingerprint().encode()

    def summary(self, value: Any) -> float:
        """The mean brightness of the pictures, 0 to 255."""
        return float(np.mean([picture.read().mean() for picture in value if picture is not None]))

    def decodes(self, value: Any) -> str | None:
        for picture in value:
            try:
                wrong = None if picture is None else pictures.problem(picture.read())
            except Exception as error:
                wrong = f"cannot be read ({type(error).__name__}: {error})"
            if wrong:
                return wrong
        return None

    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        if isinstance(rule, FeatureRule):
            self.read_by(rule, values, ids, folder, workers)
            return
        if not isinstance(rule, ImageRule):
            raise UserError("image: the backbone says nothing of its picture sizes; it needs an ImageRule.")
        sizes, starts, end = np.zeros((len(values), 2), np.int64), np.zeros(len(values), np.int64), 0
        with open(folder / "pixels.bin", "wb") as file:
            for i, picture in enumerate(_decoded(list(zip(ids, values, strict=True)), rule, workers)):
                starts[i] = end
                if picture is not None:
                    sizes[i] = picture.shape[:2]
                    end += file.write(np.ascontiguousarray(picture).tobytes())
        shapes, counts = np.unique(sizes[sizes[:, 0] > 0], axis=0, return_counts=True)
        canvas = shapes[counts.argmax()] if len(shapes) else np.array(rule.size(rule.shorter, rule.shorter))
        arrays = {"sizes": sizes, "starts": starts, "canvas": canvas, "patch": np.array(rule.multiple)}
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    def read_by(self, rule: FeatureRule, values: Sequence[Any], ids: Sequence[str], folder: Path, workers: int) -> None:
        """Write the features that a frozen network gives of every picture (`features`)."""
        single = features.singly(values, self.ordered)
        arrays = _decoded([(ids[i], (picture,)) for i, _, picture in single], rule, workers)
        features.write(folder, rule, single, len(values), arrays)

    def open(self, folder: Path) -> Content:
        return features.opened(folder) or ImageContent(**self.stored(folder))

    @staticmethod
    def stored(folder: Path) -> dict[str, Any]:
        """The fields of `Pictures` that `encode` wrote."""
        arrays = {n: np.load(folder / f"{n}.npy", allow_pickle=False) for n in ("sizes", "starts", "canvas", "patch")}
        file = folder / "pixels.bin"
        pixels = np.memmap(file, np.uint8, "r") if file.stat().st_size else np.zeros(0, np.uint8)
        height, width = arrays["canvas"].tolist()
        return arrays | {"pixels": pixels, "canvas": (height, width), "patch": int(arrays["patch"])}


def _decoded(
    samples: Sequence[tuple[str, tuple[Picture | None, ...] | None]], rule: ImageRule | FeatureRule, workers: int
) -> Iterator[np.ndarray | None]:
    """The array of each sample's pictures, None where there is none.

    Raises:
        UserError: at the end, so that all are mended at once; it names those that cannot be decoded.
    """
    wrong: list[str] = []
    jobs = [(*sample, rule) for sample in samples]
    for decoded in shown(_by_all(jobs, workers), len(jobs), "decoding pictures"):
        if isinstance(decoded, UserError):
            wrong.append(str(decoded))
        yield None if isinstance(decoded, UserError) else decoded
    # Of a file of many pictures the same fault is named once.
    wrong = list(dict.fromkeys(wrong))
    if wrong:
        raise UserError(listed(wrong, SHOWN, "\n"))


Job = tuple[str, tuple[Picture | None, ...] | None, ImageRule | FeatureRule]


def _by_all(jobs: list[Job], workers: int) -> Iterator[np.ndarray | UserError | None]:
    """The array of each job's pictures, or its error, by `workers` processes."""
    if workers < 2 or len(jobs) < FEW:
        yield from map(_tried, jobs)
        return
    # A picture may be of a class that a plug-in file defines.
    try:
        with ProcessPoolExecutor(workers, context(), _ready, (registry.plugin_files(),)) as pool:
            yield from pool.map(_tried, jobs, chunksize=50)
    except BrokenProcessPool as error:
        raise UserError(
            "a process that decodes pictures ended: is the memory full, or a --plugin file gone? Try --workers 1."
        ) from error


def _ready(plugins: Sequence[Path]) -> None:
    """Let a process that decodes be ended, and know what plug-in files define."""
    endable()
    registry.load_plugins(plugins)


def _tried(job: Job) -> np.ndarray | UserError | None:
    """The array of a sample's pictures, or its error."""
    try:
        with doors():
            return _decode(job)
    except UserError as error:
        return error


def _read(picture: Picture, sample: str) -> np.ndarray:
    try:
        return picture.read()
    except UserError:
        raise
    except Exception as error:
        what = f"cannot be read ({type(error).__name__}: {error})"
        if isinstance(picture, FilePicture):
            raise UserError(
                f"{picture.path}: {what}. Replace the file by an intact copy, or convert it to a plainer format."
            ) from error
        raise UserError(f"sample {sample!r}: a picture {what}. Mend {type(picture).__name__}.read.") from error


def _decode(job: Job) -> np.ndarray | None:
    """One sample's pictures as one, resized, or features; each is verified: the store trusts shape and type."""
    sample, parts, rule = job
    arrays = []
    for picture in parts or ():
        arrays.append(None if picture is None else _read(picture, sample))
        wrong = None if picture is None else pictures.problem(arrays[-1])
        if wrong:
            raise UserError(f"sample {sample!r}: a picture {wrong}. Mend {type(picture).__name__}.read.")
    pasted = pictures.side_by_side(arrays)
    if isinstance(rule, FeatureRule):
        return None if pasted is None else rule.features(rule.pixels.resized(pasted))
    return None if pasted is None else rule.resized(pasted)

"""Reads a folder in transformers' layout: config, tokenizer, picture sizes, and what identifies it."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from mora_bench.backbones import preprocessor
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.errors import UserError
from mora_bench.files import Version, digest, version

#: The longer side of a picture at most, as a multiple of the shorter one: ViLT's frame of 800 x 1333, as in
#: transformers' ViltImageProcessor.
FRAME = 1333 / 800
#: The most that a count of a configuration may be.
MOST = 100_000
#: Names of weights of a block.
OF_A_BLOCK = re.compile(r"\b(layer|layers|h|block|blocks)\.\d+\.")


@dataclass(frozen=True)
class PictureSpec:
    """How an image tower's pictures are resized, and the mean and deviation of red, green and blue that it expects."""

    rule: ImageRule
    mean: list[float]
    std: list[float]

    def key(self) -> list:
        return [self.rule.key(), self.mean, self.std]


def read_json(folder: Path, file: str, name: str) -> dict[str, Any]:
    """One of a backbone's JSON files.

    Raises:
        UserError: it is absent, or not JSON.
    """
    try:
        if (folder / file).exists() and not (folder / file).is_file():
            raise UserError(f"{folder / file}: not a plain file. Download the backbone again.")
        content = json.loads((folder / file).read_text())
    except FileNotFoundError:
        raise UserError(
            f"backbone {name!r}: {folder / file} is absent. Expected a folder in transformers' layout."
        ) from None
    except (ValueError, OSError, RecursionError) as error:
        raise UserError(f"{folder / file}: not JSON ({error}). Download the backbone again.") from error
    if not isinstance(content, dict):
        raise UserError(f"{folder / file}: holds {type(content).__name__}; expected an object, {{...}}.")
    return content


def number(config: Mapping[str, Any], key: str, where: Path) -> int:
    """A count of a configuration.

    Raises:
        UserError: it is absent, or no whole number from 1 to `MOST`.
    """
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise UserError(f"{where}: {key} is {value!r}; expected a whole number from 1 to {MOST}.")
    return value


def numbers(values: Any, key: str, where: Path, positive: bool = False) -> list[float]:
    """Three numbers, for red, green and blue.

    Raises:
        UserError: they are not three, not finite, or not above 0 where they must be.
    """
    three = isinstance(values, list) and len(values) == 3
    if not three or not all(
        isinstance(v, int | float) and math.isfinite(v) and (v > 0 or not positive) for v in values
    ):
        raise UserError(f"{where}: {key} is {values!r}; expected three numbers{' above 0' if positive else ''}.")
    return list(values)


def image_settings(folder: Path, name: str) -> tuple[dict[str, Any], Path]:
    """The settings of a folder for pictures, and the file that holds them.

    Raises:
        UserError: no file does, or it cannot be read.
    """
    processor = folder / preprocessor.PROCESSOR
    if processor.exists() and "image_processor" in (settings := read_json(folder, processor.name, name)):
        image = settings["image_processor"]
        if not isinstance(image, dict):
            raise UserError(f"{processor}: image_processor is {type(image).__name__}; expected an object, {{...}}.")
        return image, processor
    return read_json(folder, preprocessor.PREPROCESSOR, name), folder / preprocessor.PREPROCESSOR


def image_rule(folder: Path, config: dict[str, Any], name: str) -> ImageRule:
    """The rule by which its pictures are resized.

    Raises:
        UserError: the size is unknown to ViLT's rule or does not fit the patches, or values are scaled otherwise.
    """
    image, where = image_settings(folder, name)
    taken = preprocessor.steps(image, where)
    size = image.get(preprocessor.OWN, image.get("size", 384))
    size = {"shortest_edge": size} if isinstance(size, int) else size
    if not isinstance(size, dict) or "shortest_edge" not in size:
        raise UserError(
            f"{where}: size is {size!r}; expected a number or shortest_edge, because ViLT keeps a picture's shape."
        )
    rule = _rule(
        size,
        number({"size_divisor": 32} | image, "size_divisor", where),
        preprocessor.resample(image, "bicubic", where),
        where,
    )
    ignored = "longest_edge" in size and preprocessor.OWN not in image
    if ignored and size["longest_edge"] != int(FRAME * rule.shorter):
        raise UserError(
            f"{where}: longest_edge is {size['longest_edge']}, which transformers' ViLT ignores: there the longer side "
            f"is {int(FRAME * rule.shorter)} at most. Remove it; or, if pictures are resized before, say do_resize "
            f"false and {preprocessor.OWN}: {{shortest_edge, longest_edge}} instead of size."
        )
    _check_half(image, taken, where)
    patch = number(config, "patch_size", folder / "config.json")
    if rule.multiple != patch:
        raise UserError(
            f"{folder}: size_divisor {rule.multiple} in {where.name} is not patch_size "
            f"{patch} of config.json. Make them equal: other picture sizes would lose their margins."
        )
    return rule


def _check_half(image: Mapping[str, Any], taken: Mapping[str, bool], where: Path) -> None:
    """Refuse pictures whose values do not become -1 to 1, because ViLT takes nothing else."""
    mean, std = (
        numbers(image.get(key, [0.5] * 3), key, where, positive=key == "image_std")
        for key in ("image_mean", "image_std")
    )
    if preprocessor.scaled(image, taken, mean, std, where) != ([0.5] * 3, [0.5] * 3):
        settings = {name: yes for name, yes in taken.items() if not yes}
        settings |= {key: image[key] for key in ("rescale_factor",) if key in image}
        clause = "".join(f", {name} {value}" for name, value in settings.items())
        raise UserError(
            f"{where}: image_mean is {mean}, image_std is {std}{clause}; ViLT's pictures are scaled by 0.5, from "
            "0..255 to -1..1. Expected do_rescale, do_normalize and [0.5, 0.5, 0.5] twice."
        )


def tokenizer_file(folder: Path) -> Path:
    """tokenizer.json, or else vocab.txt.

    Raises:
        UserError: there is neither.
    """
    for name in ("tokenizer.json", "vocab.txt"):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder}: no tokenizer. Expected tokenizer.json or vocab.txt.")


def pictures(
    folder: Path, patch: int, name: str, mean: list[float], std: list[float], resample: str = "bicubic"
) -> PictureSpec:
    """The settings of a folder for an image tower's pictures. They keep their shape: nothing is cropped.

    Args:
        patch: pixels along a patch's side.
        mean, std, resample: should the folder not say them.

    Raises:
        UserError: it says no size, or a step that is not taken here.
    """
    return picture_spec(*image_settings(folder, name), patch, mean, std, resample)


def picture_spec(
    image: Mapping[str, Any], where: Path, patch: int, mean: list[float], std: list[float], resample: str = "bicubic"
) -> PictureSpec:
    """As `pictures`, of settings under the names of transformers' processors, which stand in the file `where`."""
    taken = preprocessor.steps(image, where)
    size = image.get(preprocessor.OWN, image.get("size"))
    size = {"shortest_edge": size} if isinstance(size, int) else size or {}
    shorter = size.get("shortest_edge", size.get("height")) if isinstance(size, dict) else None
    if not isinstance(shorter, int) or shorter < patch or size.get("width", shorter) != shorter:
        raise UserError(
            f"{where}: size is {image.get('size')!r}; expected a number, shortest_edge, or height and width alike, of "
            f"at least one patch ({patch})."
        )
    rule = _rule({"shortest_edge": shorter} | size, patch, preprocessor.resample(image, resample, where), where)
    mean = numbers(image.get("image_mean", mean), "image_mean", where)
    std = numbers(image.get("image_std", std), "image_std", where, positive=True)
    return PictureSpec(rule, *preprocessor.scaled(image, taken, mean, std, where))


def _rule(size: Mapping[str, Any], multiple: int, resample: str, where: Path) -> ImageRule:
    """The rule of pictures whose shorter and longer sides a file gives."""
    shorter = number(size, "shortest_edge", where)
    longer = number({"longest_edge": int(FRAME * shorter)} | dict(size), "longest_edge", where)
    if not multiple <= shorter <= longer:
        raise UserError(
            f"{where}: shortest_edge {shorter} and longest_edge {longer}; expected one patch ({multiple}) or more, and "
            "the longer side not below the shorter."
        )
    return ImageRule(shorter, longer, multiple, resample)


def weights_files(folder: Path) -> list[Path]:
    """model.safetensors, or the files that model.safetensors.index.json names.

    Raises:
        UserError: they are absent, cut, or named oddly.
    """
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if not single.is_file() and not index.is_file():
        raise UserError(
            f"{folder}: no weights. Expected model.safetensors (pickled .bin weights are not read); convert them with "
            "transformers' save_pretrained(safe_serialization=True)."
        )
    files = [single] if single.is_file() else [folder / name for name in _parts(index, folder)]
    for file in files:
        if not file.is_file():
            raise UserError(f"{file}: absent, though {index.name} names it. Download it again.")
        check_header(file)
    return files


def _parts(index: Path, folder: Path) -> list[str]:
    """The names of the files that hold the weights."""
    weight_map = read_json(folder, index.name, folder.name).get("weight_map")
    names = sorted(set(map(str, weight_map.values()))) if isinstance(weight_map, dict) else []
    bad_names = [name for name in names if Path(name).name != name or not name.endswith(".safetensors")]
    if not names or bad_names:
        reason = f"{bad_names[0]!r} is no name of a safetensors file beside it" if bad_names else "no weight_map"
        raise UserError(f"{index}: {reason}. Download the backbone again.")
    return names


def check_header(file: Path) -> None:
    """Refuse a file that is cut, or only points at the weights, before a grid is planned on it."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt"):
            pass
    except (SafetensorError, OSError) as error:
        pointer = file.read_bytes()[:64].startswith(b"version https://git-lfs")
        reason = "a Git LFS pointer, not the weights: run `git lfs pull`" if pointer else f"cut or damaged ({error})"
        raise UserError(f"{file}: {reason}. Download it again.") from error


def fingerprint(files: Sequence[Path], settings: Any) -> str:
    """16 hex digits over files and settings; files are read once per process, because every cell asks."""
    return _fingerprint(tuple((file, version(file)) for file in files), json.dumps(settings))


@lru_cache(maxsize=64)
def _fingerprint(versions: tuple[tuple[Path, Version], ...], settings: str) -> str:
    return digest(chain((file.read_bytes() for file, _ in versions), [settings.encode()]))


def check_loaded(report: Mapping[str, Any], folder: Path, expected: str) -> None:
    """Check transformers' report of a loading.

    Raises:
        UserError: weights are absent from the file, or it has more of a block than the configuration.
    """
    absent = sorted(report["missing_keys"])
    # Heads that a checkpoint was pre-trained with are no loss; blocks that its configuration leaves out are.
    surplus = sorted(key for key in report["unexpected_keys"] if OF_A_BLOCK.search(key))
    if surplus:
        raise UserError(
            f"{folder}/model.safetensors: {len(surplus)} weights of blocks would be dropped, e.g. {surplus[0]}; "
            f"config.json does not fit the file. Download the backbone again."
        )
    if absent:
        raise UserError(
            f"{folder}/model.safetensors: {len(absent)} weights are absent, e.g. {absent[0]}. Expected {expected}."
        )

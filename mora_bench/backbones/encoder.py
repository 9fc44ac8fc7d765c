"""Reads a checkpoint of one of transformers' encoders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mora_bench.backbones.layout import check_loaded, tokenizer_file
from mora_bench.data.modalities.wordpiece import open_tokenizer

#: What is left out at random in training. Of encoders of sound the last two ask for a weight that nothing else reads,
#: and that published checkpoints lack.
DROPOUTS = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "drop_path_rate", "mask_time_prob", "mask_feature_prob"
)  # fmt: skip


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums run in the same order whatever the machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def without_dropout(network: nn.Module) -> nn.Module:
    """The network, whose modules for dropout leave nothing out until `Backbone.set_dropout` says otherwise."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


def for_words(config: dict[str, Any], folder: Path, **marks: str) -> dict[str, Any]:
    """A configuration of several encoders, whose text encoder gets the vocabulary of a folder's tokenizer; `marks`:
    further fields, each with the word whose id it holds."""
    words = open_tokenizer(tokenizer_file(folder)).get_vocab()
    ids = {field: words[word] for field, word in ({"pad_token_id": "[PAD]"} | marks).items()}
    return config | {"text_config": config["text_config"] | {"vocab_size": len(words)} | ids}


def read_as(kind: Any, folder: Path, expected: str) -> Any:
    """The network of transformers' class `kind` in a folder, in float32 and evaluation mode; messages name `expected`.

    Raises:
        UserError: weights are absent.
    """
    from transformers.utils import logging

    logging.disable_progress_bar()
    network, report = kind.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, output_loading_info=True, dtype=torch.float32
    )
    check_loaded(report, folder, expected)
    return network.eval()


def read_encoder(folder: Path) -> nn.Module:
    """The network in a folder without its pooler, in float32 and evaluation mode, without dropout; no code but that of
    transformers is run.

    Raises:
        UserError: weights are absent.
    """
    from transformers import AutoConfig, AutoModel
    from transformers.models.auto.modeling_auto import MODEL_MAPPING
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    for dropout in DROPOUTS:
        if hasattr(config, dropout):
            setattr(config, dropout, 0.0)
    model_class: Any = MODEL_MAPPING[type(config)]
    pooler = {"add_pooling_layer": False} if "add_pooling_layer" in signature(model_class.__init__).parameters else {}
    model, report = AutoModel.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        dtype=torch.float32,
        **pooler,
    )
    # Some have a pooler whatever is asked for. It is not read here.
    report["missing_keys"] = [key for key in report["missing_keys"] if "pooler" not in key]
    check_loaded(report, folder, f"a {config.model_type} checkpoint")
    return model.eval()

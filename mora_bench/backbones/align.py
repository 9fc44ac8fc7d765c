"""ALIGN (Jia et al. 2021, arXiv 2102.05918) with transformers' weights: a BERT, and an EfficientNet that stays frozen.

A text's feature is its [CLS], projected; a picture's is the mean of the EfficientNet's grid, which nothing projects.
The EfficientNet has no tokens that run through blocks, so no method reaches into it: it is read once for all cells
(`grids`), and its features are a stream without blocks. The text's modules are those of `transformers.AlignModel`, so
names, checkpoints and `peft` fit. Features equal `get_text_features` and `get_image_features`
(tests/backbones/test_align.py), with one difference in what is fed in: pictures keep their shape instead of being
stretched to a square that loses its margins. The text runs without dropout.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from mora_bench.backbones import grids
from mora_bench.backbones.clip import SHIPPED
from mora_bench.backbones.dual import ProjectedDual
from mora_bench.backbones.encoder import read_as, without_dropout
from mora_bench.backbones.layout import fingerprint, tokenizer_file
from mora_bench.backbones.pair import BertText
from mora_bench.backbones.spec import Spec
from mora_bench.data.modalities.text import TextRule
from mora_bench.data.modalities.wordpiece import open_tokenizer
from mora_bench.errors import UserError

TEXT, PROJECTION = "text_model", "text_projection"
#: A small one with random weights, which reads texts as the shipped CLIP does, and pictures by `grids.UNTRAINED`.
UNTRAINED = "align-untrained"
SMALL = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
    "max_position_embeddings": 64,
}  # fmt: skip


class Align(ProjectedDual):
    """text: AlignTextModel; projection: of its features; rule: what the frozen network gives of pictures."""

    title = "ALIGN"
    source = "arXiv 2102.05918"
    shipped = {UNTRAINED: "a small ALIGN with random weights"}
    projections = {"text": PROJECTION}

    def __init__(self, text: nn.Module, projection: nn.Module, rule: grids.FeatureGrid, modalities: Mapping[str, str]):
        # No feature is read off its pooler.
        text.pooler = None  # type: ignore[assignment]
        without_dropout(text)
        net = nn.ModuleDict({TEXT: text, PROJECTION: projection}).eval()
        super().__init__(net, {"text": BertText(text, TEXT, False), "image": grids.GridTower(rule)}, modalities)

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        trained, words = folder is not None, tokenizer_file(folder or SHIPPED)
        text = config["text_config"] if trained else SMALL
        pooling = config["vision_config"].get("pooling_type", "mean") if trained else "mean"
        if pooling != "mean":
            raise UserError(
                f"{folder}/config.json: pooling_type of vision_config is {pooling!r}; expected mean, as in ALIGN's "
                "published checkpoint."
            )
        rule = grids.described(str(folder) if trained else grids.UNTRAINED, tokens=1)
        depth = text.get("num_hidden_layers", 12)
        return Spec(
            name=name,
            family="align",
            fingerprint=fingerprint([words], [rule.key(), [] if trained else SMALL]),
            depth=depth,
            width=min(text.get("hidden_size", 768), rule.width),
            rules={
                "text": TextRule(words, min(max_text, text.get("max_position_embeddings", 512))),
                "image": rule,
                "bag": rule,
            },
            folder=folder or SHIPPED,
            trained=trained,
            single_stream=False,
            shallowest=0,
        )

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Align:
        from transformers import AlignModel
        from transformers.models.align.modeling_align import AlignTextConfig, AlignTextModel

        assert spec.folder is not None
        rule = spec.rules["image"]
        assert isinstance(rule, grids.FeatureGrid)
        if spec.trained:
            align = read_as(AlignModel, spec.folder, "an ALIGN checkpoint")
            return cls(align.text_model, align.text_projection, rule, modalities)
        words = open_tokenizer(tokenizer_file(spec.folder)).get_vocab()
        text = AlignTextModel(AlignTextConfig(**SMALL, vocab_size=len(words), pad_token_id=words["[PAD]"]))
        return cls(text, nn.Linear(SMALL["hidden_size"], SMALL["hidden_size"]), rule, modalities)

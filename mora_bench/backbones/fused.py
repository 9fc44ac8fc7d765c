"""`fused:TEXT,PICTURE[,N]`: a pre-trained text transformer that also reads pictures, in one stream.

MMBT (Kiela et al. 2019, arXiv 1909.02950): a frozen picture network (`grids`) gives a grid of features of a picture,
pooled to N cells (4 if N is not given). One linear layer makes a token of each, and TEXT, a BERT, runs them behind the
text's. N is part of the name, because it decides what is computed of the pictures, as the weights do.

TEXT is a folder or hub name whose model_type is bert, `minilm`, or `untrained`; PICTURE what `grids` knows.

Positions and segments are the paper's: every picture is a segment, whose positions count from 0 again; texts have
BERT's first segment, pictures its second. BERT has no third; a learned row for each picture and cell, zero at the
start, tells pictures apart instead, and where in a picture a cell lies. Beyond `SLOTS` pictures of a sample the row is
the last one's; a bag's pictures, which have no order, share theirs. Sums of token, position and segment pass through
BERT's own layer norm, as words do.

Differences from the paper: texts come first, framed as BERT frames them ([CLS] text [SEP]), so that a text alone is
what TEXT was pre-trained on; the picture network stays frozen; features are the mean of all tokens that are there
(no pooler was pre-trained on both kinds). An absent text leaves [CLS] and [SEP], an absent picture nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mora_bench.backbones import grids, load
from mora_bench.backbones.aligned import means, regression
from mora_bench.backbones.blocks import Packed
from mora_bench.backbones.contract import At, textless
from mora_bench.backbones.encoder import read_encoder
from mora_bench.backbones.layout import fingerprint, number, read_json, tokenizer_file, weights_files
from mora_bench.backbones.pair import BertText
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens, texts_first
from mora_bench.backbones.vilt import SHIPPED
from mora_bench.data.batch import Batch, Inputs
from mora_bench.data.modalities.features import FeatureInputs
from mora_bench.data.modalities.text import TextInputs, TextRule
from mora_bench.data.table import PICTURES
from mora_bench.errors import UserError

#: Change it when the same weights would give other outputs.
VERSION = 1
#: Tokens of a picture, and the most that may be asked for.
TOKENS, MOST_TOKENS = 4, 49
#: Pictures of a sample that have rows of their own.
SLOTS = 2
#: Standard deviation of the linear layer at the start, BERT's own.
STD = 0.02
#: A text transformer without weights, as a control and for checks.
SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "max_position_embeddings": 512,
}


class Projection(nn.Module):
    """Maps features of pictures to the embeddings that BERT takes instead of words.

    Args:
        features, width: of a picture network's cell, and of a token.
        tokens: N, of a picture.
        slots: by modality of pictures, how many rows of N it has.
    """

    def __init__(self, features: int, width: int, tokens: int, slots: Mapping[str, int]):
        super().__init__()
        self.linear = nn.Linear(features, width)
        nn.init.normal_(self.linear.weight, std=STD)
        nn.init.zeros_(self.linear.bias)
        self.rows = nn.ParameterDict({name: torch.zeros(count, tokens, width) for name, count in slots.items()})

    def forward(self, inputs: FeatureInputs, name: str) -> Tensor:
        """[B, P, N, D]; of any value where there is no picture."""
        rows = self.rows[name]
        return self.linear(inputs.features) + rows[inputs.slots.clamp(0, len(rows) - 1)]


class Fused(Packed):
    """Attributes:
    bert: the wrapped `transformers.BertModel`; width: D, features per token.
    projection: the start of what `make_projection` returns.
    """

    title = "a text transformer that also reads pictures (MMBT)"
    source = "arXiv 1909.02950"
    kinds = ("text", "image", "bag")
    example = "fused:untrained,untrained"
    streams = towers = ("all",)

    def __init__(self, bert: nn.Module, rule: grids.FeatureGrid, modalities: Mapping[str, str]):
        super().__init__()
        self.bert: Any = bert
        self.modalities = tuple(modalities)
        self.of_kind = tuple(modalities.values())
        self._text = BertText(bert, "", mean=True)
        self.width = self._text.width
        self.widths = (self.width,)
        self.depths = (self._text.depth,)
        slots = {name: SLOTS if kind == "image" else 1 for name, kind in modalities.items() if kind in PICTURES}
        self.projection = Projection(rule.width, self.width, rule.tokens, slots)

    @classmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        text, picture, tokens = _halves(name)
        rule = grids.described(picture, tokens)
        folder, config = _text_of(text, name)
        tokenizer = tokenizer_file(folder or SHIPPED)
        where = (folder or Path(text)) / "config.json"
        positions = number({"max_position_embeddings": 512} | config, "max_position_embeddings", where)
        files = [tokenizer] if folder is None else [where, tokenizer, *weights_files(folder)]
        return Spec(
            name=name,
            family="fused",
            fingerprint=fingerprint(files, ["fused", VERSION, rule.key(), SLOTS, folder is None]),
            depth=number({"num_hidden_layers": 12} | config, "num_hidden_layers", where),
            width=number({"hidden_size": 768} | config, "hidden_size", where),
            rules={"text": TextRule(tokenizer, min(max_text, positions)), "image": rule, "bag": rule},
            folder=folder,
            trained=folder is not None,
            readout="mean",
            projection=True,
        )

    @classmethod
    def unfit(cls, modalities: Mapping[str, str]) -> str:
        return textless(modalities, "its network is one of texts")

    @classmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Fused:
        if wrong := cls.unfit(modalities):
            raise UserError(f"backbone {spec.name}: {wrong}.")
        rule = spec.rules["image"]
        assert isinstance(rule, grids.FeatureGrid)
        bert = _untrained(spec) if spec.folder is None else read_encoder(spec.folder)
        return cls(bert, rule, modalities).eval()

    @property
    def network(self) -> nn.Module:
        return self.bert

    @property
    def untyped(self) -> tuple[str, ...]:
        texts = [name for name, kind in zip(self.modalities, self.of_kind, strict=True) if kind == "text"]
        return tuple(texts[1:])

    def embed(self, batch: Batch) -> list[Part]:
        return self.embed_by(batch, self.projection)

    def embed_by(self, batch: Batch, projection: nn.Module) -> list[Part]:
        parts = []
        for name, inputs in zip(self.modalities, batch.inputs, strict=True):
            if isinstance(inputs, TextInputs):
                parts.append(Part(self.bert.embeddings(input_ids=inputs.ids), inputs.mask))
            elif isinstance(inputs, FeatureInputs):
                parts.append(self._pictures(projection(inputs, name), inputs.slots >= 0))
            else:
                empty = torch.zeros(len(batch), 0, self.width, device=batch.present.device)
                parts.append(Part(empty, empty[..., 0].bool()))
        return parts

    def unprojected(self, inputs: Inputs) -> Part | None:
        if not isinstance(inputs, FeatureInputs):
            return None
        mask = (inputs.slots >= 0)[..., None].expand(inputs.features.shape[:3])
        return Part(inputs.features.flatten(1, 2), mask.flatten(1))

    @torch.no_grad()
    def align(self, projection: nn.Module, batches: Iterable[Batch]) -> int:
        """By a ridge regression (`aligned`); the rows stay zero."""
        assert isinstance(projection, Projection)
        words = self.bert.embeddings.word_embeddings.weight
        pictures, texts = zip(*(means(batch, words) for batch in batches), strict=True)
        weight, bias = regression(torch.cat(pictures).cpu().numpy(), torch.cat(texts).cpu().numpy())
        projection.linear.weight.copy_(torch.from_numpy(weight))
        projection.linear.bias.copy_(torch.from_numpy(bias))
        return sum(map(len, texts))

    def _pictures(self, x: Tensor, shown: Tensor) -> Part:
        """Tokens of pictures with their positions and segment: x [B, P, N, D], shown bool [B, P]."""
        pictures, tokens = x.shape[1:3]
        positions = torch.arange(tokens, device=x.device).repeat(pictures)
        segment = torch.full_like(positions, min(1, self.bert.config.type_vocab_size - 1))
        shape = len(x), pictures * tokens
        embedded = self.bert.embeddings(
            inputs_embeds=x.flatten(1, 2),
            position_ids=positions[None].expand(shape),
            token_type_ids=segment[None].expand(shape),
        )
        return Part(embedded, shown[..., None].expand(x.shape[:3]).flatten(1))

    def join(self, parts: Sequence[Part], present: Tensor) -> tuple[Tokens, ...]:
        return (texts_first(parts, self.of_kind, present),)

    def block(
        self, at: At, tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None, first: int | None = None
    ) -> Tokens:
        return self.run(self._text.steps(at.block), tokens, prefix, first)

    def query(self, at: At, x: Tensor) -> Tensor:
        return self._text.steps(at.block).query(x)

    def norm(self, stream: int, x: Tensor) -> Tensor:
        return x

    def make_pooler(self) -> nn.Module:
        return nn.ModuleDict()

    def make_projection(self) -> nn.Module:
        return copy.deepcopy(self.projection)

    @property
    def unused(self) -> list[nn.Parameter]:
        return list(self.projection.parameters())

    def pool(self, streams: tuple[Tokens, ...], pooler: nn.Module) -> Tensor:
        """The mean of a sample's tokens, [B, D], without what a method added."""
        return streams[0].mean()

    def layer(self, at: At) -> nn.Module:
        return self._text.layer(at.block)

    def path(self, at: At) -> str:
        return f"{BertText.blocks}.{at.block}"

    def linear(self, at: At, role: str) -> str:
        return f"{self.path(at)}.{BertText.paths[role]}"


def _halves(name: str) -> tuple[str, str, int]:
    """TEXT, PICTURE and N of a name.

    Raises:
        UserError: it is not of that form.
    """
    text, picture, tokens, *extra = [*name.partition(":")[2].split(","), "", ""][:4]
    count = int(tokens) if tokens.isdecimal() and len(tokens) < 4 else 0 if tokens else TOKENS
    if not text or not picture or any(extra) or not 1 <= count <= MOST_TOKENS:
        raise UserError(
            f"backbone {name!r}: expected fused:TEXT,PICTURE or fused:TEXT,PICTURE,N, two folders or names without a "
            f"comma and 1 to {MOST_TOKENS} tokens a picture, e.g. fused:minilm,lite0."
        )
    return text, picture, count


def _text_of(text: str, name: str) -> tuple[Path | None, dict[str, Any]]:
    """The folder and configuration of the text transformer; no folder if it has no weights.

    Raises:
        UserError: there is none, or it is no BERT.
    """
    if text == grids.UNTRAINED:
        return None, dict(SMALL)
    folder = load.folder_of(text)
    config = read_json(folder, "config.json", text)
    positions = config.get("position_embedding_type", "absolute")
    if config.get("model_type") != "bert" or positions != "absolute":
        raise UserError(
            f"{folder / 'config.json'}: model_type is {config.get('model_type')!r} with {positions} positions; as TEXT "
            f"of {name!r} expected bert (BERT, MiniLM, PubMedBERT, BioClinicalBERT, ...) with absolute ones: pictures "
            "need its segments and positions."
        )
    return folder, config


def _untrained(spec: Spec) -> nn.Module:
    from transformers import BertConfig, BertModel

    from mora_bench.data.modalities.wordpiece import open_tokenizer

    rule = spec.rules["text"]
    assert isinstance(rule, TextRule)
    words = open_tokenizer(rule.tokenizer).get_vocab_size()
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return BertModel(BertConfig(**SMALL, **dropout, vocab_size=words), add_pooling_layer=False)

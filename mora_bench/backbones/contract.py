"""The contract of a backbone: a pre-trained network as streams of tokens that run through blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from mora_bench import registry
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.data.batch import Batch, Inputs
from mora_bench.errors import UserError

#: The roles of linear layers in a block. Methods name layers by role, never by path.
ROLES = ("query", "key", "value", "attention_output", "mlp_in", "mlp_out")
#: The ends of the names under which transformers drops attention weights.
OF_ATTENTION_WEIGHTS = ("attention.attention.dropout", "attention.self.dropout")


class At(NamedTuple):
    """A place in a backbone: a block of a stream."""

    stream: int
    block: int


class Backbone(nn.Module, ABC):
    """`embed` -> (imputer) -> `join` -> `block(At(s, 0))` ... `block(At(s, depth - 1))` -> `pool`.

    A backbone with one stream runs all modalities together. One with several has a stream per modality, in their order.
    The blocks of a stream are its tower; streams of one kind may share a tower. A modality of a kind that the backbone
    does not embed runs through no block of such a backbone: its tokens come out as they went in.

    Attributes:
        modalities: names of the dataset's modalities, in order.
        streams: names of the streams.
        towers: name of each stream's tower.
        widths: D, features per token, of each stream.
        depths: blocks of each stream. Beyond them, `block` returns its tokens as they are.
    """

    group: ClassVar[str] = registry.BACKBONES
    title: ClassVar[str]
    source: ClassVar[str]
    #: Kinds of content that it embeds.
    kinds: ClassVar[tuple[str, ...]]
    #: The backbones that the family ships: name -> short description.
    shipped: ClassVar[dict[str, str]] = {}
    #: Why plain transformers and peft cannot run adapters that were trained on it, in words that follow its title; ""
    #: if they can.
    not_plain: ClassVar[str] = ""
    #: The file that describes a folder of the family. `model_type` in config.json names a family; one that has another
    #: file is known by that file, in folders whose config.json names none.
    config_file: ClassVar[str] = "config.json"
    #: If names of the family are `FAMILY:...`: one of them that needs no download. `describe` is then given the whole
    #: name and no folder.
    example: ClassVar[str] = ""

    modalities: tuple[str, ...]
    streams: tuple[str, ...]
    towers: tuple[str, ...]
    widths: tuple[int, ...]
    depths: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        # In evaluation torch's own encoder layers read their weights past the layers that hold them (torch 2.13:
        # `_transformer_encoder_layer_fwd`), so what a method put around a layer would run in training alone. Whatever
        # trains, predicts or checks constructs a backbone first; so the whole process does without.
        torch.backends.mha.set_fastpath_enabled(False)

    @property
    def depth(self) -> int:
        """Blocks of the deepest stream."""
        return max(self.depths)

    def stream_of(self, modality: int) -> int:
        """The stream that a modality's tokens run through."""
        return 0 if len(self.streams) == 1 else modality

    def width_of(self, modality: int) -> int:
        """Features per token of one modality."""
        return self.widths[self.stream_of(modality)]

    @classmethod
    @abstractmethod
    def describe(cls, name: str, folder: Path | None, config: dict[str, Any], max_text: int) -> Spec:
        """Describe `name`: one of `shipped` (then `folder` is None), or a folder whose `config_file` is `config`.

        Raises:
            UserError: files are absent or malformed.
        """

    @classmethod
    def resized(cls, spec: Spec, side: int) -> Spec:
        """`spec`, one of this family, with pictures whose shorter side is `side` pixels.

        Raises:
            UserError: it reads pictures of one size alone, as by default, or none of that size.
        """
        raise UserError(
            f"backbone {spec.name}: pictures of {side} pixels: its positions belong to the size that it was trained "
            "on. Leave @ out, or take a ViLT, whose positions are interpolated."
        )

    @classmethod
    def unfit(cls, modalities: Mapping[str, str]) -> str:
        """Why it cannot run on a dataset with these modalities (kind by name), in words; "" if it can."""
        return ""

    @classmethod
    @abstractmethod
    def load(cls, spec: Spec, modalities: Mapping[str, str], max_text: int) -> Backbone:
        """The network in float32, in evaluation mode.

        Weights that were not trained are drawn from torch's global generator, which is seeded for this.

        Args:
            modalities: kind of each modality of the dataset, by name, in order.
            max_text: the largest number of tokens of a text.

        Raises:
            UserError: it cannot run on these modalities, or its weights cannot be read.
        """

    @property
    @abstractmethod
    def network(self) -> nn.Module:
        """The module that holds all its weights, as the `peft` library would wrap it; `linear` names paths in it."""

    @abstractmethod
    def embed(self, batch: Batch) -> list[Part]:
        """Tokens of each modality, [B, T, D] with mask [B, T]; for kinds that it does not embed, any `Part`."""

    def make_projection(self) -> nn.Module | None:
        """A copy of the layers that bring contents into the network and were not pre-trained with it; None if it has
        none. As the pooler's, the copy trains under every method, and the backbone's own (`unused`) never."""
        return None

    def embed_by(self, batch: Batch, projection: nn.Module) -> list[Part]:
        """`embed`, with a copy that `make_projection` returned instead of the backbone's own."""
        raise NotImplementedError(f"{type(self).__name__} has a projection and does not embed by it")

    def unprojected(self, inputs: Inputs) -> Part | None:
        """The features of one modality's inputs that a projection that was not pre-trained reads, [B, T, F]; None if no
        projection reads them."""
        return None

    def align(self, projection: nn.Module, batches: Iterable[Batch]) -> int:
        """Fit a copy that `make_projection` returned to training samples, without labels; the same bits for the same
        samples. Gives the number of samples that it learned from, those that are complete.

        Raises:
            UserError: there are too few of them.
        """
        raise NotImplementedError(f"{type(self).__name__} has a projection and does not align it")

    @abstractmethod
    def join(self, parts: Sequence[Part], present: Tensor) -> tuple[Tokens, ...]:
        """The parts as streams, ready for their first block; present bool [B, M]."""

    @abstractmethod
    def block(
        self, at: At, tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None, first: int | None = None
    ) -> Tokens:
        """Run one block on one stream. Shapes are unchanged.

        `prefix` is a pair of [B, P, D]: keys and values that every token can attend to besides those of the sequence.
        With `first`, only the first `first` tokens are computed; they attend to all tokens.
        """

    @abstractmethod
    def query(self, at: At, x: Tensor) -> Tensor:
        """The queries that a block computes of tokens x, [..., D] -> [..., D], before they are cut into heads."""

    @abstractmethod
    def norm(self, stream: int, x: Tensor) -> Tensor:
        """The norm after a stream's last block, which comes before pooling: [..., D] -> [..., D]."""

    @abstractmethod
    def make_pooler(self) -> nn.Module:
        """A copy of the backbone's pooler. The copy trains under every method, the backbone's own never."""

    @abstractmethod
    def pool(self, streams: tuple[Tokens, ...], pooler: nn.Module) -> Tensor:
        """The classifier's input, [B, `features`], whichever streams are absent."""

    def make_combiner(self) -> nn.Module:
        """The part of `make_pooler` that still runs where a readout stands in for `pool`: what `combine` is handed. It
        trains under every method, too."""
        return nn.ModuleDict()

    def combine(self, features: Sequence[Tensor], combiner: nn.Module) -> Tensor:
        """Features of each stream, [..., D], put together as `pool` does: [..., sum of `shares`]. By default they stand
        side by side."""
        return torch.cat(list(features), -1)

    @property
    def shares(self) -> tuple[int, ...]:
        """The number of features of `pool` that come from each stream, in order."""
        return self.widths

    @property
    def features(self) -> int:
        """The number of features that `pool` returns."""
        return sum(self.shares)

    @property
    def untyped(self) -> tuple[str, ...]:
        """Modalities for which its weights have no token type of their own, such as a second picture. Each gets a
        type embedding that is added to its tokens, starts at zero and trains with the head."""
        return ()

    @property
    def unused(self) -> list[nn.Parameter]:
        """Its parameters that never run, because `make_pooler` or `make_projection` returns a copy of them."""
        return []

    @abstractmethod
    def layer(self, at: At) -> nn.Module:
        """The module of one block."""

    def path(self, at: At) -> str:
        """The path in `network` of the module of one block."""
        layer = self.layer(at)
        return next(path for path, module in self.network.named_modules() if module is layer)

    @abstractmethod
    def linear(self, at: At, role: str) -> str:
        """The path in `network` of a block's linear layer that plays one of `ROLES`."""

    def pooler_path(self, name: str) -> str:
        """The path in `network` of the weight that a parameter of `make_pooler`'s copy, called `name`, replaces."""
        return f"pooler.{name}"

    def see_samples_apart(self, apart: bool) -> None:
        """Set whether layers inside blocks must see [B, T, D], because a method treats samples differently there. If
        not, a backbone may leave padding out and give them one flat sequence, [N, D]."""

    def set_dropout(self, rate: float) -> None:
        """Let the network drop out in training where its architecture does: on embeddings, and on what attention and
        MLP give; not on attention weights.

        Raises:
            UserError: its blocks have no dropout.
        """
        dropouts = {
            name: module
            for name, module in self.network.named_modules()
            if isinstance(module, nn.Dropout) and not name.endswith(OF_ATTENTION_WEIGHTS)
        }
        if not any(path in name for name in dropouts for path in map(self.path, self.places(range(self.depth)))):
            raise UserError(f"recipe.dropout {rate:g}: the blocks of this backbone have no dropout. Leave it at 0.")
        for module in dropouts.values():
            module.p = rate

    def places(self, blocks: Sequence[int]) -> list[At]:
        """The blocks of the given numbers in all streams that have them, block after block."""
        return [At(s, block) for block in blocks for s, depth in enumerate(self.depths) if block < depth]


def textless(modalities: Mapping[str, str], because: str) -> str:
    """Why a backbone that needs a text cannot run on a dataset with these modalities (kind by name); "" if it can."""
    listed = ", ".join(f"{name} ({kind})" for name, kind in modalities.items())
    return "" if "text" in modalities.values() else f"{because}, and the dataset has no text but {listed}"

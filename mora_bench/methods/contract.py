"""The contract of a method: which axes it reads, at which block it begins, what replaces a frozen block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

from torch import Tensor, nn

from mora_bench import registry
from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.spec import Spec
from mora_bench.backbones.tokens import Part, Tokens

#: `first_block` of a method that changes the embeddings, too.
EMBEDDINGS = -1


class Frozen(Protocol):
    """The backbone's own block. `prefix`, a pair of [B, P, D], is added to its keys and values."""

    def __call__(self, tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None) -> Tokens: ...


@dataclass(frozen=True)
class Axes:
    """A method's own settings; 0 and () where it does not read the axis.

    Attributes:
        rank: r of a low-rank adapter, at least 1.
        blocks: the blocks it acts on, ascending, each in 0..depth - 1.
        knobs: what else it reads, by name.
    """

    rank: int = 0
    blocks: tuple[int, ...] = ()
    knobs: dict[str, Any] = field(default_factory=dict, hash=False)


class Method(nn.Module, ABC):
    """One way to adapt a pre-trained backbone. Subclass it, set the class attributes, override what differs.

    The harness freezes the backbone, constructs the method, calls `attach`, trains whatever then requires a gradient
    (plus the pooler and the classifier, which every method shares), and runs `block` in place of every block from
    `first_block` on. `detach` must leave the backbone as it was, bit for bit.

    Stages before `first_block` are computed once and kept, if nothing that trains affects them. The harness tests this
    (`mora_bench.training.probe`); a method does not declare it. Whatever changes from step to step must be a parameter
    or a buffer, because a cell that was killed goes on from these.
    """

    group: ClassVar[str] = registry.METHODS
    #: Its name in the paper, and the paper.
    title: ClassVar[str]
    source: ClassVar[str]
    #: Its group of rows in tables: "fine-tuning", "low-rank", "missing-aware", "MoRA", or one of your own.
    family: ClassVar[str] = "other"
    #: The axes it reads, with the values its paper uses: "rank", "blocks" (as on the command line), and its own knobs.
    reads: ClassVar[dict[str, str | int | float | bool]] = {}
    #: Whether weights of the backbone itself train (full fine-tuning, BitFit).
    trains_backbone: ClassVar[bool] = False
    #: Whether it reads the labels of training samples beside its loss, so that `fit_labelled` is called. The rule
    #: `mora_bench.checks.leaks.own_label` checks what it does with them.
    reads_labels: ClassVar[bool] = False
    #: A remark on it for readers of tables, in words that follow its name; "" if nothing.
    remark: ClassVar[str] = ""
    #: Change it when the same cell would train something else.
    version: ClassVar[int] = 1

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__()

    @classmethod
    def unfit(cls, spec: Spec) -> str:
        """Why it makes no sense on a backbone, in words; "" if it does."""
        return ""

    @property
    @abstractmethod
    def first_block(self) -> int:
        """The earliest block it changes: `EMBEDDINGS`, 0..depth - 1, or depth if it changes none."""

    def attach(self, backbone: Backbone) -> None:
        """Change the backbone's modules, or which of their parameters train, if the method needs that."""

    def fit(self, observed: Iterable[tuple[list[Part], Tensor]]) -> None:
        """Learn from embedded training batches before anything trains: (parts, present bool [B, M]).

        They hold only what the training mask shows: no labels, no validation or test rows, and a dummy for every absent
        modality. The rule `mora_bench.checks.leaks.hidden` checks this.
        """

    def fit_labelled(self, observed: Iterable[tuple[list[Part], Tensor, Tensor]], steady: Tensor) -> None:
        """Learn from embedded training batches and their labels, after `fit`, where the class says `reads_labels`.

        What a sample is predicted must not depend on its own label in what is learned here, in training and afterwards
        alike: training would else read the answer. Parameters may be made here, because nothing has trained yet.

        Args:
            observed: (parts, present bool [B, M], labels float [B, C]) of the training side alone, as its mask shows
                it. Labels are 1, 0, or NaN where the data do not say (`Task.truth`).
            steady: bool [M], the modalities whose embedded tokens stay as they are here: nothing that trains and no
                dropout changes them, and they are computed in float32 in training, too. A sample is known by these.
        """

    def detach(self, backbone: Backbone) -> None:
        """Undo `attach` and any training of the backbone's own weights."""

    def block(self, at: At, frozen: Frozen, tokens: Tokens) -> Tokens:
        """The step that replaces one block of one stream. `frozen` runs the backbone's own block."""
        return frozen(tokens)

    def depth(self, block: int, frozen: Sequence[Frozen], streams: tuple[Tokens, ...]) -> tuple[Tokens, ...]:
        """The step that replaces the blocks of one depth in all streams; override it if streams must see each other."""
        return tuple(
            self.block(At(s, block), frozen_block, tokens)
            for s, (frozen_block, tokens) in enumerate(zip(frozen, streams, strict=True))
        )

    def pooled(self, features: Tensor, present: Tensor) -> Tensor:
        """The features that replace the classifier's input, [B, F]. Each stream has its share of them
        (`Backbone.shares`); present is bool [B, M]."""
        return features

    def export(self) -> tuple[Any, dict[str, Tensor]] | None:
        """A `peft` config and the adapter's tensors, named as in the backbone's network wrapped by it (adapter's name
        left out), or None if the `peft` library has no such method."""
        return None

    def penalty(self) -> Tensor | float:
        """A scalar that is added to the loss of every training step."""
        return 0.0


class Place(NamedTuple):
    """The k-th block of a tower that a method changes."""

    tower: str
    k: int


class InBlocks(Method):
    """A method that changes only the blocks that its axes name: override `changed`.

    Streams of one tower share its weights, so they share what a method adds to it, too.

    Attributes:
        place: the blocks where it acts, by stream and block.
        shape: (number of its blocks, width) of each tower where it acts.
    """

    reads = {"blocks": "all"}

    def __init_subclass__(cls, **more: Any):
        super().__init_subclass__(**more)
        # Where they are no dict, whoever loads the class says so.
        if isinstance(cls.reads, dict) and "blocks" not in cls.reads:
            has = ", ".join(map(repr, cls.reads)) or "nothing"
            raise TypeError(
                f"{cls.__name__}: reads has {has}, and not 'blocks', which every subclass of InBlocks reads. "
                'Write reads = {"blocks": "all"}, with what else it reads'
            )

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self.place: dict[At, Place] = {}
        self.shape: dict[str, tuple[int, int]] = {}
        for at in backbone.places(axes.blocks):
            tower, width = backbone.towers[at.stream], backbone.widths[at.stream]
            place = Place(tower, axes.blocks.index(at.block))
            self.place[at] = place
            self.shape[tower] = (max(place.k + 1, self.shape.get(tower, (0, 0))[0]), width)

    @property
    def first_block(self) -> int:
        return min(at.block for at in self.place)

    def once(self) -> dict[Place, At]:
        """The places, each with one stream and block of it."""
        places: dict[Place, At] = {}
        for at, place in self.place.items():
            places.setdefault(place, at)
        return places

    def block(self, at: At, frozen: Frozen, tokens: Tokens) -> Tokens:
        return self.changed(self.place[at], frozen, tokens) if at in self.place else frozen(tokens)

    def changed(self, place: Place, frozen: Frozen, tokens: Tokens) -> Tokens:
        """The step that replaces one of its blocks. `frozen` runs the backbone's own block."""
        return frozen(tokens)


#: Properties that a class may declare of itself. Subclasses do not inherit them: any change may make them untrue.
#:
#: samples_apart = True: layers inside a block must see samples apart, [B, T, D], because they treat them differently.
#:     If not declared, padding is left out and they see one flat sequence, [N, D].
#: pads_rank = True: rows of zeros added to a smaller rank change nothing, so that cells of several ranks may be trained
#:     as one.
DECLARED = ("samples_apart", "pads_rank")


def declares(method: type[Method], name: str) -> bool:
    """Whether a class itself, not one that it inherits from, declares one of `DECLARED`."""
    if name not in DECLARED:
        raise KeyError(name)
    return bool(vars(method).get(name, False))

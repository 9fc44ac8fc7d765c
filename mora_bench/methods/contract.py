"""The contract every competitor meets: what it reads, where it begins, what it puts in place of a frozen block."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

from mora_bench.backbones.tokens import Tokens
from mora_bench.backbones.vilt import Backbone

#: `first_block` of a method that changes even the embeddings.
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
    """

    rank: int = 0
    blocks: tuple[int, ...] = ()


class Method(nn.Module, ABC):
    """One way to adapt a pre-trained backbone. Subclass it, set the class attributes, override what differs.

    The harness freezes the backbone, constructs the method, calls `attach`, trains whatever then requires a gradient
    (plus the pooler and the classifier, which every method shares), and runs `block` in place of every block from
    `first_block` on. `detach` must leave the backbone as it was, bit for bit.
    """

    #: What the paper calls it, and where that is.
    title: ClassVar[str]
    source: ClassVar[str]
    #: The group of rows it stands in: "fine-tuning", "low-rank", "missing-aware", "MoRA", or one of your own.
    family: ClassVar[str] = "other"
    #: The axes it reads, "rank" and/or "blocks", with the value its paper uses; block sets as on the command line.
    reads: ClassVar[dict[str, str | int]] = {}
    #: Whether weights of the backbone itself train (full fine-tuning, BitFit).
    trains_backbone: ClassVar[bool] = False
    #: Whether it needs more of the last block than [CLS]. If not, `frozen` computes [CLS] alone there, [B, 1, D].
    needs_all_tokens: ClassVar[bool] = False
    #: Whether layers inside a block must see samples apart, [B, T, D], because they treat them differently. If not,
    #: padding is left out and they see one flat sequence, [N, D].
    needs_samples: ClassVar[bool] = False
    #: Whether in its first block it runs `frozen` on the very tokens it was given, and changes nothing inside: what
    #: comes out is then constant, too, and computed once.
    keeps_input: ClassVar[bool] = False
    #: Whether rows of zeros added to a smaller rank change nothing: cells of several ranks may then be trained as one.
    pads_rank: ClassVar[bool] = False
    #: Change it when the same cell would train something else.
    version: ClassVar[int] = 1

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__()

    @property
    @abstractmethod
    def first_block(self) -> int:
        """The earliest block it changes: `EMBEDDINGS`, 0..depth - 1, or depth if it changes none."""

    def attach(self, backbone: Backbone) -> None:
        """Change the backbone's modules, or what of them trains, if the method needs that."""

    def detach(self, backbone: Backbone) -> None:
        """Undo `attach` and any training of the backbone's own weights."""

    def block(self, i: int, frozen: Frozen, tokens: Tokens) -> Tokens:
        """What replaces block i. `frozen` runs the backbone's own block."""
        return frozen(tokens)

    def export(self) -> tuple[Any, dict[str, Tensor]] | None:
        """A `peft` config and the adapter's tensors, named as in a plain ViltModel wrapped by it (adapter's name left
        out), or None if the `peft` library has no such method."""
        return None

    def penalty(self) -> Tensor | float:
        """What is added to the loss of every training step, a scalar."""
        return 0.0


class InBlocks(Method):
    """A method that changes the blocks of its axes and no other: override `changed`.

    Attributes:
        place: block number -> k, its place among the method's blocks.
    """

    reads = {"blocks": "all"}

    def __init__(self, backbone: Backbone, axes: Axes):
        super().__init__(backbone, axes)
        self.place = {block: k for k, block in enumerate(axes.blocks)}

    @property
    def first_block(self) -> int:
        return min(self.place)

    def block(self, i: int, frozen: Frozen, tokens: Tokens) -> Tokens:
        return self.changed(self.place[i], frozen, tokens) if i in self.place else frozen(tokens)

    def changed(self, k: int, frozen: Frozen, tokens: Tokens) -> Tokens:
        """What replaces the k-th of its blocks. `frozen` runs the backbone's own block."""
        return frozen(tokens)

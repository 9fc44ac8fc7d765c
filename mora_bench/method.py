"""The contract every competitor meets: what it reads, where it begins, what it puts in place of a frozen block."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from mora_bench.backbone.vilt import Backbone
from mora_bench.tokens import Tokens

#: `first_block` of a method that changes even the embeddings.
EMBEDDINGS = -1


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
    #: The axes it reads, "rank" and/or "blocks", with the value its paper uses; block sets as on the command line.
    reads: ClassVar[dict[str, str | int]] = {}
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

    def block(self, i: int, frozen: Callable[[Tokens], Tokens], tokens: Tokens) -> Tokens:
        """What replaces block i. `frozen` runs the backbone's own block."""
        return frozen(tokens)

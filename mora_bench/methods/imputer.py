"""What stands in for a missing modality, in embedding space: the contract, and the dummy that does nothing."""

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn

from mora_bench import registry
from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Part


class Imputer(nn.Module):
    """Replaces the tokens of modalities that a sample lacks, between the embedding and block 0.

    `fit` is given what the training mask shows and nothing else: no labels, no validation or test rows. `present`
    keeps saying what was observed, so methods are never told that anything was imputed.
    """

    group: ClassVar[str] = registry.IMPUTERS
    title: ClassVar[str]
    source: ClassVar[str]
    #: Change it when the same cell would be filled with something else.
    version: ClassVar[int] = 1

    def __init__(self, backbone: Backbone):
        """`backbone` is still as it was pre-trained; who needs it later keeps a copy, for a method may change it."""
        super().__init__()

    def fit(self, observed: Iterable[tuple[list[Part], Tensor]]) -> None:
        """Learn from embedded training batches: (parts, present bool [B, M])."""

    def report(self) -> dict[str, str]:
        """What it was fitted on, for the record."""
        return {}

    def fill(self, parts: list[Part], present: Tensor) -> list[Part]:
        """Return `parts` with other tokens where `present` is False; where it is True, bit for bit the same."""
        return parts


class Dummy(Imputer):
    """The protocol's own answer: the all-ones picture and the empty text, as embedded. Changes nothing."""

    title = "dummy input"
    source = "arXiv 2303.03369, section 3.1"

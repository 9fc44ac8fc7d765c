"""The contract of imputers, which replace a missing modality in embedding space; the dummy, which changes nothing."""

from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor, nn

from mora_bench import registry
from mora_bench.backbones.contract import Backbone
from mora_bench.backbones.tokens import Part


class Imputer(nn.Module):
    """Replaces the tokens of modalities that a sample lacks, between the embedding and block 0.

    `fit` gets only what the training mask shows: no labels, no validation or test rows. Imputed modalities stay False
    in `present`, so methods treat them as missing. Where a kind's embedder trains (tables), `fit` sees it untrained.
    """

    group: ClassVar[str] = registry.IMPUTERS
    title: ClassVar[str]
    source: ClassVar[str]
    #: Change it when the same cell would be imputed differently.
    version: ClassVar[int] = 1

    def __init__(self, backbone: Backbone):
        """`backbone` has its pre-trained weights. Copy it if you need it later, because a method may change it."""
        super().__init__()

    def fit(self, observed: Iterable[tuple[list[Part], Tensor]]) -> None:
        """Learn from embedded training batches: (parts, present bool [B, M])."""

    def report(self) -> dict[str, str]:
        """A description of what the imputer was fitted on, for the record."""
        return {}

    def fill(self, parts: list[Part], present: Tensor) -> list[Part]:
        """Return `parts` with new tokens where `present` is False, and bit for bit the same where it is True."""
        return parts


class Dummy(Imputer):
    """The protocol's default, which changes nothing: the embedded dummies stay (all-ones picture, empty text)."""

    title = "dummy input"
    source = "arXiv 2303.03369, section 3.1"

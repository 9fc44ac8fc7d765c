"""The contract of a counter: a tool of others that says what one forward pass of a network costs.

All numbers here are multiply-adds (MACs) of one forward pass of one sample. A tool may print FLOPs, two for each
multiply-add, or call multiply-adds FLOPs: `unit` and `per_multiply_add` say which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

#: Differences from ours up to this share of ours need no reason.
SMALL = 0.01
#: The most that norms, activations and softmax may add, as a share of ours.
ELEMENTWISE = 0.1


@dataclass(frozen=True)
class Net:
    """One network and its inputs.

    Attributes:
        name: which network, in words.
        module: called as `module(**inputs)` or with the tensors in that order; returns a tuple of tensors.
        inputs: tensors of one sample by the name of the argument.
        attention: the implementation that transformers runs, "" where the network is not one of transformers'.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    attention: str = ""


class Positional(nn.Module):
    """One of transformers' networks, also called with its tensors in order, because not every tool knows keywords.

    Args:
        module: the network; names: of its tensors, in order; constants: what else it is called with.
    """

    def __init__(self, module: nn.Module, names: tuple[str, ...], constants: Mapping[str, Any] | None = None):
        super().__init__()
        self.module = module
        self._names, self._constants = names, dict(constants or {})

    def forward(self, *tensors: Tensor, **named: Tensor) -> tuple[Tensor, ...]:
        arguments = dict(zip(self._names, tensors, strict=False)) | named | self._constants
        return tuple(part for part in self.module(**arguments).values() if isinstance(part, Tensor))


@dataclass(frozen=True)
class CostParts:
    """Our multiply-adds of a net, by what makes them, and its parameters.

    Attributes:
        dense: linear layers; convolutions: the same of convolutions.
        products: products of two activations, such as attention's where it is not fused.
        fused: those inside fused attention.
        parameters: all, each once.
        convolved: those of convolutions.
        left_out: operators without a formula, counted as free.
    """

    dense: int
    convolutions: int
    products: int
    fused: int
    parameters: int
    convolved: int
    left_out: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return self.dense + self.convolutions + self.products + self.fused


class Printed(NamedTuple):
    """The numbers that a tool prints: of the pass, in its own unit; and parameters, None if it prints none."""

    value: float
    parameters: int | None = None


class Counter(ABC):
    """One tool. Subclasses import it only when `count` runs.

    Attributes:
        name: of the tool; module: what is imported; packages: the names under which it is installed.
        unit: what the tool calls its number.
        per_multiply_add: how much a multiply-add adds to that number.
        counted_parameters: which parameters it prints, in words, where that is not all of them.
        also: what it counts that we do not, in words.
    """

    name: ClassVar[str]
    module: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]
    unit: ClassVar[str]
    per_multiply_add: ClassVar[int] = 1
    counted_parameters: ClassVar[str] = ""
    also: ClassVar[str] = ""

    @abstractmethod
    def count(self, net: Net) -> Printed:
        """Count a net, which the tool may spoil. Whatever it raises is shown."""

    @abstractmethod
    def expected(self, ours: CostParts) -> tuple[float, str]:
        """The multiply-adds that it should say if it differs from us only as it is known to, and how that is."""

    def version(self) -> str | None:
        """The installed version, None if it is not installed."""
        if find_spec(self.module) is None:
            return None
        for package in self.packages:
            try:
                return version(package)
            except PackageNotFoundError:
                continue
        return "of unknown version"


def without_fused(ours: CostParts) -> tuple[float, str]:
    """The multiply-adds that most tools see on a CPU: all but fused attention; and why, in words."""
    return ours.total - ours.fused, f"leaves out fused attention, {ours.fused / ours.total:.1%} of ours"


@dataclass(frozen=True)
class CountRow:
    """The numbers of one tool for a net, beside ours.

    Attributes:
        tool, version: its name; None if it is not installed.
        status: "counted", "failed", or "not installed".
        prints: its number as it prints it, with its unit.
        multiply_adds: that in multiply-adds; over_ours: divided by ours.
        parameters: that it prints.
        why: why either differs from ours, or the error that the tool ended with.
    """

    tool: str
    version: str | None
    status: str
    prints: str = ""
    multiply_adds: float | None = None
    over_ours: float | None = None
    parameters: int | None = None
    why: tuple[str, ...] = field(default=())

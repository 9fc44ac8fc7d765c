"""The cost of methods on a backbone: parameters, shares and multiply-adds as we count them, and peft's shares."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from torch import nn

from mora_bench import registry
from mora_bench.errors import UserError
from mora_bench.methods.contract import Axes, Method
from mora_bench.methods.imputer import Dummy
from mora_bench.methods.network import Model, Shortcuts
from mora_bench.plan.blocks import parse_blocks
from mora_bench.training.cost import parameters
from mora_bench.training.counters.nets import CountedNet
from mora_bench.training.flops import forward_flops
from mora_bench.training.probe import reads_first_token

if TYPE_CHECKING:
    from peft import PeftConfig


@dataclass(frozen=True)
class Settings:
    """Rank, blocks and labels, and what the classifier reads; None: the method's own rank and blocks."""

    rank: int | None = None
    blocks: str | None = None
    classes: int = 8
    readout: str = ""


@dataclass(frozen=True)
class PeftShare:
    """The numbers of peft's `print_trainable_parameters` for the same adapter with the same classifier.

    Attributes:
        trained, all: parameters; percent: what it prints.
        once: percent if the classifier were counted once; of_base: and the adapter left out, which is ours.
    """

    trained: int
    all: int
    percent: float
    once: float
    of_base: float


@dataclass(frozen=True)
class MethodCost:
    """One method on a backbone.

    Attributes:
        setting: rank and blocks, in words.
        trained: parameters by owner: adapter, pooler, head, backbone.
        model: all parameters of the model.
        share_adapter, share_adapter_head, share_total: percent of the model without its adapter (`cost.parameters`).
        multiply_adds: of a forward pass of one complete sample with the classifier, everything computed.
        as_trained: the same where the last block computes its first token alone, as records have it.
        peft: None where the peft library has no such method.
    """

    method: str
    setting: str
    trained: dict[str, int]
    model: int
    share_adapter: float
    share_adapter_head: float
    share_total: float
    multiply_adds: int
    as_trained: int
    peft: PeftShare | None


def chosen(names: tuple[str, ...], subject: CountedNet, settings: Settings) -> tuple[str, ...]:
    """The methods asked for; "all" are those that run on the backbone.

    Raises:
        UserError: one is unknown, or makes no sense on the backbone, or its blocks are absent.
    """
    for name in names:
        registry.check(registry.METHODS, name, also=["all"])
        if subject.spec is None:
            raise UserError(f"--methods {name}: mora_bench has no backbone of {subject.name}. Leave --methods out.")
    spec = subject.spec
    if spec is None:
        return ()
    if "all" in names:
        fit = (name for name in registry.names(registry.METHODS) if not _method(name).unfit(spec))
        names = tuple(fit)
    for name in names:
        if why := _method(name).unfit(spec):
            raise UserError(f"--methods: {name} makes no sense on {subject.name}: {why}.")
        axes_of(_method(name), spec.depth, settings)
    return names


def _method(name: str) -> type[Method]:
    return registry.get(registry.METHODS, name)


def axes_of(method: type[Method], depth: int, settings: Settings) -> Axes:
    """A method's own axes, or those that were asked for."""
    reads = method.reads
    rank = (settings.rank or int(reads["rank"])) if "rank" in reads else 0
    blocks = parse_blocks(settings.blocks or str(reads["blocks"]), depth) if "blocks" in reads else ()
    return Axes(rank, blocks, {name: value for name, value in reads.items() if name not in ("rank", "blocks")})


def cost(name: str, subject: CountedNet, settings: Settings) -> MethodCost:
    """The cost of one method on a subject that has a backbone, which is left as it was."""
    backbone, batch = subject.backbone, subject.batch
    assert backbone is not None
    assert batch is not None
    kind = _method(name)
    axes = axes_of(kind, backbone.depth, settings)
    plain = copy.deepcopy(backbone.network)
    torch.manual_seed(0)
    method = kind(backbone, axes)
    model = Model(backbone, method, Dummy(backbone), settings.classes, head_seed=0, readout=settings.readout)
    if kind.reads_labels:
        # The sample itself stands in for training samples: only lengths and the number of labels are read here.
        known = batch.present.any(0)
        with torch.no_grad():
            unlabelled = torch.zeros(len(batch), settings.classes)
            method.fit_labelled([(model.embed(batch), batch.present, unlabelled)], known)
    model.eval()
    counted = msgspec.to_builtins(parameters(model))
    multiply_adds = forward_flops(model, batch).flops / 2
    with torch.no_grad():
        lean = reads_first_token(model, batch)
    model.shortcuts = replace(Shortcuts(), lean=lean)
    as_trained = forward_flops(model, batch).flops / 2
    exported = method.export()
    share = None if exported is None else by_peft(plain, exported[0], copy.deepcopy(model.head))
    model.detach()
    return MethodCost(
        name,
        _setting(axes, settings, kind),
        counted["trained"],
        counted["model"],
        counted["share_adapter"],
        counted["share_adapter_head"],
        counted["share_total"],
        int(multiply_adds),
        int(as_trained),
        share,
    )


def _setting(axes: Axes, settings: Settings, method: type[Method]) -> str:
    blocks = settings.blocks or method.reads.get("blocks")
    return ", ".join([*[f"rank {axes.rank}"] * bool(axes.rank), *[f"blocks {blocks}"] * bool(axes.blocks)])


class _Classified(nn.Module):
    """A network with the classifier that every method has here."""

    def __init__(self, network: nn.Module, head: nn.Module):
        super().__init__()
        self.network, self.classifier = network, head


def by_peft(network: nn.Module, config: PeftConfig, head: nn.Module) -> PeftShare:
    """The shares that peft prints for its config on `network` beside a trainable classifier `head`, as users do."""
    from peft import get_peft_model

    config = copy.deepcopy(config)
    settings: Any = config
    for key in ("target_modules", "feedforward_modules"):
        pattern = getattr(settings, key, None)
        if isinstance(pattern, str):
            setattr(settings, key, rf"network\.({pattern})")
        elif pattern:
            setattr(settings, key, rf"network\.(.*\.)?({'|'.join(map(re.escape, sorted(pattern)))})")
    settings.modules_to_save = ["classifier"]
    base = sum(parameter.numel() for parameter in [*network.parameters(), *head.parameters()])
    wrapped = get_peft_model(_Classified(network, head), config)
    trained, everything = wrapped.get_nb_trainable_parameters()
    second = sum(parameter.numel() for parameter in head.parameters())
    return PeftShare(
        trained,
        everything,
        100 * trained / everything,
        100 * trained / (everything - second),
        100 * trained / base,
    )

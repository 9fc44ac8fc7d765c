"""Counts a net by us and by every tool that is installed, each on a copy, none in the way of the next."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from mora_bench.training import flops
from mora_bench.training.counters.calflops import Calflops
from mora_bench.training.counters.contract import ELEMENTWISE, SMALL, CostParts, Counter, CountRow, Net, Printed
from mora_bench.training.counters.deepspeed import Deepspeed
from mora_bench.training.counters.fvcore import Fvcore
from mora_bench.training.counters.ptflops import Ptflops
from mora_bench.training.counters.thop import Thop
from mora_bench.training.counters.torch_mode import TorchMode
from mora_bench.training.counters.torchinfo import Torchinfo

COUNTERS: tuple[Counter, ...] = (
    Fvcore(),
    TorchMode(),
    Calflops(),
    Ptflops(),
    Deepspeed(),
    Thop(),
    Torchinfo(),
)
#: fvcore's names of operators, in the groups of `CostParts`.
CONVOLUTIONS = ("conv",)
PRODUCTS = ("matmul", "bmm", "baddbmm", "einsum")
FUSED = ("scaled_dot_product_attention",)


def ours(net: Net) -> CostParts:
    """Our multiply-adds of one forward pass, by operator, as records have them (`flops.by_operator`)."""
    module = copy.deepcopy(net.module).eval()
    with torch.random.fork_rng(devices=[]):
        counts, left_out = flops.by_operator(module, tuple(net.inputs.values()))
    convolved = [layer for layer in module.modules() if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d)]
    convolutions, products, fused = (
        sum(counts.get(name, 0) for name in names) for names in (CONVOLUTIONS, PRODUCTS, FUSED)
    )
    return CostParts(
        dense=sum(counts.values()) - convolutions - products - fused,
        convolutions=convolutions,
        products=products,
        fused=fused,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        convolved=sum(parameter.numel() for layer in convolved for parameter in layer.parameters()),
        left_out=left_out,
    )


def row(counter: Counter, net: Net, parts: CostParts) -> CountRow:
    """The row of one tool for a net. Never raises an error of the tool: the row holds it."""
    version = counter.version()
    if version is None:
        return CountRow(counter.name, None, "not installed")
    printed: Printed | None = None
    captured = io.StringIO()
    module = copy.deepcopy(net.module).requires_grad_(True).eval()
    try:
        with apart(), contextlib.redirect_stdout(captured), contextlib.redirect_stderr(captured):
            printed = counter.count(Net(net.name, module, net.inputs, net.attention))
    except (Exception, SystemExit) as error:
        lines = [" ".join(line.split()) for line in [str(error), *captured.getvalue().splitlines()[-1:]]]
        why = f"{type(error).__name__}: {'; '.join(filter(None, lines))}"[:300]
        return CountRow(counter.name, version, "failed", why=(why,))
    multiply_adds = printed.value / counter.per_multiply_add
    return CountRow(
        counter.name,
        version,
        "counted",
        f"{short(printed.value)} {counter.unit}",
        multiply_adds,
        multiply_adds / parts.total,
        printed.parameters,
        tuple(reasons(counter, parts, multiply_adds, printed.parameters)),
    )


def reasons(counter: Counter, parts: CostParts, multiply_adds: float, parameters: int | None) -> Iterator[str]:
    """Why a tool's numbers are not ours, as far as that is known; differences within `SMALL` need no reason."""
    expected, why = counter.expected(parts)
    more = (multiply_adds - expected) / parts.total
    if abs(expected - parts.total) > SMALL * parts.total and more > -SMALL:
        yield why
    if SMALL < more <= ELEMENTWISE and counter.also:
        yield f"{counter.also}, {more:.1%} of ours"
    elif abs(more) > SMALL:
        yield "differs for a reason that is not known here"
    if parameters is not None and parameters != parts.parameters:
        yield counter.counted_parameters or "prints other parameters for a reason that is not known here"


def short(value: float) -> str:
    """A count as tools print it: 16.68 G, 448.97 M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if value >= size:
            return f"{value / size:.2f} {letter}"
    return f"{value:.0f}"


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Let a tool run, and undo what it leaves behind if it fails: functions of torch that it replaced, warnings that it
    silenced, random numbers that it drew, the switch of gradients."""
    spaces = (F, torch, torch.Tensor, nn.Module)
    before = [dict(vars(space)) for space in spaces]
    gradients = torch.is_grad_enabled()
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_grad_enabled(gradients)
        for space, held in zip(spaces, before, strict=True):
            _restore(space, held)


def _restore(space: Any, held: dict[str, Any]) -> None:
    """Give a module or class its functions back; one that only hid an inherited function goes."""
    for name, value in list(vars(space).items()):
        if name not in held:
            inherited = any(name in vars(base) for base in getattr(space, "__mro__", ())[1:])
            if inherited:
                delattr(space, name)
        elif value is not held[name]:
            setattr(space, name, held[name])

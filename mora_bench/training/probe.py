"""Finds out of a model what may be spared, instead of believing what a method says of itself.

A few samples under every pattern of presence run through the network in training mode. Everything that trains is then
moved at random: what of the frozen beginning comes out the same, to the bit, is reached neither by training nor by
chance (dropout, hooks, edits in place, counters of steps), and may be computed once. After training the same is checked
once more on a batch, by `verify`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.backbones.tokens import Tokens
from mora_bench.data.batch import Batch
from mora_bench.data.presence import pattern_presence
from mora_bench.data.samples import View
from mora_bench.methods.contract import Frozen
from mora_bench.methods.network import BLOCKS, Beginning, Found, Model, State

#: How far logits may be from what computing everything gives, as a share of their scale.
CLOSE = 1e-4
#: The same where numbers have 8 bits (bfloat16), summed over a network's depth.
ROUNDED = 0.1
#: By how much parameters are moved, N(0, MOVE).
MOVE = 0.05


def settle(model: Model, view: View, device: torch.device) -> Found:
    """Find out what may be spared of `model`, and have it spared; the model itself is left as it was.

    Raises:
        RuntimeError: what trains reaches blocks before the method's `first_block`, where it gets no gradient.
    """
    batch = _every_pattern(view).to(device)
    model.found = Found()
    with _untouched(model), torch.no_grad():
        model.train()
        found = Found(constant=_constant(model, batch))
        if found.constant and BLOCKS <= model.cut < BLOCKS + model.backbone.depth:
            model.found = found
            found = replace(found, ahead=_ahead(model, batch))
        _move(model)
        model.eval()
        model.found = replace(found, ahead=False)
        found = replace(found, lean=_lean(model, batch))
    model.found = found
    return found


def verify(
    model: Model,
    view: View,
    kept: State,
    device: torch.device,
    at: np.ndarray,
    autocast: Callable[[], AbstractContextManager] = nullcontext,
    exact: bool = True,
) -> None:
    """Hold the logits of kept states of the positions `at` against those of a network that spares nothing.

    `autocast` makes the context in which states were kept; unless `exact`, numbers of 8 bits are let pass.

    Raises:
        RuntimeError: they differ; the cell trained on something stale.
    """
    found, mode = model.found, model.training
    model.eval()
    with torch.no_grad(), autocast():
        spared = model.finish(kept).float()
        model.found = Found()
        whole = model(view.batch(at).to(device)).float()
    model.found = found
    model.train(mode)
    if not _close(spared, whole, CLOSE if exact else ROUNDED):
        worst = (spared - whole).abs().max().item()
        raise RuntimeError(
            f"logits from the kept beginning differ by {worst:.2g} from those of the whole network after training: "
            f"{type(model.method).__name__} changes what comes before its first_block."
        )


def _every_pattern(view: View) -> Batch:
    """One sample under each pattern that some sample of the view can show."""
    natural = view.samples.present[view.rows]
    rows, present = [], []
    for pattern in pattern_presence(natural.shape[1]):
        able = np.flatnonzero((natural | ~pattern).all(1))
        if len(able):
            rows.append(view.rows[able[0]])
            present.append(pattern)
    return view.samples.batch(np.array(rows), np.array(present))


@contextmanager
def _untouched(model: Model) -> Iterator[None]:
    """Give what trains, what requires a gradient, buffers, modes and torch's random numbers back as they were."""
    before = {name: tensor.detach().clone() for name, tensor in _moving(model).items()}
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    modes = {module: module.training for module in model.modules()}
    trains = {parameter: parameter.requires_grad for parameter in model.parameters()}
    devices = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in _moving(model).items():
                    tensor.copy_(before[name])
                for name, buffer in model.named_buffers():
                    buffer.copy_(buffers[name])
            for module, mode in modes.items():
                module.training = mode
            for parameter, required in trains.items():
                parameter.requires_grad_(required)


def _moving(model: Model) -> dict[str, nn.Parameter]:
    """What trains and could reach the beginning: not the classifier, nor a backbone that trains as a whole."""
    outside = {id(p) for part in (model.head, model.pooler) for p in part.parameters()}
    if model.cut == 0:
        outside |= {id(p) for p in model.backbone.parameters()}
    return {name: p for name, p in model.trained().items() if id(p) not in outside}


def _move(model: Model) -> None:
    for parameter in _moving(model).values():
        parameter.add_(MOVE * torch.randn_like(parameter))


def _constant(model: Model, batch: Batch) -> bool:
    """Whether the stages before the cut give the same to the bit: again, and with everything that trains moved.

    (On a GPU within rounding: sums of an unspecified order are allowed there.)
    """
    if model.cut == 0:
        return False
    first = _tensors(model.begin(batch))
    again = _same(first, _tensors(model.begin(batch)))
    _move(model)
    moved = _same(first, _tensors(model.begin(batch)))
    if again and not moved:
        raise RuntimeError(
            f"{type(model.method).__name__}: what trains changes the output of blocks before its first_block "
            f"({model.method.first_block}), where no gradient reaches it. Say the earliest block that it changes."
        )
    return again and moved


def _ahead(model: Model, batch: Batch) -> bool:
    """Whether the first changed block's frozen weights see the tokens of the beginning as they are, and nothing inside
    the block is changed: what they give is the same when everything that trains is moved."""
    state = model.begin(batch)
    before = [tokens.x.clone() for tokens in state.streams]
    plain = _given(model, state)
    _move(model)
    moved = _given(model, state)
    untouched = _same(before, [tokens.x for tokens in state.streams])
    return plain is not None and moved is not None and untouched and _same(plain, moved)


def _given(model: Model, state: Beginning) -> list[Tensor] | None:
    """What the frozen weights of the first changed block give each stream as the method runs them; None if it runs
    them on anything but the stream's own tokens, or not at all."""
    given: dict[int, Tensor] = {}
    other = []

    def watched(stream: int, own: Frozen) -> Frozen:
        def frozen(tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None) -> Tokens:
            out = own(tokens, prefix)
            same = state.streams[stream]
            if prefix is not None or tokens.x is not same.x or tokens.mask is not same.mask:
                other.append(stream)
            given[stream] = out.x
            return out

        return frozen

    first = model.method.first_block
    model.method.depth(first, [watched(s, own) for s, own in enumerate(model.frozen(first, state))], state.streams)
    if other or len(given) < len(state.streams):
        return None
    return [given[stream].clone() for stream in range(len(state.streams))]


def _lean(model: Model, batch: Batch) -> bool:
    """Whether the logits stay what they are when of the last block only the first token is computed."""
    whole = model(batch)
    model.found = replace(model.found, lean=True)
    try:
        return _close(model(batch), whole)
    except (RuntimeError, IndexError, ValueError):
        # A method that reads tokens which are not there any more.
        return False


def _tensors(state: State) -> list[Tensor]:
    if isinstance(state, Beginning):
        return [tokens.x for tokens in state.streams]
    return [part.x for part in state[0]]


def _same(one: list[Tensor], other: list[Tensor]) -> bool:
    pairs = list(zip(one, other, strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        return False
    return all(_close(a, b) if a.device.type == "cuda" else torch.equal(a, b) for a, b in pairs)


def _close(one: Tensor, other: Tensor, share: float = CLOSE) -> bool:
    scale = max(float(other.detach().abs().max()), 1e-6) if other.numel() else 1.0
    return bool(((one - other).abs() <= share * scale).all())

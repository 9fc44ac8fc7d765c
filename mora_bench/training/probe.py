"""Tests which computations of a model can be skipped, instead of trusting what a method declares.

A few samples under every pattern of presence run through the network in training mode, before and after everything that
trains is changed at random. If the output of the frozen beginning stays the same bit for bit, neither training nor
chance (dropout, hooks, edits in place, step counters) affects it, and it may be computed once. After training, `verify`
compares the kept states of one batch with the whole network.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.backbones.tokens import Tokens
from mora_bench.data.batch import Batch
from mora_bench.data.presence import able, pattern_presence
from mora_bench.data.samples import View
from mora_bench.methods.contract import Frozen
from mora_bench.methods.network import BLOCKS, Model, PrefixState, Shortcuts, State
from mora_bench.training.learner import NotFinite
from mora_bench.training.unsteady import close, owner, unsteady

#: Largest difference allowed between logits with and without skipped computations, as a share of their scale.
CLOSE = 1e-4
#: The same for numbers with 8 significant bits (bfloat16), whose rounding errors add up over a network's depth.
ROUNDED = 0.1
#: Standard deviation of the random change of parameters.
MOVE = 0.05


def settle(model: Model, view: View, device: torch.device) -> Shortcuts:
    """Test which computations of `model` can be skipped, and set `model.shortcuts`; nothing else of the model changes.

    Raises:
        RuntimeError: a trained parameter affects blocks before the method's `first_block`, where it gets no gradient.
    """
    batch = _every_pattern(view).to(device)
    model.shortcuts = Shortcuts()
    with untouched(model), torch.no_grad():
        model.train()
        shortcuts = Shortcuts(constant=_constant(model, batch))
        if shortcuts.constant and BLOCKS <= model.cut < BLOCKS + model.backbone.depth:
            model.shortcuts = shortcuts
            shortcuts = replace(shortcuts, ahead=_ahead(model, batch))
        _move(model)
        model.eval()
        model.shortcuts = replace(shortcuts, ahead=False)
        shortcuts = replace(shortcuts, lean=reads_first_token(model, batch))
    model.shortcuts = shortcuts
    return shortcuts


def steady(model: Model, view: View, device: torch.device) -> Tensor:
    """The modalities whose embeddings neither training nor chance changes, bool [M], found as `settle` does."""
    batch = _every_pattern(view).to(device)
    with untouched(model), torch.no_grad():
        model.train()
        first, again = model.embed(batch), model.embed(batch)
        _move(model)
        moved = model.embed(batch)
    same = [_same([a.x, a.x], [b.x, c.x]) for a, b, c in zip(first, again, moved, strict=True)]
    # A backbone that trains is not among what was moved.
    return torch.tensor(same, device=device) & (not model.method.trains_backbone)


def verify(
    model: Model,
    view: View,
    state: State,
    device: torch.device,
    at: np.ndarray,
    autocast: Callable[[], AbstractContextManager] = nullcontext,
    exact: bool = True,
) -> None:
    """Compare logits from the kept states of positions `at` with those of a network that skips nothing.

    `autocast` makes the context in which the states were computed. Unless `exact`, bfloat16's rounding is tolerated.

    Raises:
        NotFinite: those of the whole network are not finite.
        RuntimeError: they differ, so the cell was trained on stale states, or the network gives no sample logits of its
            own.
    """
    shortcuts, mode = model.shortcuts, model.training
    model.eval()
    with torch.no_grad(), autocast():
        spared = model.finish(state).float()
        model.shortcuts = Shortcuts()
        full = model(view.batch(at).to(device)).float()
        share = CLOSE if exact else ROUNDED
        finite = bool(full.isfinite().all())
        stale = finite and not close(spared, full, share)
        # What is not steady differs from whatever was kept, and the likeliest mistakes are of that kind.
        cause = unsteady(model, view, at, device, share) if stale else ""
    model.shortcuts = shortcuts
    model.train(mode)
    if not finite:
        raise NotFinite("outputs of training samples are not finite after training.")
    if stale:
        worst = (spared - full).abs().max().item()
        raise RuntimeError(
            f"logits from the kept beginning differ by {worst:.2g} from those of the whole network after training: "
            f"{owner(model)} {cause or 'changes what comes before its first_block'}."
        )


def _every_pattern(view: View) -> Batch:
    """One sample under each pattern that some sample of the view can show."""
    natural = view.samples.present[view.rows]
    rows, present = [], []
    for pattern, can in zip(pattern_presence(natural.shape[1]), able(natural).T, strict=True):
        if can.any():
            rows.append(view.rows[can.argmax()])
            present.append(pattern)
    return view.samples.batch(np.array(rows), np.array(present))


@contextmanager
def untouched(model: Model) -> Iterator[None]:
    """Restore, at the end, trained parameters, gradient flags, buffers, modes and torch's random state."""
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
    """Trained parameters that could affect the beginning: all but pooler, head and a backbone that trains fully."""
    outside = {id(p) for part in (model.head, model.pooler) for p in part.parameters()}
    if model.cut == 0:
        outside |= {id(p) for p in model.backbone.parameters()}
    return {name: p for name, p in model.trained().items() if id(p) not in outside}


def _move(model: Model) -> None:
    for parameter in _moving(model).values():
        parameter.add_(MOVE * torch.randn_like(parameter))


def _constant(model: Model, batch: Batch) -> bool:
    """Whether the stages before the cut give the same output bit for bit: on a second run, and after `_move`.

    On a GPU the outputs may differ by rounding, because the order of sums is unspecified there.
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
    """Whether the first changed block runs its frozen weights on the tokens of the beginning themselves, and gives the
    same output after `_move`."""
    state = model.begin(batch)
    before = [tokens.x.clone() for tokens in state.streams]
    plain = _frozen_outputs(model, state)
    _move(model)
    moved = _frozen_outputs(model, state)
    untouched = _same(before, [tokens.x for tokens in state.streams])
    return plain is not None and moved is not None and untouched and _same(plain, moved)


def _frozen_outputs(model: Model, state: PrefixState) -> list[Tensor] | None:
    """The output of the first changed block's frozen weights for each stream, as the method runs them; None if the
    method does not run them, or runs them on anything but the stream's own tokens."""
    outputs: dict[int, Tensor] = {}
    other = []

    def watched(stream: int, block: Frozen) -> Frozen:
        def frozen(tokens: Tokens, prefix: tuple[Tensor, Tensor] | None = None) -> Tokens:
            out = block(tokens, prefix)
            same = state.streams[stream]
            if prefix is not None or tokens.x is not same.x or tokens.mask is not same.mask:
                other.append(stream)
            outputs[stream] = out.x
            return out

        return frozen

    first = model.method.first_block
    model.method.depth(first, [watched(s, block) for s, block in enumerate(model.frozen(first, state))], state.streams)
    if other or len(outputs) < len(state.streams):
        return None
    return [outputs[stream].clone() for stream in range(len(state.streams))]


def reads_first_token(model: Model, batch: Batch) -> bool:
    """Whether the logits stay the same if the last block computes only its first token. Sets `model.shortcuts.lean`."""
    full = model(batch)
    model.shortcuts = replace(model.shortcuts, lean=True)
    try:
        return close(model(batch), full, CLOSE)
    except (RuntimeError, IndexError, ValueError):
        # The method reads tokens that are not computed.
        return False


def _tensors(state: State) -> list[Tensor]:
    if isinstance(state, PrefixState):
        return [tokens.x for tokens in state.streams]
    return [part.x for part in state[0]]


def _same(one: list[Tensor], other: list[Tensor]) -> bool:
    pairs = list(zip(one, other, strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        return False
    return all(close(a, b, CLOSE) if a.device.type == "cuda" else torch.equal(a, b) for a, b in pairs)

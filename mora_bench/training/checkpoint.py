"""The state of a training, saved every few minutes, so that a cell that is killed goes on and ends with the same bits.

Saved is what a step changes: trained parameters, buffers, optimisers, schedules, random states, the order of the epoch,
the best parameters so far and what was validated. All else is computed again. A method that keeps more than that must
keep it in buffers (`check` tries it).
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mora_bench.files import digest, write_atomic
from mora_bench.training.cost import StepClock
from mora_bench.training.learner import Learner

#: A checkpoint may take this share of the time between two of them; if it takes more, they become fewer.
SHARE = 0.005


@dataclass(frozen=True)
class Position:
    """The position of a training: the epoch, the state of its order's generator before it was drawn, and the steps that
    are done in all."""

    epoch: int = 0
    order: Mapping[str, Any] | None = None
    step: int = 0


class Checkpoint:
    """The file that one training's state goes to.

    Args:
        made_by: all that the bits depend on beside the cells; a file that something else made is not read.
        every: seconds between two saves.
    """

    def __init__(self, file: Path, made_by: Mapping[str, Any], every: float):
        self.file = file
        self.made_by = json.loads(json.dumps(made_by))
        self.every = every
        self.saved = time.monotonic()
        self.resumed: list[int] = []

    def due(self) -> bool:
        return time.monotonic() - self.saved >= self.every

    def save(self, learners: Sequence[Learner], clock: StepClock, position: Position, device: torch.device) -> None:
        """Write the state; if that fails (a full disk), say so and do without."""
        begun = time.monotonic()
        tensors, states = {"random": torch.get_rng_state()}, []
        if device.type == "cuda":
            tensors["random cuda"] = torch.cuda.get_rng_state(device)
        for number, learner in enumerate(learners):
            part, plain = learner.state()
            tensors |= {f"{number} {name}": tensor.detach().cpu().contiguous() for name, tensor in part.items()}
            states.append(plain)
        state = {"position": asdict(position), "clock": clock.so_far(), "learners": states}
        text = json.dumps(state | {"made_by": self.made_by, "resumed": self.resumed})
        try:
            write_atomic(self.file, save(tensors, {"state": text, "digest": _digest(tensors, text)}))
        except OSError as error:
            print(f"{self.file}: no checkpoint ({error.strerror}); a killed cell would start anew", file=sys.stderr)
            self.every = float("inf")
        self.saved = time.monotonic()
        self.every = max(self.every, (self.saved - begun) / SHARE)

    def restore(self, learners: Sequence[Learner], clock: StepClock, device: torch.device) -> Position:
        """Go on where a file stands that this very training left; else from the start."""
        content = self._read()
        if content is None or content[1].get("made_by") != self.made_by:
            return Position()
        tensors, state = content
        try:
            parts = [_of(tensors, number) for number in range(len(learners))]
            if not all(learner.fits(part) for learner, part in zip(learners, parts, strict=True)):
                return Position()
            for learner, part, plain in zip(learners, parts, state["learners"], strict=True):
                learner.restore(part, plain)
            clock.go_on(state["clock"])
            position = Position(**state["position"])
            self.resumed = [*state["resumed"], position.step]
            torch.set_rng_state(tensors["random"])
            if device.type == "cuda":
                torch.cuda.set_rng_state(tensors["random cuda"], device)
        except (KeyError, TypeError, ValueError) as error:
            raise RuntimeError(
                f"{self.file}: a checkpoint that cannot be gone on from ({error}); remove it."
            ) from error
        return position

    def _read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        try:
            with safe_open(self.file, "pt") as content:
                about = content.metadata() or {}
                tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
            if about["digest"] != _digest(tensors, about["state"]):
                return None
            return tensors, json.loads(about["state"])
        except (OSError, SafetensorError, ValueError, KeyError):
            return None


def _digest(tensors: Mapping[str, Tensor], state: str) -> str:
    """The digest of a checkpoint, which a disk that changes a bit of it does not keep."""
    parts = [state.encode()]
    for name in sorted(tensors):
        tensor = tensors[name]
        parts += [f"{name} {tensor.dtype} {list(tensor.shape)}".encode()]
        parts += [tensor.reshape(-1).view(torch.uint8).numpy().tobytes()]
    return digest(parts)


def _of(tensors: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
    start = f"{number} "
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}

"""The log of a training while it runs: a line in logs/KEY.log now and then, for whoever waits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

# The command line reads logs and does without torch.
if TYPE_CHECKING:
    from mora_bench.training.learner import Learner

#: Seconds between two lines within an epoch.
EVERY = 5.0


class Log:
    """The log of one training. A disk that is full stops no training: the line is not written then.

    Args:
        file: where its lines go; None: nowhere.
        done: training steps of the process that was killed.
    """

    def __init__(self, file: Path | None, done: int = 0):
        self.file = file
        self.done = done
        self.begun = self.last = time.monotonic()

    def step(self, step: int, learners: Sequence[Learner]) -> None:
        """A step is done: a line if the last is old enough. Reads the loss off the device only then."""
        if self.file is not None and time.monotonic() - self.last >= EVERY:
            losses = [float(learner.losses[-1]) for learner in learners if learner.losses]
            self._write(step, losses, learners)

    def validated(self, step: int, learners: Sequence[Learner]) -> None:
        """A validation is done."""
        self._write(step, [row["loss"] for learner in learners for row in learner.fit.history[-1:]], learners)

    def ended(self, step: int) -> None:
        """The training is over."""
        self._line(f"step {step}, the last")

    def _write(self, step: int, losses: Sequence[float], learners: Sequence[Learner]) -> None:
        if self.file is None:
            return
        self.last = time.monotonic()
        going = [learner for learner in learners if not learner.gave_up]
        end = max((learner.rate.end for learner in going), default=step)
        # Patience may end it earlier, until a decay has begun, whose length is known.
        most = "at most " * any(learner.open_ended for learner in going)
        left = (self.last - self.begun) / max(step - self.done, 1) * (end - step)
        text = f"step {step} of {most}{end}"
        text += f", loss {sum(losses) / len(losses):.4g}" if losses else ""
        validated = [learner for learner in learners if learner.fit.history]
        if validated:
            # Models that are trained as one have one task.
            metric = validated[0].metric
            best = max((learner.fit for learner in validated), key=lambda fit: metric.key(fit.best_score))
            text += f", validation {metric.shown(best.history[-1]['val_score'])}"
            text += f" (best {metric.shown(best.best_score)} at step {best.best_step})"
        self._line(f"{text}, {most}{left:.0f} s of training left")

    def _line(self, text: str) -> None:
        if self.file is not None:
            note(self.file, text)


def note(file: Path, text: str) -> None:
    """Add a line to a log, behind the time of day; a log that cannot be written stops nothing."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def last_line(file: Path) -> str:
    """The last line of a log, without the time of day; "" if it has none."""
    try:
        with open(file, "rb") as log:
            log.seek(max(log.seek(0, 2) - 400, 0))
            lines = log.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return lines[-1].partition(" ")[2] if lines else ""

"""The cost of a cell: its work in FLOPs over the rates that records give. Nothing is run and nothing timed here.

A step takes `overhead` seconds whatever it computes (Python, optimiser, kernels), and its FLOPs over a rate. Of the
shipped backbone's `head` nearly all is overhead, of everything else nearly nothing. What a cell takes once (loading,
probing, counting) is `fixed`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE

#: FLOPs of two steps that differ by less cannot tell overhead from rate.
APART = 1.5
#: How far beyond the FLOPs of the steps that were timed a rate is believed.
BEYOND = 4.0
#: Fewer steps are summed up by their median, because the first is slow.
FEW = 20


@dataclass(frozen=True)
class Work:
    """The work of a cell: samples of its sides, patterns under which they are predicted, batch, epochs, validations."""

    train: int
    val: int
    test: int
    patterns: int
    batch: int
    epochs: float
    validations: int

    @property
    def steps(self) -> int:
        return round(self.epochs * math.ceil(self.train / self.batch))

    @property
    def step_samples(self) -> float:
        """Samples of a step; batches are of equal size as far as they can be."""
        return self.epochs * self.train / max(self.steps, 1)


def work_of(cell: Cell, sizes: Mapping[str, int], least: bool = False) -> Work:
    """The work of a cell whose sides have so many samples: the most, or the least that patience leaves of it."""
    patterns = 2 ** len(cell.modalities) - 1
    recipe = cell.recipe
    if recipe is None:
        return Work(sizes["train"], sizes["val"], sizes["test"], patterns, 1, 0, 0)
    epochs = recipe.fewest_epochs if least else recipe.epochs
    validations = math.ceil(epochs / recipe.validate_every)
    return Work(sizes["train"], sizes["val"], sizes["test"], patterns, recipe.batch, epochs, validations)


@dataclass(frozen=True)
class Needs:
    """FLOPs of a sample: in a pass, in its frozen beginning, in a training step without its kept part."""

    forward: float
    begin: float
    step: float


def needs_of(record: Record) -> Needs | None:
    """FLOPs of a sample of a record's cell; None if the cell has no network."""
    flops, beginning = record.flops, record.beginning
    if flops is None or beginning is None:
        return None
    begin_flops = flops.step_begin if beginning.kept else 0.0
    return Needs(flops.forward, begin_flops, flops.step_forward + flops.step_backward - begin_flops)


def step_flops(work: Work, needs: Needs) -> float:
    """FLOPs of one training step."""
    return work.step_samples * needs.step


def looked(work: Work, needs: Needs) -> float:
    """FLOPs of all validations, and of computing the frozen beginning where it is kept."""
    return work.validations * work.val * (needs.forward - needs.begin) + (work.train + work.val) * needs.begin


def predicted(work: Work, needs: Needs) -> float:
    """FLOPs of predicting validation and test samples under every pattern."""
    return (work.val + work.test) * work.patterns * needs.forward


@dataclass(frozen=True)
class Timed:
    """One cell that ran: its work and needs; seconds of a step, of its prediction and of the cell."""

    kind: tuple
    work: Work
    needs: Needs
    steps: int
    step_s: float
    predict_s: float
    cell_s: float


def timed(record: Record) -> Timed | None:
    """The times of a record; None if it failed, was trained beside others as one, or has no network."""
    needs, clock = needs_of(record), record.time
    if record.status != DONE or needs is None or clock is None or not clock.step_ms or not record.training:
        return None
    if clock.cells_as_one > 1 or record.data is None or not clock.predict_s:
        return None
    work = work_of(record.cell, sizes_of(record))
    # Patience may have ended it before all looks.
    looks = len(record.training.history) or work.validations
    mean = clock.epoch_s * work.epochs / max(work.steps, 1) if clock.epoch_s else None
    step_s = mean if mean and clock.steps_timed >= FEW else clock.step_ms / 1000
    work = replace(work, validations=looks)
    return Timed(kind_of(record.cell), work, needs, record.training.steps, step_s, clock.predict_s, clock.cell_s)


def sizes_of(record: Record) -> dict[str, int]:
    """Samples of each side of a record's split."""
    assert record.data is not None
    return {name: int(count["n"]) for name, count in record.data.realised.items()}


@dataclass(frozen=True)
class Rate:
    """Seconds that a step takes whatever it computes; seconds a FLOP of training and of passes; seconds of a cell that
    are neither."""

    overhead: float
    step: float
    forward: float
    fixed: float


def rate_of(samples: Sequence[Timed], alike: Sequence[Timed]) -> Rate:
    """The rate that cells ran at: of `samples` in training, of those and `alike`, the same backbone's, in the rest."""
    overhead, step = _of_steps([step_flops(run.work, run.needs) for run in samples], [run.step_s for run in samples])
    forward = median(run.predict_s / predicted(run.work, run.needs) for run in samples)
    rest = [
        run.cell_s - run.predict_s - run.steps * run.step_s - looked(run.work, run.needs) * forward for run in alike
    ]
    return Rate(overhead, step, forward, max(median(rest), 0.0))


def _of_steps(flops: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """Seconds of overhead and seconds a FLOP, so that relative errors are least; no overhead where steps are alike."""
    if max(flops) < APART * min(flops):
        return 0.0, median(s / f for s, f in zip(seconds, flops, strict=True))
    from scipy.optimize import nnls

    scale = max(flops)
    rows = np.array([[1 / s, f / scale / s] for s, f in zip(seconds, flops, strict=True)])
    (overhead, step), _ = nnls(rows, np.ones(len(rows)))
    return float(overhead), float(step) / scale


def seconds(work: Work, needs: Needs, rate: Rate) -> float:
    """Seconds of a cell on one worker."""
    training = work.steps * (rate.overhead + step_flops(work, needs) * rate.step)
    return training + (looked(work, needs) + predicted(work, needs)) * rate.forward + rate.fixed


def kind_of(cell: Cell) -> tuple[Any, ...]:
    """The key of cells with the same FLOPs a sample; rank is left out, because it hardly matters."""
    most = cell.decoded_for[1] if cell.decoded_for else 0
    return (cell.dataset, cell.source, cell.weights, cell.method, cell.blocks, cell.knobs, cell.impute, most)


class Prices:
    """Prices of cells by records: those that ran on this device give rates, all of them FLOPs.

    Args:
        records: of the results folder, or of probes.
        older: records that are asked where those know no rate or no FLOPs.
        device, threads, compiler: what cells will run on, and with.
    """

    def __init__(
        self, records: Iterable[Record], device: str, threads: int, compiler: str = "off", older: Iterable[Record] = ()
    ):
        self.older = Prices(older, device, threads, compiler) if older else None
        self.needs: dict[tuple, Needs] = dict(self.older.needs) if self.older else {}
        self.timed: dict[tuple, list[Timed]] = {}
        self.floors: dict[tuple, list[float]] = {}
        for record in records:
            if (needs := needs_of(record)) is not None:
                self.needs[kind_of(record.cell)] = needs
            provenance = record.provenance
            if (provenance.device, provenance.threads, provenance.compiler) != (device, threads, compiler):
                continue
            if (run := timed(record)) is not None:
                self.timed.setdefault(_speed(record.cell), []).append(run)
            elif record.status == DONE and record.cell.recipe is None and record.time and not record.imported:
                sample_s = record.time.cell_s / max(sum(sizes_of(record).values()), 1)
                self.floors.setdefault(_floor(record.cell), []).append(sample_s)

    def of(self, cell: Cell, sizes: Mapping[str, int], least: bool = False) -> float:
        """Seconds of a cell whose sides have so many samples, at most, or the least; NaN where no rate is known for
        it."""
        price = self._of(cell, sizes, least)
        return self.older.of(cell, sizes, least) if math.isnan(price) and self.older else price

    def _of(self, cell: Cell, sizes: Mapping[str, int], least: bool) -> float:
        if cell.recipe is None:
            rates = self.floors.get(_floor(cell))
            return median(rates) * sum(sizes.values()) if rates else math.nan
        needs, alike, work = (
            self.needs.get(kind_of(cell)),
            self.timed.get(_speed(cell), []),
            work_of(cell, sizes, least),
        )
        # What it comes after is trained first, as long as itself.
        times = 2 if cell.after else 1
        if needs is None or not alike:
            return math.nan
        same = [run for run in alike if run.kind == kind_of(cell)]
        flops = [step_flops(run.work, run.needs) for run in same or alike]
        if not min(flops) / BEYOND <= step_flops(work, needs) <= BEYOND * max(flops):
            return math.nan
        return times * seconds(work, needs, rate_of(same or alike, alike))

    def reading(self, cell: Cell, samples: int) -> float:
        """Seconds in which the frozen backbone of a cell reads so many samples; NaN where no rate is known for it. The
        modalities of a sample that are read alone have about as many tokens as the sample."""
        forward = [needs.forward for kind, needs in self.needs.items() if kind[:3] == kind_of(cell)[:3]]
        alike = [run for (weights, _), runs in self.timed.items() if weights == cell.weights for run in runs]
        if not forward or not alike:
            return self.older.reading(cell, samples) if self.older else math.nan
        return samples * median(forward) * median(run.predict_s / predicted(run.work, run.needs) for run in alike)


def _speed(cell: Cell) -> tuple:
    """The key of cells that run at one rate, beside device and threads."""
    return (cell.weights, cell.recipe.precision if cell.recipe else "")


def _floor(cell: Cell) -> tuple:
    return (cell.dataset, cell.source, cell.method, cell.weights)

"""One cell of a competitor without the shared network: fit on what the mask shows, predict under every pattern."""

import time
from collections.abc import Mapping

import numpy as np
from threadpoolctl import threadpool_limits

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence, remembered
from mora_bench.data.shown import Shown, shown
from mora_bench.data.sides import Side
from mora_bench.data.weights import resampled
from mora_bench.errors import UserError
from mora_bench.methods.predictor import Predictor
from mora_bench.plan.versions import fit_versions
from mora_bench.records.schema import Clock
from mora_bench.seeds import derive, rng
from mora_bench.tasks.contract import Task
from mora_bench.tasks.named import task_of
from mora_bench.training import frozen, gaps, masking, recorded
from mora_bench.training.decoded import pool_of, reopen, samples
from mora_bench.training.recorded import Outcome

#: The sides of a split.
SIDES = ("train", "val", "test")


# Several cells run beside each other, each with a core: threads of linear algebra would only wait for each other.
@threadpool_limits.wrap(limits=1)
def run_cell(cell: Cell, runtime: Runtime) -> Outcome:
    """Fit, predict and score one predictor."""
    with remembered.kept_in(runtime.cache):
        return _run(cell, runtime)


def _run(cell: Cell, runtime: Runtime) -> Outcome:
    begun = time.perf_counter()
    _, sides = masking.own_sides(cell, runtime)
    seen = frozen_of(cell, runtime)
    present = {name: masking.presence_of(cell, name, side) for name, side in sides.items()}
    task: Task = task_of(cell.task)
    predictor = fitted(cell, sides, seen)
    learned = time.perf_counter()
    given = {
        name: predicted(predictor, task, gaps.of_side(cell, sides[name], tested=True), seen[name])
        for name in ("val", "test")
    }
    ended = time.perf_counter()
    clock = Clock(cell_s=ended - begun, predict_s=ended - learned)
    logits = {name: values for name, (values, _) in given.items()}
    spread = {name: deviations for name, (_, deviations) in given.items() if deviations is not None}
    competitor = recorded.competitor_of(predictor)
    return recorded.without_network(cell, runtime, competitor, sides, present, logits, clock, spread)


def fitted(cell: Cell, sides: Mapping[str, Side], seen: Mapping[str, frozen.Features]) -> Predictor:
    """A cell's predictor, fitted on what the training mask shows of the sides of its split; where a table has weights,
    on as many samples, drawn in proportion. `seen`: of each side the frozen backbone's features."""
    for name, version in fit_versions(cell.method, sides["train"].table):
        if dict(cell.versions).get(name) != version:
            raise UserError(f"{cell.label}: an earlier version fitted it in another way ({name}); compute it again.")
    predictor: Predictor = registry.get(registry.PREDICTORS, cell.method)()
    train, validation = (
        shown(
            gaps.of_side(cell, side).table,
            side.rows[at],
            masking.presence_of(cell, name, side)[at],
            targets=True,
            frozen=seen[name],
        )
        for name, side, at in ((name, sides[name], _drawn(sides[name], name, cell.seed)) for name in ("train", "val"))
    )
    predictor.fit(train, validation, derive(cell.seed, "predictor"))
    return predictor


def _drawn(part: Side, name: str, seed: int) -> np.ndarray:
    """The positions of the samples of a side to fit on, int [n]."""
    n, weights = len(part), part.weights
    if name != "train" or weights is None:
        return np.arange(n)
    return resampled(weights, rng("weights", seed).random())


def frozen_of(cell: Cell, runtime: Runtime) -> dict[str, frozen.Features]:
    """Of each side of a cell's split the frozen backbone's features of all rows of its table; none if the cell reads no
    backbone."""
    if cell.decoded_for is None:
        return {name: {} for name in SIDES}
    data = samples(cell.dataset, *cell.decoded_for, runtime)
    features = dict.fromkeys(SIDES, frozen.features(cell, data, runtime, reopen))
    return features | ({"test": frozen.features(cell, pool_of(cell, runtime), runtime, reopen)} if cell.pool else {})


def predicted(
    predictor: Predictor, task: Task, part: Side, features: frozen.Features, wanted: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Logits of n samples under every pattern that each can show, or of these under those `wanted`, bool [n, P]:
    float32 [n, P, K], NaN elsewhere; and of a predictor that draws the standard deviations of its probabilities over
    draws, float32 [n, P, C]. `features`: the frozen backbone's, of all rows of the side's table."""
    table, rows, natural = part.table, part.rows, part.natural
    patterns = presence.pattern_presence(natural.shape[1])
    able = presence.able(natural) if wanted is None else presence.able(natural) & wanted
    logits = np.full((len(rows), len(patterns), task.outputs(len(table.labels))), np.nan, np.float32)
    spread = np.full((len(rows), len(patterns), len(table.labels)), np.nan, np.float32)
    draws = set()
    for k, (pattern, can) in enumerate(zip(patterns, able.T, strict=True)):
        chosen = np.flatnonzero(can)
        if len(chosen):
            these = shown(table, rows[chosen], np.tile(pattern, (len(chosen), 1)), targets=False, frozen=features)
            probabilities, deviations = checked(predictor, these)
            logits[chosen, k] = task.logits(probabilities)
            draws.add(deviations is not None)
            if deviations is not None:
                spread[chosen, k] = deviations
    if len(draws) > 1:
        raise ValueError(f"{type(predictor).__name__}.draws gave None under some patterns alone; expected all or none")
    return logits, spread if True in draws else None


def checked(predictor: Predictor, samples: Shown) -> tuple[np.ndarray, np.ndarray | None]:
    """The predictions of a predictor and, if it draws, the standard deviations over its draws, both [n, C]; checked to
    be probabilities of the right shape."""
    drawn = predictor.draws(samples)
    given = np.asarray(predictor.predict(samples) if drawn is None else drawn, float)
    asked, expected = ("predict", ()) if drawn is None else ("draws", (len(given),))
    expected = (*expected, len(samples), len(samples.labels))
    if given.shape != expected:
        raise ValueError(f"{type(predictor).__name__}.{asked} gave {list(given.shape)}; expected {list(expected)}")
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError(f"{type(predictor).__name__}.{asked} gave numbers that are no probabilities")
    if not task_of(samples.task).one_by_one and (given.sum(-1) == 0).any():
        raise ValueError(
            f"{type(predictor).__name__}.{asked} gave no class of a sample any probability, where one of them is true. "
            "Where it can read nothing, give how frequent each class is."
        )
    if drawn is None:
        return given, None
    # Equal draws have no deviation; rounding gives them one.
    return given.mean(0), np.where(np.ptp(given, axis=0) > 0, given.std(0), 0.0)

"""The protocol: under which patterns and rates the predictions of a cell are scored."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.cells.missing import COMPLETE
from mora_bench.data import presence
from mora_bench.data.groups import by_covariate
from mora_bench.missing import masks
from mora_bench.records.ranges import WIDEST
from mora_bench.records.risks import RiskGroups
from mora_bench.records.schema import SCHEMA, Curve, Scores, Setting
from mora_bench.scoring.ceiling import ceiling
from mora_bench.scoring.curves import DRAWS, expectation, under_masks
from mora_bench.scoring.pick import compared, pick, stratified
from mora_bench.scoring.worth import Side, worth
from mora_bench.tasks import conventions
from mora_bench.tasks.contract import Task
from mora_bench.tasks.named import task_of

#: The rates at which every cell holds its primary score, beside its own rate.
CURVE = tuple(round(0.1 * k, 1) for k in range(11))
#: Of more classes the counts of decisions are not stored: they grow with the square of the classes.
MOST_CLASSES = 100


@dataclass(frozen=True)
class Predicted:
    """The predictions of one split.

    Attributes:
        units: the samples, as mechanisms may see them; their targets [N, C] are what is scored.
        logits: float [N, P, K], under every pattern of presence.
        groups: bool [N] by name, groups of samples that get scores of their own.
        spread: float [N, P, C], the standard deviations of the probabilities over draws; None of what draws nothing.
    """

    units: masks.Units
    logits: np.ndarray
    groups: dict[str, np.ndarray] = field(default_factory=dict)
    spread: np.ndarray | None = None

    @property
    def side(self) -> Side:
        return self.units.targets, self.logits, self.units.natural


def scored(cell: Cell, predicted: dict[str, Predicted]) -> Scores:
    """All scores of a cell, from its predictions of "val" and "test".

    Both hold the full scores for complete data and for each pattern at the cell's test rate, with strata; `curve` holds
    the primary score of the test split over rates, one list per pattern, and `curves` its expectation over masks.
    """
    task = conventions.applied(task_of(cell.task), cell.task, cell.scoring.convention)
    patterns = masks.patterns(cell.modalities)
    settings: dict[str, dict[str, Setting]] = {split: {} for split in predicted}
    for pattern in patterns:
        kept = {n: kept_at(cell, n, side.units, pattern, [cell.test_rate])[0] for n, side in predicted.items()}
        present = {n: presence.combine(side.units.natural, kept[n]) for n, side in predicted.items()}
        for split, side in predicted.items():
            settings[split][pattern] = _setting(cell, task, side, present[split])
        setting = settings["test"][pattern]
        _beyond(task, predicted, present, setting)
        if _bounded(cell, pattern):
            setting.ceiling = ceiling(cell.dataset, present["test"])
        setting.scores |= _weighted(cell, task, predicted["test"], kept["test"], pattern)
    # A mechanism that has one rate of its own has no curve over rates.
    rates = sorted({*CURVE, cell.test_rate}) if masks.rated(cell.test_missing) else []
    test = predicted["test"]
    curves = {pattern: over_masks(cell, task, test, pattern, rates) for pattern in patterns[1:]} if rates else {}
    return Scores(
        schema=SCHEMA,
        key=cell.key,
        scoring=cell.scoring,
        score_key=cell.score_key,
        task=cell.task,
        primary=task.primary,
        test_rate=cell.test_rate,
        val=settings["val"],
        test=settings["test"],
        rates=rates,
        curve={pattern: first for pattern, (first, _) in curves.items()},
        curves={pattern: expected for pattern, (_, expected) in curves.items()},
        worth=worth(task, predicted["val"].side, test.side, test.groups),
    )


def over_masks(cell: Cell, task: Task, test: Predicted, pattern: str, rates: list[float]) -> tuple[list[float], Curve]:
    """The primary score of the test split under one pattern at `rates`: under the mask of all other scores, and
    expected over masks of the cell's test mechanism, on twins with what can be expected at most."""
    present = [
        [presence.combine(test.units.natural, kept) for kept in kept_at(cell, "test", test.units, pattern, rates, draw)]
        for draw in range(DRAWS)
    ]
    scores = under_masks(lambda logits: task.score(test.units.targets, logits), test.logits, present.__getitem__)
    expected = expectation(scores, rates, task.metric)
    if _bounded(cell, pattern):
        bounds = [ceiling(cell.dataset, shown).get(task.primary) for shown in present[0]]
        expected.ceiling = [bound for bound in bounds if bound is not None]
    return scores[:, 0].tolist(), expected


def _bounded(cell: Cell, pattern: str) -> bool:
    """Whether it can be computed what a reader of all contents reaches at most under a pattern: on twins, where what is
    missing tells nothing. Who loses a modality by its label shows the label."""
    return cell.source == "twin" and (pattern == COMPLETE or not masks.tells(cell.test_missing))


def _setting(cell: Cell, task: Task, side: Predicted, present: np.ndarray) -> Setting:
    scores, strata = stratified(task, side.units.targets, side.logits, present, cell.modalities)
    realised = presence.realised(side.units.natural, present, cell.modalities)
    return Setting(scores=scores, strata=strata, realised=realised)


def _beyond(
    task: Task,
    predicted: dict[str, Predicted],
    present: dict[str, np.ndarray],
    setting: Setting,
) -> None:
    """Add to a setting of the test split the scores that the validation split has not."""
    known, mine = ((predicted[n].units.targets, pick(predicted[n].logits, present[n])) for n in ("val", "test"))
    setting.scores |= task.tuned(known, *mine)
    for sets in by_covariate(predicted["test"].groups).values():
        setting.groups |= compared(task, *mine, sets)
    setting.counts, setting.reliability = task.counts(*mine), task.reliability(*mine)
    risks = task.risk_groups(*mine)
    setting.risk_groups = RiskGroups(**risks) if risks else None
    spread = predicted["test"].spread
    if spread is not None:
        # Rounding may lift the largest deviation that there can be.
        setting.spread = min(float(pick(spread, present["test"]).mean(dtype=np.float64)), WIDEST)
    if not task.columns and known[0].shape[1] <= MOST_CLASSES:
        setting.confusion = task.confusion(known, *mine)


def _weighted(cell: Cell, task: Task, test: Predicted, kept: np.ndarray, pattern: str) -> dict[str, float]:
    """Scores of the samples that lost nothing, each weighted by the inverse of the probability of that (Horvitz and
    Thompson): where the mechanism is MAR, in expectation the scores of all samples as if nothing had been taken.

    Nothing where the mechanism does not know the probabilities, or nobody keeps everything.
    """
    asked = (test.units, pattern, cell.test_rate, cell.test_missing)
    chance = masks.chances(*asked, data=cell.drawn_by, split="test", seed=cell.seed)
    if chance is None:
        return {}
    # By the mask itself, not by the presence left: a sample that has nothing to lose also counts as drawn to lose it.
    complete = kept.all(1) & (chance < 1)
    logits = pick(test.logits[complete], test.units.natural[complete])
    return task.weighted(test.units.targets[complete], logits, 1 / (1 - chance[complete]))


def kept_at(
    cell: Cell, split: str, units: masks.Units, pattern: str, rates: Sequence[float], draw: int = 0
) -> list[np.ndarray]:
    """The modalities that a mask keeps of a split's samples at each rate when a cell is scored, bool [N, M]; draws
    above 0 are other masks of the kind."""
    split = f"{split}, draw {draw}" if draw else split
    return masks.masks(units, pattern, rates, cell.test_missing, data=cell.drawn_by, split=split, seed=cell.seed)

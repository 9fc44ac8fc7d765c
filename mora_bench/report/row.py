"""The row of a table: a method under one set of axes, over its seeds."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Row:
    """One line of a table: a method under one set of axes, over its seeds.

    Scores are known by their columns: "score PATTERN" of the first score that the table shows, "NAME: score PATTERN" of
    the others (`mora_bench.report.measures.Measure.of`).

    Attributes:
        label: method and whatever distinguishes it from the other rows of the method in its section.
        family: its group of rows, "" if no record names one.
        mean, std: by column; std is the sample standard deviation over seeds, NaN for one seed.
        low, high: by column, a 95 % interval of the mean.
        values: by column, the scores of the section's seeds in order; NaN where there is none.
        pooled: by pattern, the first score of all folds as one set of samples, where the seeds test each fold once.
        network: False for competitors without a network, the section's floors; what was not run here counts as one.
        best: the patterns ("score both") under which no competing row leads it, but some other is led.
        below: the columns in which a complete floor has a better mean; empty for floors.
        note: why the row is not complete, or "".
        keys: of the files of scores behind it, in the order of the section's seeds.
        cut_short: the cells whose best look lies in the last fifth before the cap of epochs.
        ended_early: the cells that patience ended after one of the first looks had been the best.
        adapts: whether it adapts to unlabelled test samples.
        spread: the standard deviation of its probabilities over draws with each modality missing in turn, mean over
            seeds, samples and labels; NaN of what draws nothing.
        method, rank, blocks: what the label says, apart; rank and blocks None where the method reads none.
    """

    label: str
    mean: dict[str, float]
    std: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    values: dict[str, np.ndarray]
    cost: dict[str, float]
    seeds: int
    note: str = ""
    pooled: dict[str, float] = field(default_factory=dict)
    family: str = ""
    network: bool = True
    best: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)
    keys: tuple[str, ...] = ()
    cut_short: int = 0
    ended_early: int = 0
    adapts: bool = False
    spread: float = np.nan
    method: str = ""
    rank: int | None = None
    blocks: tuple[int, ...] | None = None

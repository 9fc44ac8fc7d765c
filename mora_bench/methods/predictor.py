"""The contract of a predictor: a competitor without the shared network, given what a mask shows and nothing else."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from mora_bench import registry
from mora_bench.data.shown import Shown


class Predictor(ABC):
    """Subclass it, finally. The harness makes one for each cell, fits it, and asks it once for each pattern.

    It reads no backbone, no imputer and no recipe, so one cell of it stands for all of them, in every table.
    """

    group: ClassVar[str] = registry.PREDICTORS
    title: ClassVar[str]
    source: ClassVar[str]
    #: The group of rows it stands in.
    family: ClassVar[str] = "no network"
    #: Change it when the same cell would predict something else.
    version: ClassVar[int] = 1
    #: Kinds of content that it reads; a dataset that has none of them has no cell of it. Empty: any dataset will do.
    kinds: ClassVar[tuple[str, ...]] = ()
    #: Where it abstains and what that gives, in words, e.g. "without text: no label"; "" if nowhere.
    abstains: ClassVar[str] = ""

    @abstractmethod
    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        """Learn from n samples as the training mask shows them, targets included; `validation` is for choices."""

    @abstractmethod
    def predict(self, samples: Shown) -> np.ndarray:
        """Probabilities [n, C] of samples under one pattern; of those it abstains on, what that gives."""

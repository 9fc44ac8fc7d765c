"""The contract of a predictor: a competitor without the shared network, which gets only what a mask shows."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from mora_bench import registry
from mora_bench.data.shown import Shown


class Predictor(ABC):
    """Subclass it directly. The harness makes one per cell, fits it, and calls `predict` once per pattern.

    It reads no imputer and no recipe, and no backbone unless it says so, so one cell of it stands in the tables of all
    of them.
    """

    group: ClassVar[str] = registry.PREDICTORS
    title: ClassVar[str]
    source: ClassVar[str]
    #: Its group of rows in tables.
    family: ClassVar[str] = "no network"
    #: Change it when the same cell would predict something else.
    version: ClassVar[int] = 1
    #: Whether it stands beside networks wherever `--floors` says all, as the default does; if not, it runs where it is
    #: named.
    floor: ClassVar[bool] = True
    #: Whether it reads the frozen backbone's features of each modality alone (`Shown.frozen`). It then has a cell for
    #: each backbone, which stands in the tables of that one only.
    reads_backbone: ClassVar[bool] = False
    #: Kinds of content that it reads; it does not run on datasets that have none of them. Empty: it runs on all.
    kinds: ClassVar[tuple[str, ...]] = ()
    #: The columns of targets that it learns from, where these are no labels (`Task.columns`); () if it learns from
    #: labels, None if from whatever the targets are. It does not run on other tasks.
    learns: ClassVar[tuple[str, ...] | None] = ()
    #: Whether it parts its training samples into folds of its own, for what it learns of several modalities; it then
    #: keeps each of `Shown.groups` in one fold.
    has_folds: ClassVar[bool] = False
    #: When it abstains and what it predicts then, in words, e.g. "on samples without text: it predicts no label"; "" if
    #: nowhere.
    abstains: ClassVar[str] = ""
    #: A remark on its scores for readers of tables, in words that follow its name; "" if nothing.
    remark: ClassVar[str] = ""
    #: How it adapts at test, in words that follow its name, e.g. "estimates how frequent each label is in the test
    #: samples"; "" if it does not. It may then learn from the samples that `predict` is handed together, which come
    #: without targets; what it predicts for one of them may hang on who else is there, but not on their order.
    adapts: ClassVar[str] = ""

    @abstractmethod
    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        """Learn from n samples as the training mask shows them, targets included; `validation` is for choices."""

    @abstractmethod
    def predict(self, samples: Shown) -> np.ndarray:
        """Probabilities [n, C] of samples under one pattern, including samples on which it abstains. Which of the
        modalities that a sample shows it reads is its own choice, sample by sample."""

    def draws(self, samples: Shown) -> np.ndarray | None:
        """Of a predictor that draws what is missing, the probabilities by each of D draws, [D, n, C]: `predict` gives
        their mean, and where nothing of a sample is missing they are the same. The harness then asks this alone, and
        stores their standard deviation beside their mean. None, the default: it never draws."""
        return None

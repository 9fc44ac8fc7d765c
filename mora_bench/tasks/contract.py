"""The contract of a task: its rule of prediction, its scores, its loss. Scores need no torch, the loss does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.special import expit

from mora_bench import registry
from mora_bench.tasks.metric import Metric, check_agree, check_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mora_bench.tasks.shared import Shared


class Loss(NamedTuple):
    """A further loss of a task.

    Attributes:
        title: what it is; source: where it is defined.
        proportional: whether outputs differ between samples by one number alone, as proportional hazards do.
    """

    title: str
    source: str
    proportional: bool = False


class Task(ABC):
    """One kind of question about a sample, answered by K logits. Subclass it directly; it holds nothing but its
    argument.

    Targets are uint8 [N, C], 0 or 1: which of the C labels are true of a sample. Of a task that names `columns` they
    are float64 [N, columns], such as a time and whether something happened then, and what reads labels (mechanisms,
    audits, thresholds, sets of answers) leaves them alone. `problem` checks further conditions. Logits are [N, K], and
    K is C unless `outputs` says otherwise; probabilities are [N, C].

    Raises:
        UserError: when a subclass is defined whose `metrics` do not say which way is better, or whose `agree` or
            `beside` names what is none of them.
    """

    group: ClassVar[str] = registry.TASKS
    title: ClassVar[str]
    #: Where its scores are defined.
    source: ClassVar[str]
    #: Change it when the same predictions would get other scores.
    version: ClassVar[int] = 1
    #: The score that figures show and, with `recipe.schedule linear`, that chooses the checkpoint on the validation
    #: split: one of `metrics`.
    primary: ClassVar[str]
    #: The score that patience and the best checkpoint read with `recipe.schedule plateau`, because one at a threshold
    #: jumps about: one of `metrics` that needs none. "": `primary` if that needs none, else the first that does not.
    watched: ClassVar[str] = ""
    #: Every score that is one number, by name: what it is called, which way is better, its range, how it is shown.
    metrics: ClassVar[Mapping[str, Metric]]
    #: The scores that tables show and that must agree before a row is said to lead another, `primary` first; of a task
    #: that does not say it, `primary` alone.
    agree: ClassVar[tuple[str, ...]] = ()
    #: Further scores that the page shows; no verdict asks them.
    beside: ClassVar[tuple[str, ...]] = ()
    #: The scores per class, lists of length C, by name; None stands in them for a class without one.
    per_class: ClassVar[Mapping[str, Metric]] = {}
    #: Further losses, by their names in `recipe.loss`: see `loss_by`.
    losses: ClassVar[Mapping[str, Loss]] = {}
    #: Whether each label is decided for itself, at a threshold; else one of them is.
    one_by_one: ClassVar[bool] = True
    #: The content of the columns of targets where they are not one a label; () where they are.
    columns: ClassVar[tuple[str, ...]] = ()
    #: A description of its argument, which stands behind a colon in its name; "" if it takes none.
    takes: ClassVar[str] = ""
    #: The argument with which `check` tries it.
    tried_with: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if {"metrics", "primary"} & {*vars(cls)} and getattr(cls, "metrics", None) is not None:
            check_metrics(cls.__name__, getattr(cls, "primary", None), cls.metrics, cls.watched)
            if "agree" not in vars(cls):
                cls.agree = (cls.primary,)
            if "beside" not in vars(cls):
                cls.beside = ()
            check_agree(cls.__name__, cls.primary, cls.metrics, cls.agree, cls.beside)

    @classmethod
    def of(cls, argument: str) -> Self:
        """The task with an argument, "" for none.

        Raises:
            UserError: the argument is none of its own.
        """
        return cls()

    @property
    def question(self) -> str:
        """Its name in captions: the title, and what its argument adds."""
        return self.title

    def outputs(self, labels: int) -> int:
        """How many logits answer about this many labels."""
        return labels

    def example(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets of n samples, n at least 12, by which `check` tries the rules, and logits of somebody who knows them
        for sure. By default one of four labels is true of each sample."""
        targets = np.eye(4, dtype=np.uint8)[np.arange(n) % 4]
        return targets, 20.0 * targets - 10

    def truth(self, targets: np.ndarray) -> np.ndarray:
        """Which labels are true of a sample, float [N, C]: 1, 0, or NaN where the targets do not say."""
        return targets.astype(float)

    @abstractmethod
    def scores(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        """All scores of targets [N, C] and logits [N, K]: `n`, every one of `metrics` (NaN where it has no meaning),
        and lists of length C for scores per class. For N = 0 `n` alone. Metrics that `tuned` or `weighted` give are
        not among them."""

    def scores_over(self, targets: np.ndarray, logits: np.ndarray, classes: Shared) -> dict[str, Any]:
        """`scores` of one of several sets of samples that are compared: what is a mean over classes is a mean over
        those that all of the sets have, NaN if there are none. By default `scores`, for tasks without such means."""
        return self.scores(targets, logits)

    def attainable(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, Any]:
        """The scores that one can reach who knows the exact probabilities, whose logits these are. By default `scores`,
        for tasks whose decisions no other ones exceed."""
        return self.scores(targets, logits)

    @abstractmethod
    def loss(self, predicted: Tensor, wanted: Tensor, weights: Tensor | None = None) -> Tensor:
        """The training loss: logits float [B, K] and targets [B, C], float32, or float64 [B, columns] -> a scalar.

        weights: float [C], what a positive of each class weighs. They are given only where `balanced` has them; a task
        without may do without the argument.
        """

    def loss_by(self, name: str, predicted: Tensor, wanted: Tensor) -> Tensor:
        """One of `losses`, of what `loss` is given, -> a scalar."""
        raise NotImplementedError(f"{type(self).__name__} lists the loss {name!r} and does not compute it")

    def balanced(self, targets: np.ndarray) -> np.ndarray | None:
        """Class weights for `loss`, float [C], that let rare classes of the training targets [N, C] count as much as
        frequent ones; None, the default, if the task has no class weights."""
        return None

    def prior(self, targets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """The probabilities [C] of the constant prediction with the least loss on targets [N, C], with class weights
        [C] or without: by default each class's share, for tasks without class weights."""
        return targets.mean(0)

    @abstractmethod
    def logits(self, probabilities: np.ndarray) -> np.ndarray:
        """Logits [N, K] that stand for the given probabilities [N, C], 0 and 1 included."""

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities [N, C] of logits [N, K]; by default each label's own, the inverse of `finite_logit`."""
        return expit(np.asarray(logits, np.float64))

    def decide(self, logits: np.ndarray, thresholds: np.ndarray | None = None) -> np.ndarray:
        """The decisions, bool [N, C], on logits [N, K]; thresholds [C] are on logits, 0 if not given. By default each
        label whose logit is above its threshold."""
        return np.asarray(logits > (0.0 if thresholds is None else thresholds))

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """The probabilities of the A answers to each of the Q questions that a sample asks, float [N, Q, A], which sum
        to 1. By default each label is a question, answered by no or yes."""
        yes = self.probabilities(logits)
        return np.stack([1 - yes, yes], 2)

    def answered(self, targets: np.ndarray) -> np.ndarray:
        """The numbers of the true answers, int [N, Q], of targets [N, C]."""
        return (targets > 0).astype(int)

    @property
    def metric(self) -> Metric:
        """The facts of `primary`: its title, which way is better, its range."""
        return self.metrics[self.primary]

    def score(self, targets: np.ndarray, logits: np.ndarray) -> float:
        """The primary score alone; NaN for N = 0. Override it where that is cheaper than all scores."""
        return float(self.scores(targets, logits).get(self.primary, np.nan))

    def value(self, name: str, targets: np.ndarray, logits: np.ndarray) -> float:
        """One of the scores alone; NaN where it has no meaning. Override it where that is cheaper than all scores."""
        if name == self.primary:
            return self.score(targets, logits)
        return float(self.scores(targets, logits).get(name, np.nan))

    @classmethod
    def watches(cls) -> str:
        """The score that `watched` says, or stands for; "" if all scores need a threshold."""
        asked = [cls.watched] if cls.watched else [cls.primary, *cls.metrics]
        return next((name for name in asked if not cls.metrics[name].needs_threshold), "")

    def weighted(self, targets: np.ndarray, logits: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        """Scores in which each sample counts by its weight, float [N]; none by default."""
        return {}

    def counts(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list[int]]:
        """Counts of one set of samples, by name, for `pooled`; nothing if scores of several cannot be pooled."""
        return {}

    def pooled(self, counts: Sequence[dict[str, list[int]]]) -> float:
        """The primary score of several sets of samples as one, from their `counts`; NaN if it cannot be pooled."""
        return float("nan")

    def tuned(self, known: tuple[np.ndarray, np.ndarray], targets: np.ndarray, logits: np.ndarray) -> dict[str, float]:
        """Scores at thresholds that are chosen on other samples, `known` (targets and logits); none by default."""
        return {}

    def confusion(
        self, known: tuple[np.ndarray, np.ndarray], targets: np.ndarray, logits: np.ndarray
    ) -> dict[str, list[list[int]]]:
        """Counts of decisions, by the rule that decides; nothing by default.

        Of labels that are decided one by one [C, 4]: true negatives, false positives, false negatives, true positives
        of each. Else [C, C]: how many samples of each true class are decided for each class.

        Args:
            known: targets and logits of the validation split, on which thresholds are chosen.
        """
        return {}

    def reliability(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        """Predictions in bins: mean probability, share of true, count; nothing by default."""
        return {}

    def risk_groups(self, targets: np.ndarray, logits: np.ndarray) -> dict[str, list]:
        """Samples in groups by what is predicted, and what became of them over time; nothing by default.

        Returns:
            times [T] and horizons [H]; of each of G groups, the lowest risk first, n [G], predicted [G][H] by the
            horizons, and observed [G][T] by the times: shares of samples that have had the event.
        """
        return {}

    def improbable(self, row: np.ndarray) -> str | None:
        """The reason why a sample's numbers from 0 to 1, float [C], are not its probabilities; None if they are."""
        return None

    def problem(self, targets: np.ndarray) -> str | None:
        """The fault of a dataset's targets, of finite numbers and the right shape, for this task; None if they have
        none."""
        return None

    def holds(self, targets: np.ndarray) -> list[str]:
        """Facts of a dataset's targets beyond labels, a sentence each; nothing by default."""
        return []

    def mislabelled(self, labels: Sequence[str]) -> str | None:
        """The fault of a dataset's C labels for this task; None if they have none."""
        return None


def finite_logit(probabilities: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) in float32, with p clipped to 1e-6 from 0 and 1, which float32 can still represent."""
    p = np.clip(np.asarray(probabilities, np.float64), 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p)).astype(np.float32)

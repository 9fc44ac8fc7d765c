"""From probabilities to decisions, pattern by pattern: thresholds of validation, and sets that hold the truth."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from mora_bench.data import presence
from mora_bench.errors import UserError
from mora_bench.scoring import conformal
from mora_bench.scoring.changes import ENOUGH, changes, usual
from mora_bench.seeds import uniforms
from mora_bench.tasks.contract import Task
from mora_bench.tasks.metrics import best_thresholds, recall_thresholds
from mora_bench.text import percent

RECALL = re.compile(r"recall=(0?\.\d+|1|1\.0)")
#: How labels may be decided, as the command line takes it.
KNOWN = "0.5, validation, or recall=R with R from 0 to 1"


@dataclass(frozen=True)
class StoredPredictions:
    """The predictions of one side that a cell stored.

    Attributes:
        targets: uint8 [n, C]; logits: float [n, P, C], under every pattern of presence.
        natural: bool [n, M], the modalities that really exist of each sample.
        groups: uint64 [n], of each sample the number of the group that must not be parted.
    """

    targets: np.ndarray
    logits: np.ndarray
    natural: np.ndarray
    groups: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def under(self, pattern: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Targets [n, C] and logits [n, C] of the samples that can show a pattern, and which of them show it by
        themselves, bool [n]."""
        able = presence.able(self.natural)[:, pattern]
        exact = presence.pattern_index(self.natural[able]) == pattern
        return self.targets[able], self.logits[able, pattern], exact

    def parted(self, share: float, seed: int) -> tuple[StoredPredictions, StoredPredictions]:
        """Two parts, the first with about `share` of the groups, each drawn by its own number."""
        first = uniforms(self.groups, "calibrate", seed) < share
        return self._only(first), self._only(~first)

    def _only(self, rows: np.ndarray) -> StoredPredictions:
        return StoredPredictions(self.targets[rows], self.logits[rows], self.natural[rows], self.groups[rows])


@dataclass(frozen=True)
class DecisionOptions:
    """The options for output beside probabilities.

    Attributes:
        decide: one of `KNOWN`, "" for no decisions; coverage: of sets, 0 for none; calibrate: the share of test samples
            that calibrate these, None for half; changes: whether to give each modality's changes.

    Raises:
        UserError: one of them makes no sense.
    """

    decide: str = ""
    coverage: float = 0.0
    calibrate: float | None = None
    changes: bool = False

    def __post_init__(self) -> None:
        if self.decide not in ("", "0.5", "validation") and not RECALL.fullmatch(self.decide):
            raise UserError(f"--decide {self.decide}: expected {KNOWN}.")
        if self.coverage and not 0.5 <= self.coverage < 1:
            raise UserError(f"--coverage {self.coverage:g}: expected a share from 0.5 to below 1, such as 0.9.")
        if self.calibrate is None:
            return
        if not 0 < self.calibrate <= 1:
            raise UserError(f"--calibrate {self.calibrate:g}: expected a share above 0, at most 1.")
        if not self.coverage:
            raise UserError(
                f"--calibrate {self.calibrate:g}: it is the share that calibrates sets. Ask for sets by --coverage, "
                "such as --coverage 0.9, or leave it out."
            )

    @property
    def reads(self) -> bool:
        """Whether the cell's own predictions are needed."""
        return self.coverage > 0 or self.changes or self.decide not in ("", "0.5")

    @property
    def calibrating(self) -> float:
        """The share of test samples that calibrate sets."""
        return 0.5 if self.calibrate is None else self.calibrate

    @property
    def recall(self) -> float | None:
        match = RECALL.fullmatch(self.decide)
        return None if match is None else float(match[1])


@dataclass
class Decider:
    """Decides records by what a cell predicted on its own validation and test samples under the same pattern.

    Attributes:
        names: of the M modalities; labels: of the C labels.
        seed: of the cell, from which the calibrating share of its test side is drawn.
        remarks: sentences for the user, in the order in which patterns were met.
    """

    task: Task
    asked: DecisionOptions
    names: tuple[str, ...]
    labels: tuple[str, ...]
    validation: StoredPredictions
    test: StoredPredictions
    seed: int
    remarks: list[str] = field(default_factory=list)
    _thresholds: dict[int, np.ndarray] = field(default_factory=dict)
    _limits: dict[int, np.ndarray] = field(default_factory=dict)
    _usual: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    _expected: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.task.columns and (self.asked.coverage or self.asked.decide not in ("", "0.5")):
            raise UserError(
                f"--coverage and thresholds of validation: of {self.task.title} nobody knows of every sample which "
                "answer is true. Leave them out, or give --decide 0.5."
            )
        if self.asked.decide not in ("", "0.5") and not self.task.one_by_one:
            raise UserError(
                f"--decide {self.asked.decide}: {self.task.title} decides one label of a sample, without a threshold. "
                "Give --decide 0.5, or --coverage for sets."
            )

    def decisions(self, logits: np.ndarray, present: np.ndarray) -> np.ndarray:
        """The labels that are decided, bool [N, C], of logits [N, K] and presence bool [N, M]."""
        decided = np.zeros((len(logits), len(self.labels)), bool)
        for pattern, rows in presence.by_pattern(present):
            decided[rows] = self.task.decide(logits[rows], self.thresholds(pattern))
        return decided

    def sets(self, logits: np.ndarray, present: np.ndarray) -> np.ndarray:
        """The answers that cannot be ruled out, bool [N, Q, A]; the most probable one is always among them."""
        answers = self.task.answers(logits)
        members = np.zeros(answers.shape, bool)
        for pattern, rows in presence.by_pattern(present):
            sets = conformal.sets(answers[rows], self.limits(pattern))
            members[rows] = conformal.never_empty(sets, answers[rows])
        return members

    def changes(self, logits: np.ndarray, present: np.ndarray) -> np.ndarray:
        """The change by each modality in each probability, [N, M, C], of logits [N, P, C] under every pattern of a
        record's modalities, presence bool [N, M]. No modality is the constant prediction that is best on validation."""
        return changes(self.task, logits, present, self.task.prior(self.validation.targets.astype(np.float64)))

    def usual(self, pattern: int) -> tuple[np.ndarray, np.ndarray]:
        """Between which changes nine of ten validation samples lie when they are shown a pattern, two of [M, C]; NaN
        where that is not known."""
        if pattern not in self._usual:
            self._usual[pattern] = self._changed(pattern)
        return self._usual[pattern]

    def expected(self, pattern: int) -> str:
        """The cell's scores on its test samples that are shown a pattern, as a sentence; "" if it has none."""
        if pattern not in self._expected:
            self._expected[pattern] = self._scored(pattern)
        return self._expected[pattern]

    def _scored(self, pattern: int) -> str:
        targets, logits, _ = self.test.under(pattern)
        if not len(targets):
            return ""
        seen, before, _ = self.validation.under(pattern)
        scores = self.task.scores(targets, logits) | (
            self.task.tuned((seen, before), targets, logits) if len(seen) else {}
        )
        pairs = [(self.task.metrics[name], scores[name]) for name in self.task.agree if name in scores]
        unit = ", ".join(dict.fromkeys(metric.unit for metric, _ in pairs if metric.unit))
        text = ", ".join(f"{metric.brief} {metric.shown(value)}" for metric, value in pairs) + f" ({unit})" * bool(unit)
        return f"On the {len(targets)} test samples that are shown the same: {text}."

    def thresholds(self, pattern: int) -> np.ndarray:
        """The thresholds of a pattern, on logits, [C]."""
        if pattern not in self._thresholds:
            self._thresholds[pattern] = self._chosen(pattern)
        return self._thresholds[pattern]

    def limits(self, pattern: int) -> np.ndarray:
        """The least probability of an answer in a set of a pattern, [Q]."""
        if pattern not in self._limits:
            self._limits[pattern] = self._calibrated(pattern)
        return self._limits[pattern]

    def _chosen(self, pattern: int) -> np.ndarray:
        if self.asked.decide == "0.5":
            return np.zeros(len(self.labels))
        targets, logits, _ = self.validation.under(pattern)
        recall = self.asked.recall
        thresholds = best_thresholds(targets, logits) if recall is None else recall_thresholds(targets, logits, recall)
        for label, positives in zip(self.labels, targets.sum(0), strict=True):
            if not positives:
                adverb = "never" if recall is None else "always"
                self.remarks.append(
                    f"{self._shown(pattern)}: no validation sample has {label}, so it is {adverb} decided there"
                )
        return thresholds

    def _changed(self, pattern: int) -> tuple[np.ndarray, np.ndarray]:
        able = presence.able(self.validation.natural)[:, pattern]
        present = np.tile(presence.pattern_presence(len(self.names))[pattern], (able.sum(), 1))
        bounds = usual(self.changes(self.validation.logits[able], present))
        if bounds is None:
            self.remarks.append(
                f"{self._shown(pattern)}: {able.sum()} validation samples can show it, and {ENOUGH} are needed to say "
                "which changes are usual"
            )
            none = np.full((len(self.names), len(self.labels)), np.nan)
            return none, none
        return bounds

    def _calibrated(self, pattern: int) -> np.ndarray:
        ours, others = self.test.parted(self.asked.calibrating, self.seed)
        targets, logits, _ = ours.under(pattern)
        limits = conformal.limits(self.task.answers(logits), self.task.answered(targets), self.asked.coverage)
        least = conformal.enough(self.asked.coverage)
        if len(targets) < least:
            self.remarks.append(
                f"{self._shown(pattern)}: {len(targets)} test samples calibrate, and {percent(self.asked.coverage)} "
                f"needs {least}: no answer is ruled out"
            )
            return limits
        validity = self._validity(others, pattern, limits)
        self.remarks.append(f"{self._shown(pattern)}: sets calibrated on {len(targets)} test samples{validity}")
        return limits

    def _validity(self, others: StoredPredictions, pattern: int, least: np.ndarray) -> str:
        """How often sets hold the truth in test samples that did not calibrate."""
        targets, logits, exact = others.under(pattern)
        if not len(targets):
            return ""
        answers = self.task.answers(logits)
        members = conformal.never_empty(conformal.sets(answers, least), answers)
        held = conformal.covered(members, self.task.answered(targets)).mean(1)
        several = (members.sum(2) > 1).mean()
        note = f" ({held[exact].mean():.1%} in the {exact.sum()} that lack the rest in the data)" if exact.any() else ""
        note = "" if exact.all() else note
        return f"; in {len(targets)} others they hold the truth in {held.mean():.1%}{note} and leave {several:.0%} open"

    def _shown(self, pattern: int) -> str:
        return presence.pattern_titles(self.names)[pattern]

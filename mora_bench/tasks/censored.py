"""Scores of predictions about the time until something happens, where some are only known to be free of it until then.

Times [N] are 0 or more; events, bool [N], say whether it happened at that time, or the sample was censored then.
Whoever is censored at the time of an event was seen free of it, so censoring counts as later. Follow-up may end for
everybody at a `horizon`: what happens later is then unknown. tests/tasks/test_censored.py holds each score against
scikit-survival's.

Censored samples are made up for by weights 1 / G, where G(t-) = P(censored at t or later) is Kaplan and Meier's
estimate on the samples themselves. Before t, not up to t: on whole years, where many are censored at the time of an
event, G(t) counts them as lost although they were seen, and scores are too high by a tenth
(findings/brier_on_whole_years.sh).
"""

from dataclasses import dataclass

import numpy as np

#: So many pairs of samples are compared at once.
AT_ONCE = 4_000_000


@dataclass(frozen=True)
class RiskSets:
    """For each of E events the samples that were free of it for longer.

    Attributes:
        weights: float [E], 1 / G(t-) ** 2.
        comparable: int [E], how many these are; concordant: float [E], those of lower risk, ties half.
    """

    weights: np.ndarray
    comparable: np.ndarray
    concordant: np.ndarray

    @property
    def harrell(self) -> float:
        """The share of all pairs that are in order (Harrell 1982); NaN without any."""
        return _share(self.concordant.sum(), self.comparable.sum())

    @property
    def uno(self) -> float:
        """The same, pairs weighted so that it does not depend on who is censored (Uno et al. 2011)."""
        return _share(self.weights @ self.concordant, self.weights @ self.comparable)


def _share(part: float, total: float) -> float:
    return float(part / total) if total else float("nan")


def until(times: np.ndarray, events: np.ndarray, horizon: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and events as if follow-up ended for everybody at a horizon; what happens at it still counts."""
    return np.minimum(times, horizon), events & (times <= horizon)


def uncensored(times: np.ndarray, events: np.ndarray) -> np.ndarray:
    """G(t-) at each sample's own time, float [N]: the probability of not being censored before it."""
    steps, of = np.unique(times, return_inverse=True)
    censored, happened = np.bincount(of, ~events), np.bincount(of, events)
    at_risk = len(times) - np.concatenate([[0], np.bincount(of).cumsum()[:-1]]) - happened
    stays = np.divide(at_risk - censored, at_risk, out=np.ones(len(steps)), where=at_risk > 0)
    return np.concatenate([[1.0], stays.cumprod()[:-1]])[of]


def share(times: np.ndarray, events: np.ndarray, horizon: float) -> float:
    """The share that had the event by a horizon, Kaplan and Meier's estimate."""
    return float(shares(times, events, np.array([horizon]))[0])


def shares(times: np.ndarray, events: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The share that had the event by each of some times, float [T], Kaplan and Meier's estimate."""
    steps = np.unique(times[events])
    stays = [1 - (events & (times == step)).sum() / (times >= step).sum() for step in steps]
    return 1 - np.cumprod([1.0, *stays])[np.searchsorted(steps, at, side="right")]


def pairs(times: np.ndarray, events: np.ndarray, risk: np.ndarray) -> RiskSets:
    """All pairs of an event and a sample that was free of it for longer, by their risks, float [N]."""
    at = np.flatnonzero(events)
    comparable, concordant = np.zeros(len(at), np.int64), np.zeros(len(at))
    step = max(AT_ONCE // max(len(times), 1), 1)
    for start in range(0, len(at), step):
        cases = at[start : start + step]
        longer = (times > times[cases, None]) | ((times == times[cases, None]) & ~events)
        comparable[start : start + step] = longer.sum(1)
        lower, tied = risk < risk[cases, None], risk == risk[cases, None]
        concordant[start : start + step] = (longer & lower).sum(1) + (longer & tied).sum(1) / 2
    return RiskSets(uncensored(times, events)[at] ** -2.0, comparable, concordant)


def known(times: np.ndarray, events: np.ndarray, horizon: float) -> tuple[np.ndarray, np.ndarray]:
    """Who had the event by a horizon, and of whom it is known, bool [N] each."""
    had = events & (times <= horizon)
    return had, had | (times >= horizon)


def brier(times: np.ndarray, events: np.ndarray, chances: np.ndarray, horizon: float) -> float:
    """The Brier score at a horizon of the probabilities [N] of an event by then, weighted for censoring (Graf et al.
    1999): what it would be if nobody were censored, in expectation."""
    had, seen = known(times, events, horizon)
    # Without anybody to stand for those who are censored, what is left is the events alone.
    if not seen.all() and not (seen & ~had).any():
        return float("nan")
    weights = np.where(seen, 1 / uncensored(*until(times, events, horizon)), 0)
    return float((weights * (chances - had) ** 2).sum() / len(times))


def auroc(times: np.ndarray, events: np.ndarray, chances: np.ndarray, horizon: float) -> float:
    """The AUROC at a horizon: who had the event by then against who was free of it for longer (cumulative cases,
    dynamic controls; Uno et al. 2007), cases weighted for censoring; NaN without one of the two."""
    had, seen = known(times, events, horizon)
    controls = np.sort(chances[seen & ~had])
    weights = 1 / uncensored(times, events)[had]
    lower, up_to = (np.searchsorted(controls, chances[had], side) for side in ("left", "right"))
    return _share(weights @ (lower + up_to) / 2, weights.sum() * len(controls))

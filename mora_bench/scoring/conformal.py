"""Sets of answers that hold the true one at a stated rate: split conformal prediction, one question at a time.

Of n calibration records, exchangeable with a new one, and the probability p that was given to each record's true
answer, the k-th largest p with k = ceil((n + 1) coverage) is the limit: whatever answer is given at least as much stays
in the set. The set then holds the truth with probability at least `coverage`, and, where no two p are equal, at most
1 / (n + 1) more. Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Sadinle, Lei and
Wasserman, Least ambiguous set-valued classifiers with bounded error levels, JASA 2019.
"""

import math

import numpy as np

#: A record that is predicted again, in another batch, gets the same probability up to this.
SAME = 2e-6


def enough(coverage: float) -> int:
    """The fewest calibration records with which a set can leave out anything: n with ceil((n + 1) coverage) <= n."""
    return math.ceil(round(coverage / (1 - coverage), 9))


def limits(answers: np.ndarray, truth: np.ndarray, coverage: float) -> np.ndarray:
    """The least probability of an answer that stays in a set, one a question, [Q]; 0 with too few records.

    Args:
        answers: probabilities, float [N, Q, A]; truth: the number of the true answer, int [N, Q].
        coverage: above 0 and below 1.
    """
    probabilities = np.take_along_axis(answers, truth[:, :, None], 2)[:, :, 0]
    # Of 0.9 times 10 floating point makes 9.000000000000002 in some orders of factors.
    rank = math.ceil(round((len(probabilities) + 1) * coverage, 9))
    return np.zeros(answers.shape[1]) if rank > len(probabilities) else -np.sort(-probabilities, axis=0)[rank - 1]


def sets(answers: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Which answers cannot be ruled out, bool [N, Q, A]: those with at least the limit [Q] of their question."""
    return answers >= least[:, None] - SAME


def never_empty(members: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """The sets with the most probable answer in each, which is left out where every answer is surer than it need be."""
    return members | (answers >= answers.max(2, keepdims=True))


def covered(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Whether each set holds the true answer, bool [N, Q]."""
    return np.take_along_axis(members, truth[:, :, None], 2)[:, :, 0]

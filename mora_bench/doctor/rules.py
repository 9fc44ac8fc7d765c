"""The shortest rules of words that say a label, by greedy set cover (Chvatal, Math. Oper. Res. 4 (1979) 233-235).

Three forms: a text has any of these words; a text has a part without any word of the other labels' rules and without
these words ("anything else"); no rule of another label holds ("none of these").
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mora_bench.doctor.vocabulary import Vocabulary

#: Words of a rule at most; wrong samples that a further word must mend, and as a share of those with the label.
MOST, MENDS, MENDS_OF = 10, 2, 0.005
#: Words of a rule that "anything else" may build on.
SHORT = 3
#: How many samples with a label outweigh one without it that a word takes in; the best rule of these is kept.
CARE = (1.0, 4.0, 1e6)
#: Matthews' correlation with the label from which on a rule says it.
SAYS = 0.9
ANY, ELSE, NONE_OF = "any of", "anything else", "none of these"


@dataclass(frozen=True)
class WordRule:
    """Attributes:
    form: `ANY`, `ELSE` or `NONE_OF`.
    terms: numbers of terms of the vocabulary.
    """

    form: str
    terms: tuple[int, ...]


def learn(words: Vocabulary, targets: np.ndarray, train: np.ndarray) -> tuple[dict[int, WordRule], np.ndarray]:
    """The rules of the labels that can be said on the samples `train`, bool [n], and their predictions for all samples.

    Args:
        targets: bool [n, C].

    Returns:
        Rules by the label's number; predictions, bool [n, C], False where a label has no rule.
    """
    rules: dict[int, WordRule] = {}
    says = np.zeros(targets.shape, bool)
    costs = targets[train].sum(0).astype(float)

    def keep(label: int, rule: WordRule, predicted: np.ndarray) -> None:
        if correlation(targets[train, label], predicted[train]) >= SAYS:
            rules[label], says[:, label] = rule, predicted
            costs[label] = _cost(predicted, targets[:, label], train, len(rule.terms))

    for label in range(targets.shape[1]):
        terms, covered = _any(words, targets[:, label], train)
        keep(label, WordRule(ANY, terms), covered)
    best = _anything_else(words, rules, targets, train)
    if best is not None and best[0] < costs[best[1]]:
        keep(best[1], WordRule(ELSE, best[2]), best[3])
    for label in [k for k in range(targets.shape[1]) if rules and k not in rules]:
        keep(label, WordRule(NONE_OF, ()), np.logical_not(np.delete(says, label, 1).any(1)))
    return rules, says


def _anything_else(
    words: Vocabulary, rules: dict[int, WordRule], targets: np.ndarray, train: np.ndarray
) -> tuple[float, int, tuple[int, ...], np.ndarray] | None:
    """The best rule of "anything else", where short rules say most of the other labels: its cost, the label, terms that
    say nothing, and the samples."""
    short = {label: rule.terms for label, rule in rules.items() if len(rule.terms) <= SHORT}
    attempts = []
    for label in range(targets.shape[1]):
        others = [term for other, terms in short.items() if other != label for term in terms]
        if 2 * len(short.keys() - {label}) > targets.shape[1] - 1 and label not in short:
            terms, left = _else(words, others, targets[:, label], train)
            cost = _cost(left, targets[:, label], train, len(terms))
            attempts.append((cost / targets[train, label].sum(), cost, label, terms, left))
    return min(attempts, key=lambda attempt: attempt[:3])[1:] if attempts else None


def correlation(target: np.ndarray, predicted: np.ndarray) -> float:
    """Matthews' correlation of two bool [n]; 0 where one of them does not vary."""
    if target.all() or not target.any() or predicted.all() or not predicted.any():
        return 0.0
    return float(np.corrcoef(target, predicted)[0, 1])


def _any(words: Vocabulary, target: np.ndarray, train: np.ndarray) -> tuple[tuple[int, ...], np.ndarray]:
    """Terms of which samples with a label have any, and the samples that have."""
    price = _price(target, train)
    best: tuple[float, list[int]] = (float(target[train].sum()), [])
    by_term = words.samples.T.tocsr()
    for care in CARE:
        value = np.where(target, 1.0, -care) * train
        terms: list[int] = []
        covered = np.zeros(len(target), bool)
        while len(terms) < MOST:
            gain = by_term @ (value * ~covered)
            if not len(gain) or gain.max() <= price:
                break
            terms.append(int(gain.argmax()))
            covered |= _has(words, terms[-1:])
        cost, terms = _pruned(words, terms, target, train)
        if cost < best[0]:
            best = cost, terms
    return tuple(best[1]), _has(words, best[1])


def _pruned(words: Vocabulary, terms: list[int], target: np.ndarray, train: np.ndarray) -> tuple[float, list[int]]:
    """The cost of terms without those that are not worth their price, and these terms."""
    now = _cost(_has(words, terms), target, train, len(terms))
    for term in list(terms):
        fewer = [other for other in terms if other != term]
        if (then := _cost(_has(words, fewer), target, train, len(fewer))) <= now:
            now, terms = then, fewer
    return now, terms


def _price(target: np.ndarray, train: np.ndarray) -> float:
    """How many wrong samples a word is worth."""
    return max(MENDS, MENDS_OF * float(target[train].sum()))


def _cost(predicted: np.ndarray, target: np.ndarray, train: np.ndarray, terms: int) -> float:
    """Samples of `train` that are wrong, and the price of the terms."""
    return float((predicted != target)[train].sum()) + _price(target, train) * terms


def _has(words: Vocabulary, terms: list[int]) -> np.ndarray:
    """bool [n]: the samples that have any of some terms."""
    return words.samples[:, terms].sum(1).A1 > 0


def _else(
    words: Vocabulary, others: list[int], target: np.ndarray, train: np.ndarray
) -> tuple[tuple[int, ...], np.ndarray]:
    """Terms that say nothing, and the samples that have a part without these and without the terms `others`."""
    price = _price(target, train)
    free = ~(words.parts[:, others].sum(1).A1 > 0)
    terms: list[int] = []
    value = np.where(target, -1.0, 1.0) * train
    while len(terms) < MOST:
        left = words.held @ free.astype(np.float32)
        among = (words.held @ sparse.diags(free.astype(np.float32)) @ words.parts).tocsr()
        # A sample has nothing left once a term stands in all parts that were.
        row = np.repeat(np.arange(len(left)), np.diff(among.indptr))
        ends = (among.data == left[row]) & (among.data > 0)
        gain = np.bincount(among.indices[ends], value[row[ends]], len(words.terms))
        if not len(gain) or gain.max() <= price:
            break
        terms.append(int(gain.argmax()))
        free &= ~(words.parts[:, terms[-1:]].sum(1).A1 > 0)
    return tuple(terms), words.held @ free.astype(np.float32) > 0

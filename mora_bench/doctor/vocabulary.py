"""Texts as parts, and the words that parts hold: the material of rules.

A part is what stands between two separators: a keyword of a list, a sentence of a report. A word is found as letters
within longer ones, too: "myopi" in "myopia" and "myopic", "glaucoma" in "glaucomaRight". A phrase is two words that
follow each other, or a whole short part.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse

#: Between parts: punctuation, European and CJK, line ends, and a capital that follows a small letter.
SEPARATORS = re.compile(
    r"[,;:.!?|/()\[\]\n\r\t\uff0c\u3001\uff1b\uff1a\u3002\uff01\uff1f\uff08\uff09]+|(?<=[a-z])(?=[A-Z])"
)
WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
#: The fewest letters of a word that is looked for within longer ones, in ASCII and in other scripts.
LETTERS, OTHER_LETTERS = 4, 2
#: The longest beginning and word that are looked at; words of a whole part that is a phrase; letters read of a text.
LONGEST, PHRASE, READ = 24, 5, 5_000
#: Samples that hold a term at least, and terms at most, the most frequent first.
FEWEST, MOST = 3, 30_000
#: A part that so many of the texts hold is their form.
FORM = 0.99


@dataclass(frozen=True)
class Vocabulary:
    """Attributes:
    terms: the K terms, as they are shown.
    held: bool [n, parts], sparse: which parts a sample has; those of the texts' form are left out.
    parts: bool [parts, K], sparse: which terms a part has.
    samples: bool [n, K], sparse: which terms a sample has.
    """

    terms: tuple[str, ...]
    held: sparse.csr_matrix
    parts: sparse.csc_matrix
    samples: sparse.csc_matrix


def vocabulary(texts: Sequence[str | None]) -> Vocabulary | None:
    """Of n texts; None if no term is frequent enough."""
    number: dict[tuple[str, ...], int] = {}
    rows = [
        sorted({number.setdefault(part, len(number)) for part in _split(text[:READ])}) if text else [] for text in texts
    ]
    if not number:
        return None
    held = _matrix(rows, len(number))
    informative = np.flatnonzero(FORM * sum(map(bool, rows)) > held.sum(0).A1)
    parts, held = [list(number)[k] for k in informative.tolist()], held[:, informative]
    terms, of_parts = _terms(parts)
    samples = (held @ of_parts).astype(bool).tocsc()
    chosen = _chosen(terms, {word for part in parts for word in part}, samples)
    if not len(chosen):
        return None
    names = tuple(" ".join(terms[k]) for k in chosen.tolist())
    return Vocabulary(names, held, of_parts.tocsc()[:, chosen], samples[:, chosen])


def _split(text: str) -> list[tuple[str, ...]]:
    """The parts of a text, as words in small letters."""
    parts = (tuple(word.casefold()[:LONGEST] for word in WORD.findall(part)) for part in SEPARATORS.split(text))
    return [part for part in parts if part]


def _matrix(rows: list[list[int]], columns: int) -> sparse.csr_matrix:
    ends = np.cumsum([0, *map(len, rows)])
    flat = np.fromiter((k for row in rows for k in row), np.int32, ends[-1])
    return sparse.csr_matrix((np.ones(ends[-1], np.float32), flat, ends), shape=(len(rows), columns))


def _terms(parts: list[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], sparse.csr_matrix]:
    """Every term of some parts, and which parts hold it, [parts, terms]."""
    words = sorted({word for part in parts for word in part})
    strings = {word[:end] for word in words for end in range(_letters(word), len(word) + 1)} | set(words)
    longest = max(map(len, strings), default=0)
    within = {word: _within(word, strings, longest) for word in words}
    number: dict[tuple[str, ...], int] = {}
    rows = []
    for part in parts:
        terms: set[tuple[str, ...]] = {(string,) for word in part for string in within[word]} | set(pairwise(part))
        terms |= {part} if 1 < len(part) <= PHRASE else set()
        rows.append(sorted({number.setdefault(term, len(number)) for term in terms}))
    return list(number), _matrix(rows, len(number))


def _letters(word: str) -> int:
    return LETTERS if word.isascii() else OTHER_LETTERS


def _within(word: str, strings: set[str], longest: int) -> list[str]:
    """The word, and those strings that are long enough to be looked for and stand in it."""
    least = _letters(word)
    substrings = {
        word[start:end]
        for start in range(len(word))
        for end in range(start + least, min(len(word), start + longest) + 1)
        if word[start:end] in strings
    }
    return [word, *(substrings - {word})]


def _chosen(terms: list[tuple[str, ...]], words: set[str], samples: sparse.csc_matrix) -> np.ndarray:
    """The numbers of terms that enough samples hold, one of those that the same samples do: the term of fewest words,
    a whole word before a part of one, then the longest."""
    frequent = samples.sum(0).A1
    known = np.flatnonzero(frequent >= FEWEST)
    known = known[np.argsort(-frequent[known], kind="stable")][:MOST]
    # Equal columns have equal sums, because their entries are added in the same order.
    sums = samples[:, known].T @ np.random.default_rng(0).random(samples.shape[0])
    best: dict[float, tuple[tuple[int, bool, int, tuple[str, ...]], int]] = {}
    for k, total in zip(known.tolist(), sums.tolist(), strict=True):
        term = terms[k]
        rank = (len(term), term[0] not in words, -len(term[0]), term)
        if total not in best or rank < best[total][0]:
            best[total] = rank, k
    return np.array(sorted(k for _, k in best.values()), int)

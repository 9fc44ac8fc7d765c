"""Pictures of several patients that are nearly the same: moved, turned, exposed anew, encoded again.

No hash finds them. In three steps, each on what `near_detail` leaves of a picture:

1. `near_thumbnails` makes small grey copies and blots out borders; they stay in the cache.
2. `near_candidates` compares all pairs of pictures at 32 x 32, without what many pictures share.
3. `near_compare` lays the best pairs over each other and compares them part by part, in all slots of both samples.

A pair counts when half of its parts correlate by more than `LEAST`, so that what different pictures share in a few
parts (dirt of the camera, burnt-in marks) makes no pair; and when that is far above what random pairs of other patients
reach in the same search: above their median by `FAR` times their spread, on Fisher's scale. Films, slices and drawings,
which are alike by anatomy, so raise their threshold themselves. At 1/2 a part has as much in common as not (random eyes
of ODIR-5K reach 0.12, at most 0.2, and the least of its known groups 0.56).
Twelve spreads and the parts that must overlap were raised while looking at ODIR and its twin, until neither had a false
pair: how well they do on other data is not known.

Not looked for: mirrored pictures (a left eye is not a right eye), enlarged ones, and pictures of different slots.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from mora_bench import seeds
from mora_bench.data.table import Table
from mora_bench.doctor.near_album import Album, Slot
from mora_bench.doctor.near_candidates import NORMAL, candidates, vectors
from mora_bench.doctor.near_compare import likeness

#: The least median correlation of parts, and by how many spreads it must stand above random pairs.
LEAST, FAR = 0.5, 12.0
#: Random pairs of each slot, and the fewest of which a spread is taken.
RANDOM, FEW = 200, 20


@dataclass(frozen=True)
class NearDuplicate:
    """Two patients with pictures that are nearly the same.

    Attributes:
        first: the patient that comes first in the table.
        second: the other one.
        pictures: the file names of the two pictures that are most alike.
        score: the median over parts of the pictures of their correlation, up to 1.
    """

    first: str
    second: str
    pictures: tuple[str, str]
    score: float


@dataclass(frozen=True)
class Match:
    """Two samples, by row, that hold the contents `u` and `v` in one slot."""

    slot: Slot
    a: int
    b: int
    u: int
    v: int


def near_duplicates(table: Table, pictures: Album, small: np.ndarray, threads: int) -> list[NearDuplicate]:
    """Pairs of patients with pictures that are nearly or exactly the same, best first; `table.inseparable` is not read.

    Args:
        pictures: of the table; small: their thumbnails, uint8 [contents, SIDE, SIDE].
        threads: that compute at the same time.
    """
    names = {patient: number for number, patient in enumerate(dict.fromkeys(table.patients))}
    patients = np.array([names[patient] for patient in table.patients])
    best: dict[tuple[str, str], NearDuplicate] = {}
    for match, score in _scored(pictures, small, patients, threads):
        ends = sorted(((match.a, match.u), (match.b, match.v)), key=lambda end: patients[end[0]])
        first, second = (table.patients[row] for row, _ in ends)
        files = (pictures.names[ends[0][1]], pictures.names[ends[1][1]])
        if (first, second) not in best or best[first, second].score < score:
            best[first, second] = NearDuplicate(first, second, files, score)
    return sorted(best.values(), key=lambda pair: -pair.score)


def _scored(pictures: Album, small: np.ndarray, patients: np.ndarray, threads: int) -> list[tuple[Match, float]]:
    """The matches that count, with their scores."""
    matches: dict[Match, None] = {}
    same: list[tuple[Match, float]] = []
    compared: dict[Slot, tuple[np.ndarray, np.ndarray]] = {}
    for slot, holders in pictures.holders.items():
        flat, contents = vectors(small, np.array(list(holders)))
        same += [(match, 1.0) for content in contents.tolist() for match in _same(slot, content, holders, patients)]
        rows = np.array([holders[content][0] for content in contents.tolist()], int)
        with threadpool_limits(threads):
            near = candidates(flat, patients[rows])
        for pair in near:
            matches |= dict.fromkeys(_everywhere(pictures, slot, rows[pair], contents[pair]))
        compared[slot] = (contents, patients[rows])
    scores = _likeness(small, [(match.u, match.v) for match in matches], threads)
    likely = [(match, score) for match, score in zip(matches, scores, strict=True) if score > LEAST]
    slots = dict.fromkeys(match.slot for match, _ in likely)
    least = {slot: _threshold(small, *compared[slot], slot, threads) for slot in slots}
    return same + [(match, score) for match, score in likely if score > least[match.slot]]


def _same(slot: Slot, content: int, holders: dict[int, list[int]], patients: np.ndarray) -> list[Match]:
    """The first sample that holds a content, with the first sample of each other patient that does."""
    rows = holders[content]
    others = {patients[row]: row for row in reversed(rows) if patients[row] != patients[rows[0]]}
    return [Match(slot, rows[0], row, content, content) for row in others.values()]


def _everywhere(pictures: Album, slot: Slot, rows: np.ndarray, contents: np.ndarray) -> list[Match]:
    """Two samples in the slot where they are alike, and in all others where both have a picture."""
    a, b = rows.tolist()
    matches = [Match(slot, a, b, *contents.tolist())]
    if slot[1] >= 0:
        first, second = pictures.fixed[a], pictures.fixed[b]
        shared = [other for other in first if other in second and other != slot]
        matches += [Match(o, a, b, first[o], second[o]) for o in shared if first[o] != second[o]]
    return matches


def _threshold(small: np.ndarray, contents: np.ndarray, patients: np.ndarray, slot: Slot, threads: int) -> float:
    """A slot's threshold of scores, from random pairs of its contents; on Fisher's scale, where the spread does
    not depend on the middle."""
    rng = seeds.rng("near duplicates", slot)
    drawn = rng.integers(len(contents), size=(2 * RANDOM, 2)) if len(contents) else np.empty((0, 2), int)
    pairs = contents[drawn[patients[drawn[:, 0]] != patients[drawn[:, 1]]][:RANDOM]]
    scores = np.array(_likeness(small, np.unique(np.sort(pairs), axis=0).tolist(), threads, thorough=True))
    scores = np.arctanh(scores[(scores > -1) & (scores < 1)])
    if len(scores) < FEW:
        return LEAST
    middle = np.median(scores)
    return max(LEAST, float(np.tanh(middle + FAR * NORMAL * np.median(np.abs(scores - middle)))))


def _likeness(small: np.ndarray, pairs: Iterable[tuple[int, int]], threads: int, thorough: bool = False) -> list[float]:
    """The scores of pairs of contents, with one thread of linear algebra each."""
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda pair: likeness(small[pair[0]], small[pair[1]], thorough), pairs))

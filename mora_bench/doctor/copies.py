"""Pictures of one thing under several patients, which a split by patient then shows in training and test."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mora_bench.data.audit import NAMED
from mora_bench.data.table import Table, joined
from mora_bench.doctor.finding import Finding, share
from mora_bench.doctor.near_duplicates import NearDuplicate
from mora_bench.doctor.repeats import split_of
from mora_bench.text import listed

#: Splits that are drawn to see how often a pair is parted; pairs that a sentence names.
SEEDS = 20
#: Pictures of several patients, as `duplicates` gives them: of each file (patient, name).
Shared = Sequence[Sequence[tuple[str, str]]]


def look(table: Table, pairs: Sequence[NearDuplicate], shared: Shared) -> list[Finding]:
    """A finding for pictures that are alike, and one for files that are equal."""
    equal = {frozenset(ends) for files in shared for ends in combinations({patient for patient, _ in files}, 2)}
    return [*_equal(table, shared), *_alike(table, [p for p in pairs if frozenset((p.first, p.second)) not in equal])]


def _equal(table: Table, shared: Shared) -> list[Finding]:
    if not shared:
        return []
    named = [" = ".join(f"{file} of {patient}" for patient, file in files[:4]) for files in shared]
    seen = f"{len(shared)} pictures occur under several patients: {listed(named, NAMED, '; ')}"
    costs = "no split by patient keeps them on one side: give each to one patient, leave it out, or see --groups-out"
    links = [(files[0][0], patient) for files in shared for patient, _ in files[1:]]
    parted = _parted(table, links)
    return [Finding("equal pictures", seen, costs, _weight(table, links), facts={"pictures": shared, "parted": parted})]


def _alike(table: Table, pairs: Sequence[NearDuplicate]) -> list[Finding]:
    if not pairs:
        return []
    links = [(pair.first, pair.second) for pair in pairs]
    parted, groups = _parted(table, links), grouped(table, links)
    patients = sum(map(len, groups))
    best = sorted(pairs, key=lambda pair: -pair.score)
    named = listed([f"{' = '.join(pair.pictures)} ({pair.score:.2f})" for pair in best], NAMED)
    seen = (
        f"{len(groups)} groups of {patients} patients have pictures that are nearly the same: {named}; in "
        f"{share(parted)} of splits by patient one picture of such a pair is in training and the other in the test set"
    )
    costs = "look at them (--json lists all); --groups-out FILE writes those that no split should part"
    together = dict(zip(table.patients, table.together, strict=True))
    apart = [link for link in links if together[link[0]] != together[link[1]]]
    if len(apart) < len(links):
        kept_pairs = "all" if not apart else f"{len(links) - len(apart)} of {len(links)} pairs"
        costs = f"the dataset's reader keeps {kept_pairs} on one side of every split" + (f"; {costs}" if apart else "")
    facts = {"groups": groups, "pairs": [vars(pair) for pair in best], "parted": parted, "apart": len(apart)}
    return [Finding("near duplicates", seen, costs, _weight(table, apart), facts=facts)]


def grouped(table: Table, links: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The patients whom links join, directly or through others."""
    members: dict[str, list[str]] = {}
    names = sorted({patient for link in links for patient in link})
    together = dict(zip(table.patients, linked(table, links), strict=True))
    for patient in names:
        members.setdefault(together.get(patient, patient), []).append(patient)
    return sorted(members.values())


def linked(table: Table, links: Sequence[tuple[str, str]], texts: Sequence[Sequence[str]] = ()) -> tuple[str, ...]:
    """Of each sample the name of its group once linked patients, and those that share a name in `texts`, are joined."""
    n = len(table)
    ends = [patient for link in links for patient in link]
    named = tuple(f"link {k}" for k in range(len(links)) for _ in range(2))
    blank = ("",) * len(ends)
    groupings = [(*grouping, *blank) for grouping in (*table.inseparable, *map(tuple, texts))]
    return joined((*table.patients, *ends), (*groupings, ("",) * n + named))[:n]


def _parted(table: Table, links: Sequence[tuple[str, str]]) -> float:
    """How often a link has one end in training and one in the test."""
    side: dict[str, str] = {}
    parted = 0
    for seed in range(SEEDS):
        for name, rows in split_of(table, seed).items():
            side |= {table.patients[row]: name for row in rows.tolist()}
        parted += sum({side.get(first), side.get(second)} == {"train", "test"} for first, second in links)
    return parted / (SEEDS * len(links))


def _weight(table: Table, links: Sequence[tuple[str, str]]) -> float:
    """The share of patients who are linked, doubled because every table loses by it."""
    if not links:
        return 0.0
    linked_ones = {patient for link in links for patient in link}
    return float(np.clip(2 * len(linked_ones) / len(set(table.patients)), 0.05, 1))

"""All looks at a dataset, in the order in which they are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mora_bench.data.table import Table
from mora_bench.doctor import copies, levels, near_duplicates, placeholders, repeats, tells, words
from mora_bench.doctor.duplicates import duplicates
from mora_bench.doctor.finding import Finding
from mora_bench.doctor.near_duplicates import Pair
from mora_bench.doctor.questions import drawn, whole
from mora_bench.files import FileHashes

#: Change it when the same data would be said to hold something else.
VERSION = 1


@dataclass(frozen=True)
class Diagnosis:
    """Attributes:
    findings: those that make scores mean less, in the order of looks.
    pairs: pictures of two groups that are nearly the same; shared: files under several patients.
    drawn: how many samples the slow looks read.
    remarks: what could not be looked at, in sentences.
    """

    findings: tuple[Finding, ...]
    pairs: tuple[Pair, ...]
    shared: tuple[tuple[tuple[str, str], ...], ...]
    drawn: int
    remarks: tuple[str, ...] = ()

    @property
    def worst(self) -> Finding | None:
        return max(self.findings, key=lambda finding: finding.weight, default=None)


def diagnose(
    table: Table,
    everybody: Table,
    hashes: FileHashes,
    cache: Path | None,
    threads: int,
    note: Callable[[str], None],
) -> Diagnosis:
    """Look at a dataset.

    Args:
        table: the samples; everybody: the same and those that its reader leaves out because they lack something.
        hashes: of its files; cache: where what pictures look like is kept; threads: at once.
        note: is told what it does now.
    """
    note("equal pictures")
    shared = tuple(tuple(own) for own in duplicates(table, hashes))
    note("pictures that are nearly the same")
    remarks: list[str] = []
    pairs = tuple(near_duplicates.near_duplicates(table, cache, threads, remarks.append))
    note("texts that repeat, placeholders, what is missing")
    subject = whole(table)
    findings = [*copies.look(table, pairs, shared), *repeats.look(subject)]
    everyone = whole(everybody)
    marks = placeholders.placeholders(everyone)
    findings += [*placeholders.look(everyone, marks), *levels.look(everyone, marks)]
    some = drawn(table)
    note("words that say labels")
    findings += words.look(some)
    note("what else tells labels")
    findings += tells.look(some)
    return Diagnosis(tuple(findings), pairs, shared, len(some.table), tuple(remarks))

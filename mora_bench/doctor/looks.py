"""All looks at a dataset, in the order in which they are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mora_bench.data.table import Table
from mora_bench.doctor import copies, levels, near_duplicates, placeholders, repeats, stand_ins, tells, words
from mora_bench.doctor.duplicates import duplicates
from mora_bench.doctor.finding import Finding
from mora_bench.doctor.near_album import album
from mora_bench.doctor.near_duplicates import NearDuplicate
from mora_bench.doctor.near_thumbnails import thumbnails
from mora_bench.doctor.questions import all_samples, drawn
from mora_bench.files import FileHashes

#: Change it when the same data would get another diagnosis.
VERSION = 3


@dataclass(frozen=True)
class Diagnosis:
    """Attributes:
    findings: those that make scores mean less, in the order of looks.
    pairs: pictures of two groups that are nearly the same; shared: files under several patients.
    drawn: how many samples the slow looks read.
    remarks: contents that could not be looked at, in sentences.
    """

    findings: tuple[Finding, ...]
    pairs: tuple[NearDuplicate, ...]
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
        hashes: of its files; cache: the folder of thumbnails; threads: at once.
        note: is called with the name of each look as it begins.
    """
    note("pictures that are the same, nearly the same, or show nothing")
    remarks: list[str] = []
    pictures = album(table, hashes, remarks.append)
    contents = list(pictures.numbers)
    small = thumbnails(pictures.pictures, contents, cache, threads, remarks.append)
    empty = stand_ins.stand_ins(pictures, small.blank, table)
    shared = tuple(tuple(files) for files in duplicates(table, hashes, {contents[number] for number in empty}))
    pairs = tuple(near_duplicates.near_duplicates(table, pictures.without(empty.keys()), small.grey, threads))
    note("texts that repeat, placeholders, what is missing")
    subject = all_samples(table)
    findings = [*copies.look(table, pairs, shared), *repeats.look(subject)]
    everyone = all_samples(everybody)
    marks = [*placeholders.placeholders(everyone), *stand_ins.placeholders(pictures, empty, table, everybody.ids)]
    findings += [*placeholders.look(everyone, marks), *levels.look(everyone, marks)]
    sample = drawn(table)
    note("words that say labels")
    findings += words.look(sample)
    note("what else tells labels")
    findings += tells.look(sample)
    return Diagnosis(tuple(findings), pairs, shared, len(sample.table), tuple(remarks))

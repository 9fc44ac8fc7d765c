"""Tables and page held against the records that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mora_bench import registry
from mora_bench.errors import UserError
from mora_bench.records.documents import Refused
from mora_bench.report.contract import Artefact, Results, in_parts
from mora_bench.report.write import checked, collecting_no_garbage, read
from mora_bench.tasks.named import task_of

WHY = (
    "is not what this version makes of the records: edited, made before some of them, or by another version; "
    "`report` makes it again"
)


def differing(folder: Path) -> list[Refused]:
    """The tables and the page of a results folder that `report` would write otherwise, whatever score it was asked to
    show; figures are not looked at, and what is absent is no fault."""
    try:
        with collecting_no_garbage():
            results = read(folder)
            first = _differing(folder, results)
            if not first:
                return []
            metrics = dict.fromkeys(name for task in _tasks(results) for name in task_of(task).metrics)
            # `report --metric` and `grid --metric` write the same files of one score.
            other = any(not _differing(folder, read(folder, metric)) for metric in metrics)
    except UserError:
        # Nothing can be read, which is named elsewhere.
        return []
    return [] if other else [Refused(file, WHY) for file in first]


def _tasks(results: Results) -> list[str]:
    return sorted({scores.task for scores in results.scores})


def _differing(folder: Path, results: Results) -> list[Path]:
    return [file for file, content in _made(folder, results) if file.is_file() and file.read_bytes() != content]


def _made(folder: Path, results: Results) -> Iterator[tuple[Path, bytes]]:
    for name in registry.names(registry.ARTEFACTS):
        artefact: Artefact = registry.get(registry.ARTEFACTS, name)()
        if artefact.draws:
            continue
        try:
            made = checked(artefact.make(results))
        except Exception:
            # Of a plug-in; `report` names it and what it raised.
            continue
        for file, content in made.items():
            yield folder / artefact.folder / file, b"".join(in_parts(content))

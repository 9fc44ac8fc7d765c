"""Turns a results folder's files into every registered artefact."""

import gc
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mora_bench import registry
from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.records.chain import walk
from mora_bench.records.lazy import StoredDocuments
from mora_bench.records.schema import Record, Scores
from mora_bench.records.store import Store
from mora_bench.report.contract import Artefact, Content, Results, in_parts
from mora_bench.report.frame import FrameRows
from mora_bench.tasks.named import task_of
from mora_bench.text import visible

#: The suffixes of text files: nothing in them is a control or a mark of direction.
TEXT = (".md", ".csv", ".tex", ".html", ".svg", ".txt")


@dataclass(frozen=True)
class Report:
    """The written report.

    Attributes:
        folder: where the artefacts are; files: their names.
        shown: what is printed on the terminal, of the cells that were asked for.
        left_out: files of the results folder that are malformed.
        results: the contents of the cells that were asked for.
    """

    folder: Path
    files: list[str]
    shown: list[str]
    left_out: list[str]
    results: Results


def read(folder: Path, metric: str = "") -> Results:
    """The contents of a results folder; `metric` is the one score that tables show and judge by; a task
    without it shows those that must agree.

    Raises:
        UserError: there are no records, or no task has that metric.
    """
    store = Store(folder)
    store.check_exists()
    rows, tasks = FrameRows(metric), set()
    records: dict[str, str] = {}
    scores: dict[str, str] = {}

    def add_record(record: Record) -> None:
        records[record.key] = record.digest
        rows.add_record(record)

    def add_scores(document: Scores) -> None:
        scores[document.score_key] = document.digest
        tasks.add(document.task)
        rows.add_scores(document)

    left_out = list(map(str, walk(store, add_record, add_scores)))
    if not records:
        why = f" Left out: {'; '.join(left_out[:3])}" if left_out else ""
        raise UserError(f"{folder}: no records that can be read.{why}")
    check_metric(metric, tasks)
    stored = (
        StoredDocuments(store.record_documents, Record, records),
        StoredDocuments(store.score_documents, Scores, scores),
    )
    return Results(*stored, rows.frame(), left_out, rows.values)


def check_metric(metric: str, tasks: set[str]) -> None:
    """Refuse a score that no task has; "" stands for each task's own."""
    known = {name for task in tasks for name in task_of(task).metrics}
    if metric and known and metric not in known:
        meant = registry.did_you_mean(metric, known)
        raise UserError(f"--metric {metric!r}: unknown; known here: {', '.join(sorted(known))}.{meant}")


def write(folder: Path, metric: str = "", figures: bool = False, asked: Set[str] | None = None) -> Report:
    """Write tables/ of `folder`, and figures/ if asked for; `metric` is the score that they show.

    `asked`: the score keys of the cells that the terminal shows; the files are about all.

    Raises:
        UserError: there are no records, or figures are asked for and matplotlib is not installed.
    """
    with collecting_no_garbage():
        return _written(folder, read(folder, metric), figures, asked)


@contextmanager
def collecting_no_garbage() -> Iterator[None]:
    """Reading thousands of files makes millions of objects that all stay, and looking for garbage among them again and
    again takes a third of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            # What was read is in use still; the first collection would look through all of it.
            gc.freeze()
            gc.enable()


def _written(folder: Path, results: Results, figures: bool, asked: Set[str] | None) -> Report:
    tables, left_out = folder / "tables", list(results.left_out)
    files: list[str] = []
    shown: list[str] = []
    narrowed = None if asked is None or results.score_keys <= asked else results.only(asked)
    for name in registry.names(registry.ARTEFACTS):
        try:
            artefact: Artefact = registry.get(registry.ARTEFACTS, name)()
            if artefact.draws and not figures:
                continue
            made = checked(artefact.make(results))
            out = folder / ("figures" if artefact.draws else artefact.folder)
            for file, parts in made.items():
                write_atomic(out / file, parts)
        except (UserError, OSError):
            raise
        except (Exception, SystemExit) as error:
            # A failing artefact must not prevent the others.
            left_out.append(f"artefact {name}: {type(error).__name__}: {error}")
            continue
        files += made
        if artefact.shown:
            printed = made if narrowed is None else artefact.make(narrowed)
            shown += [b"".join(in_parts(content)).decode() for file, content in printed.items() if file.endswith(".md")]
    return Report(tables, files, shown, left_out, narrowed or results)


def checked(made: Mapping[str, Content]) -> dict[str, Content]:
    """The files that an artefact made, all directly in its folder."""
    for file, content in made.items():
        if not isinstance(file, str) or Path(file).name != file or "\0" in file or isinstance(content, str):
            raise ValueError(f"{file!r}: expected a plain file name and bytes, not {type(content).__name__}")
    return {file: _visible(content) if file.endswith(TEXT) else content for file, content in made.items()}


def _visible(content: Content) -> Content:
    shown = (visible(part.decode()).encode() for part in in_parts(content))
    return b"".join(shown) if isinstance(content, bytes) else shown

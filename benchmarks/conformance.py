"""The conformance table of docs/data.md: the real files that packages ship, as we read them and as another reader does.

    python benchmarks/conformance.py [--files]

A row is a way of packing and a meaning of values. Each file is shown as a viewer shows it (the other reader's pictures
are ours, within a tolerance), refused with what to do, or wrong. --files prints a line for each file instead. Exits
with 1 if a file is wrong. A source is a function that returns a `Source`, or None where its packages are absent; its
name stands in SOURCES.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
from conformance_source import NO_PICTURE, Source

from mora_bench.errors import UserError

#: module:function of each source of files.
SOURCES = (
    "conformance_dicom:pydicom_files",
    "conformance_dicom:nibabel_files",
    "conformance_volumes:nibabel_files",
    "conformance_pictures:installed_files",
    "conformance_pictures:pillow_files",
)
#: Verdicts, as columns of the table. `ALONE`: shown, and the other reader cannot read the file.
SHOWN, REFUSED, ALONE, WRONG = "as a viewer shows it", "refused", "nothing to compare with", "wrong"
VERDICTS = (SHOWN, REFUSED, ALONE, WRONG, NO_PICTURE)


@dataclass(frozen=True)
class Judged:
    """One file. `why`: what a refusal says, or how far the pictures differ."""

    file: Path
    kind: tuple[str, str]
    verdict: str
    why: str = ""


def judged(source: Source) -> Iterator[Judged]:
    """A verdict on each file of a source."""
    for file in source.files:
        kind = source.kind(file)
        try:
            ours = list(source.ours(file))
        except UserError as error:
            verdict = NO_PICTURE if kind[1] == NO_PICTURE else REFUSED
            yield Judged(file, kind, verdict, str(error).removeprefix(f"{file}").lstrip(":, "))
            continue
        if kind[1] == NO_PICTURE:
            yield Judged(file, kind, WRONG, "a picture of what holds none")
            continue
        theirs = source.theirs(file)
        if theirs is None:
            yield Judged(file, kind, ALONE)
            continue
        wrong = difference(ours, list(theirs), *source.tolerance(file))
        yield Judged(file, kind, WRONG if wrong else SHOWN, wrong)


def difference(ours: list[np.ndarray], theirs: list[np.ndarray], most: float, mean: float) -> str:
    """In what two lists of pictures differ beyond a tolerance; "" if in nothing."""
    if len(ours) != len(theirs):
        return f"{len(ours)} pictures for {len(theirs)}"
    for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if one.shape != other.shape:
            return f"picture {i}: {list(one.shape)} for {list(other.shape)}"
        apart = np.abs(one.astype(int) - other.astype(int))
        if apart.max() > most or apart.mean() > mean:
            return f"picture {i}: up to {apart.max()} grey levels apart, {apart.mean():.2f} on average"
    return ""


def table(by_package: dict[str, list[Judged]]) -> str:
    """The table of all sources, in Markdown, as it stands in docs/data.md."""
    rows: list[Sequence[object]] = [("packed as", "values", *VERDICTS), ["---"] * (2 + len(VERDICTS))]
    for package, files in by_package.items():
        rows.append([f"**{package}**", *[""] * (1 + len(VERDICTS))])
        counts = Counter((*one.kind, one.verdict) for one in files)
        rows += [
            [*kind, *(counts[*kind, verdict] for verdict in VERDICTS)] for kind in sorted({one.kind for one in files})
        ]
    everything = Counter(one.verdict for files in by_package.values() for one in files)
    rows.append(["**all**", "", *(everything[verdict] for verdict in VERDICTS)])
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", action="store_true", help="a line for each file")
    asked = parser.parse_args(arguments)
    by_package = {}
    for name in SOURCES:
        source = resolve_name(name)()
        if source is None:
            print(f"{name}: its packages are absent, left out", file=sys.stderr)
            continue
        by_package[source.package] = list(judged(source))
        print(f"{source.package}: {len(source.files)} files, compared with {source.reader}", file=sys.stderr)
    if asked.files:
        for one in (one for files in by_package.values() for one in files):
            print(f"{one.file.name}: {', '.join(one.kind)}: {one.verdict}{': ' * bool(one.why)}{one.why}")
    else:
        print(table(by_package))
    return int(any(one.verdict == WRONG for files in by_package.values() for one in files))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

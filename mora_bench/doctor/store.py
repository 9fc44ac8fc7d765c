"""Diagnoses of doctor in the cache: plain JSON behind its digest. A damaged one counts as absent."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mora_bench.data.table import Table
from mora_bench.doctor.finding import Finding
from mora_bench.doctor.looks import VERSION, Diagnosis
from mora_bench.doctor.near_duplicates import NearDuplicate
from mora_bench.files import digest, read_sealed, write_sealed


def file_of(table: Table, fingerprint: str, cache: Path) -> Path:
    """The file of a table's diagnosis: another table has other contents, covariates or names of files."""

    def known_by() -> Iterator[bytes]:
        yield f"{VERSION} {fingerprint}".encode()
        for name, values in table.covariates.items():
            yield from (f"\0{text}".encode(errors="surrogatepass") for text in (name, *values))
        for column in table.modalities.values():
            for value in column.values:
                for part in value if isinstance(value, tuple) else ():
                    yield f"\0{getattr(getattr(part, 'path', None), 'name', '')}".encode(errors="surrogatepass")

    return cache / "doctor" / f"{digest(known_by())}.json"


def read(file: Path, left_out: int | None = None) -> Diagnosis | None:
    """The stored diagnosis; None if it is absent or damaged, or the reader left out another number then.

    Args:
        left_out: how many samples the reader leaves out; None if nobody knows.
    """
    value = read_sealed(file)
    if not isinstance(value, dict) or (left_out is not None and value.get("left_out") != left_out):
        return None
    try:
        return Diagnosis(
            tuple(Finding(**finding | {"more": tuple(finding["more"])}) for finding in value["findings"]),
            tuple(NearDuplicate(**pair | {"pictures": tuple(pair["pictures"])}) for pair in value["pairs"]),
            tuple(tuple((patient, name) for patient, name in files) for files in value["shared"]),
            value["drawn"],
            tuple(value["remarks"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def write(file: Path, diagnosis: Diagnosis, left_out: int) -> None:
    """Store a diagnosis."""
    value: dict[str, Any] = asdict(diagnosis) | {"left_out": left_out}
    write_sealed(file, value)

"""Pictures that several patients share: one of them is somebody else's, or one patient goes by two names."""

from collections.abc import Set

from mora_bench.data.table import Table
from mora_bench.files import FileHashes


def duplicates(table: Table, hashes: FileHashes, but: Set[str]) -> list[list[tuple[str, str]]]:
    """Groups of files of the same content under more than one patient: (patient, file name), ordered by name.

    A split by patient cannot keep such pictures on one side, so that the test shows what training has seen.

    Args:
        but: hashes of files that show nothing of a patient.
    """
    owners: dict[str, dict[tuple[str, str], None]] = {}
    for column in table.modalities.values():
        for patient, value in zip(table.patients, column.values, strict=True):
            for part in value if isinstance(value, tuple) else ():
                path = getattr(part, "path", None)
                if path is not None and path.is_file() and (content := hashes.of(path)) not in but:
                    owners.setdefault(content, {})[patient, path.name] = None
    groups = [sorted(files) for files in owners.values() if len({patient for patient, _ in files}) > 1]
    return sorted(groups)

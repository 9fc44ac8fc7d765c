"""Finds methods and imputers through entry points, the project's own like anyone else's."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mora_bench.errors import UserError

METHODS = "mora_bench.methods"
IMPUTERS = "mora_bench.imputers"


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    found = {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}
    if not found:
        raise UserError(f"no entry points {group!r}: the package is not installed. Run: pip install -e .")
    return found


def names(group: str) -> list[str]:
    """The names registered under `group`, sorted; nothing is imported."""
    return list(_found(group))


def get(group: str, name: str) -> Any:
    """The class registered as `name` under `group`.

    Raises:
        UserError: unknown name (the message lists the known ones), or its module cannot be imported.
    """
    kind = group.rpartition(".")[2].rstrip("s")
    if name not in names(group):
        raise UserError(f"unknown {kind} {name!r}; known: {', '.join(names(group))}.")
    try:
        return _found(group)[name].load()
    except (ImportError, AttributeError) as error:
        raise UserError(f"{kind} {name!r} ({_found(group)[name].value}) cannot be imported: {error}") from error

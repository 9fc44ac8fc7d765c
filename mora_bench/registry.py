"""Methods, imputers and datasets by name: from entry points, the project's own like anyone else's, or from plug-ins."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mora_bench.errors import UserError

METHODS = "mora_bench.methods"
IMPUTERS = "mora_bench.imputers"
DATASETS = "mora_bench.datasets"

#: Classes from plug-in files, by group and name, and the fingerprint of the file each came from.
_plugins: dict[str, dict[str, tuple[Any, str]]] = {METHODS: {}, IMPUTERS: {}, DATASETS: {}}


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    found = {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}
    if not found:
        raise UserError(f"no entry points {group!r}: the package is not installed. Run: pip install -e .")
    return found


def names(group: str) -> list[str]:
    """The names registered under `group`, sorted; nothing is imported."""
    return sorted({*_found(group), *_plugins[group]})


def get(group: str, name: str) -> Any:
    """What is registered as `name` under `group`.

    Raises:
        UserError: unknown name (the message lists the known ones), or its module cannot be imported.
    """
    kind = group.rpartition(".")[2].rstrip("s")
    if name not in names(group):
        raise UserError(f"unknown {kind} {name!r}; known: {', '.join(names(group))}.")
    if name in _plugins[group]:
        return _plugins[group][name][0]
    try:
        return _found(group)[name].load()
    except (ImportError, AttributeError) as error:
        raise UserError(f"{kind} {name!r} ({_found(group)[name].value}) cannot be imported: {error}") from error


def version(group: str, name: str) -> str:
    """What a cell's key holds of a method's or imputer's code: its `version`, and of a plug-in also its file's hash."""
    own = str(get(group, name).version)
    return f"{own}-{_plugins[group][name][1]}" if name in _plugins[group] else own


def add(group: str, name: str, value: Any, fingerprint: str) -> None:
    """Register what a plug-in file defines.

    Raises:
        UserError: the name belongs to something installed.
    """
    if name in _found(group):
        raise UserError(f"{name!r} is the name of an installed {group.rpartition('.')[2].rstrip('s')}; rename yours.")
    _plugins[group][name] = (value, fingerprint)

"""Finds methods, imputers and datasets: through entry points, the project's own like anyone else's, or in a file."""

import hashlib
import importlib.util
import inspect
import re
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
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


def load_plugin(file: Path) -> list[str]:
    """Register the methods, imputers and datasets that a Python file defines; returns their names.

    A class goes by its own `name`, or by its class name in lower case with hyphens (`MyMethod`: my-method); a dataset
    by the name of its variable, likewise (`MY_DATA`: my-data).

    Raises:
        UserError: no such file, it cannot be imported, it defines nothing, or a name is taken.
    """
    from mora_bench.data.datasets import Dataset
    from mora_bench.imputer import Imputer
    from mora_bench.method import Method

    if not file.is_file():
        raise UserError(f"--plugin {file}: no such file.")
    content = file.read_bytes()
    fingerprint = hashlib.sha256(content).hexdigest()[:8]
    module_name = f"mora_plugin_{re.sub(r'[^0-9a-zA-Z]', '_', file.stem)}_{fingerprint}"
    if module_name in sys.modules:
        module = sys.modules[module_name]
    else:
        spec = importlib.util.spec_from_file_location(module_name, file)
        if spec is None or spec.loader is None:
            raise UserError(f"--plugin {file}: not a Python file; expected a name that ends in .py.")
        module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise UserError(f"--plugin {file}: cannot be imported ({type(error).__name__}: {error}).") from error
    found = {}
    for variable, value in vars(module).items():
        if inspect.isclass(value) and value.__module__ == module_name and issubclass(value, Method | Imputer):
            name = getattr(value, "name", re.sub(r"(?<!^)(?=[A-Z])", "-", value.__name__).lower())
            found[name] = (METHODS if issubclass(value, Method) else IMPUTERS, value)
        elif isinstance(value, Dataset):
            found[variable.lower().replace("_", "-")] = (DATASETS, value)
    for name, (group, value) in found.items():
        if name in _found(group):
            raise UserError(f"--plugin {file}: what it calls {name!r} is the name of an installed one; rename it.")
        _plugins[group][name] = (value, fingerprint)
    if not found:
        raise UserError(
            f"--plugin {file}: defines no subclass of mora_bench.method.Method or mora_bench.imputer.Imputer, and no "
            "mora_bench.data.datasets.Dataset."
        )
    return list(found)

"""Finds everything that has a name: in entry points, of the project and of others, and in plug-in files.

Each contract's base class says by `group` where its implementations are registered, so nothing heavy is imported.
"""

import ast
import difflib
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from mora_bench.errors import UserError

DATASETS = "mora_bench.datasets"
MODALITIES = "mora_bench.modalities"
MECHANISMS = "mora_bench.mechanisms"
GAPS = "mora_bench.gaps"
TASKS = "mora_bench.tasks"
BACKBONES = "mora_bench.backbones"
METHODS = "mora_bench.methods"
PREDICTORS = "mora_bench.predictors"
IMPUTERS = "mora_bench.imputers"
ENGINES = "mora_bench.engines"
ARTEFACTS = "mora_bench.artefacts"
TRACKERS = "mora_bench.trackers"

#: The noun for one implementation of each group, in messages.
GROUPS = {
    DATASETS: "dataset",
    MODALITIES: "modality",
    MECHANISMS: "mechanism",
    GAPS: "gap mechanism",
    TASKS: "task",
    BACKBONES: "backbone",
    METHODS: "method",
    PREDICTORS: "predictor",
    IMPUTERS: "imputer",
    ENGINES: "engine",
    ARTEFACTS: "artefact",
    TRACKERS: "tracker",
}

#: The form of a plug-in's name; those that stand for something else are not allowed.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}")
VERSION = re.compile(r"[A-Za-z0-9.+_-]{1,60}")
RESERVED = ("all", "none", "auto")

#: Implementations of plug-in files, by group and name, each with the fingerprint of its file, and the file.
_plugins: dict[str, dict[str, tuple[Any, str, Path]]] = {group: {} for group in GROUPS}
#: The loaded plug-in files. Worker processes load the same files, so that they know the same names.
_files: list[Path] = []


@cache
def _entry_points(group: str) -> dict[str, EntryPoint]:
    points = {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.name)}
    if not points:
        raise UserError(f"no entry points {group!r}: the package is not installed. Run: pip install -e .")
    return points


@cache
def _loaded(point: EntryPoint) -> Any:
    """The object that an entry point names; cached, because readers of thousands of files ask once a file."""
    return point.load()


def names(group: str) -> list[str]:
    """The names registered under `group`, sorted; nothing is imported."""
    return sorted({*_entry_points(group), *_plugins[group]})


def known(group: str, name: str) -> bool:
    """Whether a name is registered under `group`; nothing is imported."""
    return name in _plugins[group] or name in _entry_points(group)


def check(group: str, name: str, also: Iterable[str] = ()) -> None:
    """Refuse a name that is not registered under `group` (nor one of `also`); nothing is imported.

    Raises:
        UserError: unknown name; the message lists the known ones, and the one that was probably meant.
    """
    known = sorted({*names(group), *also})
    if name not in known:
        raise UserError(f"unknown {GROUPS[group]} {name!r}; known: {', '.join(known)}.{did_you_mean(name, known)}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names the most similar known name, if one is similar at all."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def get(group: str, name: str) -> Any:
    """The implementation that is registered as `name` under `group`.

    Raises:
        UserError: unknown name, or its module cannot be imported.
    """
    if name in _plugins[group]:
        return _plugins[group][name][0]
    if name not in _entry_points(group):
        check(group, name)
    point = _entry_points(group)[name]
    try:
        return _loaded(point)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{GROUPS[group]} {name!r} ({point.value}) cannot be imported: {error}") from error


def made(group: str, name: str) -> Any:
    """An instance of an implementation under `group`, by a name that may hold an argument behind a colon, such as
    "time-to-event:30,90". The class says in `takes` what it takes, and `of` reads it.

    Raises:
        UserError: unknown name, or an argument that it does not take.
    """
    kind, _, argument = name.partition(":")
    implementation = get(group, kind)
    if argument and not implementation.takes:
        raise UserError(f"{GROUPS[group]} {name!r}: {kind} takes no argument. Leave {argument!r:.80} out.")
    return implementation.of(argument)


def version(group: str, name: str) -> str:
    """The part of a cell's key that stands for an implementation's code: `version`, and a plug-in's file hash.

    Raises:
        UserError: the version is no short plain text.
    """
    kind = get(group, name)
    declared = str(kind.version)
    if not VERSION.fullmatch(declared):
        raise UserError(
            f"{GROUPS[group]} {name!r}: its version is {declared!r:.60}; expected letters, digits and . + - _."
        )
    return f"{declared}-{_plugins[group][name][1]}" if name in _plugins[group] else declared


def plugin_files() -> tuple[Path, ...]:
    """The plug-in files loaded so far."""
    return tuple(_files)


def load_plugins(files: Iterable[Path]) -> list[str]:
    """Register the implementations in Python files; returns the names.

    A class goes by its own `name`, or by its class name in lower case with hyphens (`MyMethod`: my-method); an instance
    (a dataset) by the name of its variable, likewise (`MY_DATA`: my-data).

    Raises:
        UserError: no such file, it cannot be imported, it defines nothing, or a name is taken.
    """
    return [name for file in files for name in _load(file)]


def _load(file: Path) -> list[str]:
    if not file.is_file():
        reason = "is a folder; name the Python files in it" if file.is_dir() else "no such file"
        raise UserError(f"--plugin {file}: {reason}.")
    fingerprint = _fingerprint(file)
    module = _imported(file, f"mora_plugin_{re.sub(r'[^0-9a-zA-Z]', '_', file.stem)}_{fingerprint}")
    try:
        implementations, unfinished = _defined(module)
    except UserError as error:
        raise UserError(f"--plugin {file}: {error}") from error
    if not implementations:
        abstract = f" ({'; '.join(unfinished)})" if unfinished else ""
        raise UserError(
            f"--plugin {file}: defines no {', '.join(GROUPS.values())} of mora_bench.api{abstract}. "
            "docs/architecture.md shows each contract."
        )
    for name, (group, value) in implementations.items():
        try:
            _add(group, name, value, fingerprint, file.absolute())
        except UserError as error:
            raise UserError(f"--plugin {file}: {error}") from error
    # Loaded under a relative and an absolute path, it is one file.
    if file.absolute() not in _files:
        _files.append(file.absolute())
    return list(implementations)


def _fingerprint(file: Path) -> str:
    """Eight digits over a plug-in file and the modules beside it that it imports, and theirs."""
    hasher = hashlib.sha256()
    for source in (file, *sorted(_helpers(file, file.absolute().parent))):
        hasher.update(source.read_bytes())
        # Python believes compiled code of a source of the same size and modification time.
        with suppress(OSError):
            Path(importlib.util.cache_from_source(source)).unlink()
    return hasher.hexdigest()[:8]


def _helpers(file: Path, folder: Path, known: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """The Python files of a folder that a file of it imports, directly or through each other."""
    for name in _names_imported(file.read_bytes()):
        path = folder.joinpath(*name.split("."))
        for helper in (path.with_suffix(".py"), path / "__init__.py"):
            if helper.is_file() and helper not in known and helper != file.absolute():
                known = _helpers(helper, folder, known | {helper})
    return known


@cache
def _names_imported(source: bytes) -> tuple[str, ...]:
    """The modules that a source imports, in order; none if it is no Python: importing it says why."""
    with suppress(SyntaxError, ValueError):
        nodes = [*ast.walk(ast.parse(source))]
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        return tuple(sorted(names))
    return ()


def _imported(file: Path, module_name: str) -> ModuleType:
    if module_name in sys.modules:
        return sys.modules[module_name]
    try:
        spec = importlib.util.spec_from_file_location(module_name, file)
        module = None if spec is None else importlib.util.module_from_spec(spec)
    except ImportError as error:
        raise UserError(f"--plugin {file}: cannot be imported ({error}).") from error
    if spec is None or module is None or spec.loader is None:
        raise UserError(f"--plugin {file}: not a Python file; expected a name that ends in .py.")
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[module_name]
        raise UserError(f"--plugin {file}: cannot be imported ({type(error).__name__}: {_message(error)}).") from error
    return module


def _message(error: BaseException) -> str:
    """An error's message, which other people's code makes."""
    try:
        return str(error)
    except Exception:
        return "its message cannot be shown"


def _defined(module: ModuleType) -> tuple[dict[str, tuple[str, Any]], list[str]]:
    """The implementations that a module defines, name -> (group, value); and its classes that lack methods."""
    implementations, unfinished = {}, []
    for variable, value in vars(module).items():
        kind = value if inspect.isclass(value) else type(value)
        try:
            group = getattr(kind, "group", None)
        except Exception:
            continue
        if not isinstance(group, str) or group not in GROUPS:
            continue
        if value is not kind:
            implementations[variable.lower().replace("_", "-")] = (group, value)
        elif kind.__module__ == module.__name__ and inspect.isabstract(kind):
            unfinished.append(f"{variable} lacks {', '.join(sorted(kind.__abstractmethods__))}")
        elif kind.__module__ == module.__name__ and not variable.startswith("_"):
            declared = getattr(kind, "name", None)
            if declared is not None and not isinstance(declared, str):
                raise UserError(f"{variable}.name is {declared!r:.80}; expected text.")
            name = declared if declared is not None else re.sub(r"(?<!^)(?=[A-Z])", "-", variable).lower()
            if name in implementations and implementations[name][1] is not value:
                raise UserError(f"{variable} is called {name!r}, as another one of this file is; rename one of them.")
            implementations[name] = (group, value)
    return implementations, unfinished


def _add(group: str, name: str, value: Any, fingerprint: str, file: Path) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in RESERVED:
        raise UserError(
            f"{name!r} is not a name for a {GROUPS[group]}: expected letters, digits, - _ and ., and not "
            f"{' or '.join(RESERVED)}."
        )
    if inspect.isclass(value) and not any(b.__module__.startswith("mora_bench.") for b in value.__mro__):
        raise UserError(f"{name!r} has a group and is no subclass of a contract of mora_bench.api.")
    reads = getattr(value, "reads", {}) if group == METHODS else {}
    if not isinstance(reads, dict) or not all(isinstance(setting, str | int | float) for setting in reads.values()):
        raise UserError(f"{name!r}: reads is {reads!r:.80}; expected names with the values that its paper uses.")
    if not isinstance(reads.get("rank", 1), int):
        raise UserError(f"{name!r}: reads has rank {reads['rank']!r:.40}; expected a whole number.")
    if name in _entry_points(group):
        raise UserError(f"{name!r} is the name of an installed {GROUPS[group]}; rename yours.")
    if name in _plugins[group]:
        _, before, other = _plugins[group][name]
        if before != fingerprint and other != file:
            raise UserError(f"{other} defines a {GROUPS[group]} {name!r} too; rename one of them.")
    _plugins[group][name] = (value, fingerprint, file)

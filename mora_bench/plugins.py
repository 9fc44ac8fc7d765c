"""Loads files in which users define methods, imputers and datasets of their own."""

import hashlib
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from mora_bench import registry
from mora_bench.data.table import Dataset
from mora_bench.errors import UserError
from mora_bench.methods.contract import Method
from mora_bench.methods.imputer import Imputer


def load(file: Path) -> list[str]:
    """Register the methods, imputers and datasets that a Python file defines; returns their names.

    A class goes by its own `name`, or by its class name in lower case with hyphens (`MyMethod`: my-method); a dataset
    by the name of its variable, likewise (`MY_DATA`: my-data).

    Raises:
        UserError: no such file, it cannot be imported, it defines nothing, or a name is taken.
    """
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
    found: dict[str, tuple[str, Any]] = {}
    for variable, value in vars(module).items():
        ours = inspect.isclass(value) and value.__module__ == module_name and not inspect.isabstract(value)
        if ours and issubclass(value, Method | Imputer):
            name = getattr(value, "name", re.sub(r"(?<!^)(?=[A-Z])", "-", value.__name__).lower())
            found[name] = (registry.METHODS if issubclass(value, Method) else registry.IMPUTERS, value)
        elif isinstance(value, Dataset):
            found[variable.lower().replace("_", "-")] = (registry.DATASETS, value)
    for name, (group, value) in found.items():
        try:
            registry.add(group, name, value, fingerprint)
        except UserError as error:
            raise UserError(f"--plugin {file}: {error}") from error
    if not found:
        raise UserError(
            f"--plugin {file}: defines no subclass of mora_bench.methods.contract.Method or of "
            ".imputer.Imputer, and no mora_bench.data.table.Dataset."
        )
    return list(found)

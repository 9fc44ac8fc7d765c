"""new: a commented file to start something of one's own from."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from mora_bench import registry
from mora_bench.cli.options import parse
from mora_bench.errors import UserError
from mora_bench.files import write_atomic

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class NewOptions:
    """Write a commented file that keeps every rule of its contract, for you to change. It is called as the file is."""

    kind: tyro.conf.Positional[Literal["method", "predictor", "imputer", "dataset", "mechanism", "task", "backbone"]]
    """what it defines"""
    file: tyro.conf.Positional[Path]
    """a Python file that is not there yet, such as my_gate.py"""


def run(arguments: list[str]) -> int:
    options = parse(NewOptions, "new", arguments)
    words = [word for word in re.split(r"[^a-z0-9]+", options.file.stem.lower()) if word]
    if options.file.suffix != ".py" or not words or not words[0][0].isalpha():
        raise UserError(f"{options.file}: expected a name such as my_gate.py, which begins with a letter.")
    name = "-".join(words)
    if options.file.exists():
        raise UserError(f"{options.file}: is there already. Choose another name; nothing was written.")
    taken = [group for group in registry.GROUPS if name in registry.names(group)] or name in registry.RESERVED
    if taken:
        raise UserError(f"{options.file}: {name!r} is the name of something that exists. Choose another one.")
    text = (TEMPLATES / f"{options.kind}.txt").read_text()
    # Whole words alone, in an order in which no replacement holds a word that is still to be replaced.
    replaced = {
        "CLASS": "".join(word.capitalize() for word in words),
        "VARIABLE": "_".join(words).upper(),
        "FILE": str(options.file),
        "NAME": name,
    }
    text = re.sub(r"\b(" + "|".join(replaced) + r")\b", lambda match: replaced[match[1]], text)
    write_atomic(options.file, text.encode())
    print(f"{options.file} defines the {options.kind} {name!r} and keeps its rules:")
    print(f"  python -m mora_bench check {name} --plugin {options.file}")
    return 0

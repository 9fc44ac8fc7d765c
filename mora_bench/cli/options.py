"""Reads the options of a verb."""

import os
import shutil
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from mora_bench.errors import UserError
from mora_bench.text import coloured, visible

Options = TypeVar("Options")
#: Columns of a terminal for which help is laid out. In one of a single column that takes a minute.
NARROWEST, WIDEST = 40, 400


def parse(
    kind: type[Options], verb: str, arguments: list[str], default: Options | None = None, overview: str = ""
) -> Options:
    """Options as `kind`; tyro prints what is wrong with them and exits with 2. `overview` stands at the head of help,
    in place of the docstring of `kind`."""
    import tyro

    _check(verb, arguments)
    _fit_width()
    extra: dict[str, Any] = {} if default is None else {"default": default}
    extra |= {"description": overview} if overview else {}
    try:
        with _coloured(arguments):
            return tyro.cli(kind, args=arguments, prog=f"mora_bench {verb}", **extra)
    except SystemExit as ended:
        raise OptionsRead(ended.code) from None


def parse_known(kind: type[Options], verb: str, arguments: list[str]) -> tuple[Options, list[str]]:
    """Options as `kind`, and what is left for another verb; else as `parse`."""
    import tyro

    _check(verb, arguments)
    _fit_width()
    try:
        with _coloured(arguments):
            return tyro.cli(kind, args=arguments, prog=f"mora_bench {verb}", return_unknown_args=True)
    except SystemExit as ended:
        raise OptionsRead(ended.code) from None


def _fit_width() -> None:
    """Have help laid out for a width that can hold it."""
    width = shutil.get_terminal_size().columns
    if not NARROWEST <= width <= WIDEST:
        os.environ["COLUMNS"] = str(min(max(width, NARROWEST), WIDEST))


def _coloured(arguments: list[str]) -> AbstractContextManager[None]:
    """Let tyro's colours through, unless it may repeat sequences out of names of files that a shell gave."""
    return coloured(all(visible(argument) == argument for argument in arguments))


def _check(verb: str, arguments: list[str]) -> None:
    """Refuse what no option may be, whatever it is called."""
    option = verb
    for argument in arguments:
        option = argument if argument.startswith("--") else option
        if "\0" in argument:
            raise UserError(f"{option[:80]!r}: {argument[:80]!r} holds a NUL, which no name and no number has.")
        if not argument and option not in ("--after", "--retry"):
            raise UserError(f"{option}: an empty value. Leave the option out, or give it one.")
    names = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"{twice}: given {names.count(twice)} times. Give it once, with all its values.")


class OptionsRead(SystemExit):
    """The options end the command: help was asked for, or one of them is wrong."""


def option(arguments: list[str], name: str, default: str) -> str:
    """One option's value, before the rest can be parsed.

    Raises:
        UserError: it is there twice.
    """
    values = []
    for i, argument in enumerate(arguments):
        if argument == name and i + 1 < len(arguments):
            values.append(arguments[i + 1])
        if argument.startswith(f"{name}="):
            values.append(argument.partition("=")[2])
    if len(values) > 1:
        raise UserError(f"{name}: given {len(values)} times ({', '.join(values)}). Give it once.")
    return values[0] if values else default

"""Reads the options of a verb."""

from typing import Any, TypeVar

Options = TypeVar("Options")


def parse(kind: type[Options], verb: str, arguments: list[str], default: Options | None = None) -> Options:
    """Options as `kind`; tyro prints what is wrong with them and exits with 2."""
    import tyro

    extra: dict[str, Any] = {} if default is None else {"default": default}
    return tyro.cli(kind, args=arguments, prog=f"mora_bench {verb}", **extra)


def option(arguments: list[str], name: str, default: str) -> str:
    """One option's value, before the rest can be parsed."""
    for i, argument in enumerate(arguments):
        if argument == name and i + 1 < len(arguments):
            return arguments[i + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return default

"""A method's own settings as people write them: NAME=VALUE or NAME=VALUE,VALUE."""

from typing import Any

from mora_bench.errors import UserError


def parse_knob(text: str) -> tuple[str, list[str]]:
    """Its name and the texts of its values.

    Raises:
        UserError: not of that form.
    """
    name, equals, values = text.partition("=")
    if not (name and equals and values):
        raise UserError(f"--knobs {text!r} is not NAME=VALUE or NAME=VALUE,VALUE.")
    return name, values.split(",")


def typed(text: str, default: Any, knob: str) -> Any:
    """A knob's value, converted to the type of the method's `default`.

    Raises:
        UserError: it cannot be converted.
    """
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[text.lower()]
        return type(default)(text)
    except (KeyError, ValueError):
        raise UserError(f"--knobs {knob}={text}: expected {type(default).__name__}, such as {default!r}.") from None

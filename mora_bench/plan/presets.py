"""Presets: grids in TOML files, shipped or of the user's own."""

import re
import tomllib
from dataclasses import fields, replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

from mora_bench.cells.recipe import Recipe
from mora_bench.errors import UserError
from mora_bench.plan.grid import Grid
from mora_bench.registry import did_you_mean
from mora_bench.text import all_visible

#: The fields of a grid that a part of it may change.
OF_A_PART = (
    "datasets", "methods", "floors", "impute", "missing", "rates", "mechanism", "strength", "gaps", "test_gaps",
    "test_mechanism",    "test_rate", "ranks", "blocks", "knobs", "after", "lrs", "seeds", "backbone", "recipe",
)  # fmt: skip


def presets() -> dict[str, str]:
    """The shipped presets, name -> first comment line of the file."""
    folder = resources.files("mora_bench.plan") / "shipped"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): f.read_text().splitlines()[0].lstrip("# ") for f in files}


def load_preset(name: str) -> Grid:
    """A grid with a preset's values.

    Raises:
        UserError: no such preset or file, not TOML, a key that `Grid` or `Recipe` does not have, or a value of another
            type than it should be.
    """
    source = _file_of(name)
    raw = _read(source, ())
    grid = _converted(raw | {"preset": name}, Grid, f"{source}")
    for number, changed in enumerate(grid.parts, 1):
        where = f"{source}, part {number}"
        _check_keys(changed, Grid, where, hidden={f.name for f in fields(Grid)} - {*OF_A_PART})
        _check_recipes(changed, where)
        part_of(grid, changed, where)
    return grid


def part_of(grid: Grid, changed: dict[str, Any], where: str = "") -> Grid:
    """A grid with what one of its parts changes: fields as TOML gives them, of the recipe those that differ.

    Raises:
        UserError: a value of another type than it should be, or out of its range.
    """
    of_recipe = changed.get("recipe", {})
    part = _converted({k: v for k, v in changed.items() if k != "recipe"}, Grid, where)
    recipe = replace(grid.recipe, **{name: getattr(_converted(of_recipe, Recipe, where), name) for name in of_recipe})
    return replace(grid, **{k: getattr(part, k) for k in changed if k != "recipe"}, recipe=recipe, parts=())


def _file_of(name: str, beside: Path = Path(), where: str = "") -> Path | Traversable:
    """The file of a preset: a shipped one, or the user's own, whose path begins at a folder; `where`: who names it.

    Raises:
        UserError: there is none.
    """
    shipped = resources.files("mora_bench.plan") / "shipped" / f"{name}.toml"
    file = beside / name if name.endswith(".toml") else shipped
    if not file.is_file():
        known = presets()
        raise UserError(
            f"{where}unknown preset {name!r}; known: {', '.join(known)}, or a .toml file.{did_you_mean(name, known)}"
        )
    return file


def _read(source: Path | Traversable, from_it: tuple[str, ...]) -> dict[str, Any]:
    """What a preset's file says, and what it takes over from its base; `from_it`: the files that begin from it."""
    try:
        raw = tomllib.loads(source.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        # Not TOML, not UTF-8, or a number of more digits than Python converts, whose message goes on with advice on it.
        raise UserError(f"{source}: not TOML ({str(error).partition(';')[0]}).") from error
    bad_key = next((name for name, value in raw.items() if all_visible({name: value}) != {name: value}), None)
    if bad_key is not None:
        raise UserError(f"{source}: {bad_key}: a text holds a control or direction character. Write what can be seen.")
    base = raw.pop("base", None)
    _check_keys(raw, Grid, f"{source}", hidden={"preset"})
    _check_recipes(raw, f"{source}")
    if base is None:
        return raw
    if not isinstance(base, str):
        raise UserError(f"{source}: base is {base!r}; expected the name of a preset, or of a .toml file.")
    beside = source.parent if isinstance(source, Path) else Path()
    below, files = _file_of(base, beside, f"{source}: base: "), (*from_it, _identity(source))
    if _identity(below) in files:
        raise UserError(f"{source}: base {base!r} begins from this preset itself. Name another one.")
    return _over(_read(below, files), raw)


def _identity(file: Path | Traversable) -> str:
    return str(file.resolve() if isinstance(file, Path) else file)


def _over(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A preset's values over those of its base: of tables those fields that it has, of all else the whole."""
    return base | {
        key: _over(base[key], value) if isinstance(value, dict) and key in base else value for key, value in own.items()
    }


def _check_recipes(raw: dict[str, Any], where: str) -> None:
    """Refuse parts of a preset that are not fields of a recipe, or of another type than these."""
    for owner, changed in _tables(raw, where).items():
        of_recipe = {key: value for key, value in changed.items() if owner == "recipe" or key != "rank"}
        _check_keys(of_recipe, Recipe, f"{where}, [{owner}]", hidden=set())
        # Check the types of the values that are given; the others are defaults.
        _converted(of_recipe, Recipe, f"{where}, [{owner}]")
        rank = changed.get("rank", 1)
        if owner != "recipe" and (not isinstance(rank, int) or isinstance(rank, bool) or rank < 1):
            raise UserError(f"{where}, [{owner}]: rank is {rank!r}; expected a whole number of 1 or more.")


def _tables(raw: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The parts of a preset that hold recipe fields, by their headings."""
    overrides = raw.get("overrides", {})
    named = {"recipe": raw.get("recipe", {}), "overrides": overrides}
    named |= {
        f"overrides.{owner}": value for owner, value in (overrides.items() if isinstance(overrides, dict) else ())
    }
    for heading, value in named.items():
        if not isinstance(value, dict):
            raise UserError(f"{where}: {heading} is {value!r}; expected a table, [{heading}] with one field per line.")
    del named["overrides"]
    return named


def _check_keys(raw: dict[str, Any], kind: type, where: str, hidden: set[str]) -> None:
    known = [f.name for f in fields(kind) if f.name not in hidden]
    for key in raw:
        if key not in known:
            raise UserError(f"{where}: unknown key {key!r}; known: {', '.join(known)}.{did_you_mean(key, known)}")


def _converted(raw: dict[str, Any], kind: type, where: str) -> Any:
    try:
        return msgspec.convert(raw, kind, dec_hook=lambda wanted, value: wanted(value))
    except msgspec.ValidationError as error:
        wrong, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`") or "value"
        listed = "; write a list, e.g. [...]" if "Expected `array`" in wrong else ""
        raise UserError(f"{where}: {name}: {wrong[0].lower() + wrong[1:]}{listed}.") from error
    except UserError as error:
        # A value out of its range: the message names the option that sets it, but a file has keys.
        keyed = re.sub(r"(?m)^--([a-z-]+)", lambda option: option[1].replace("-", "_"), str(error))
        raise UserError("\n".join(f"{where}: {line}" for line in keyed.split("\n"))) from error

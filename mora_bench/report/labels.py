"""The label of a row of a table: its method and whatever distinguishes it from the other rows of the method."""

import re

import pandas as pd


def by_number(label: str) -> list[tuple[int, str]]:
    """A key that sorts r=2 before r=16."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", label)]


def label(first: pd.Series, part: pd.DataFrame, identity: list[str]) -> str:
    """The method's name, its axes, and every field that differs between the method's cells in the section, of which
    `part` holds one of each kind."""
    method = str(first["method"])
    same = part[part["method"] == first["method"]]
    shown = []
    if not pd.isna(first["rank"]):
        shown.append(f"r={int(first['rank'])}")
    if not pd.isna(first["blocks"]):
        shown.append(f"blocks {_ranges(str(first['blocks']))}")
    if first["knobs"]:
        shown.append(first["knobs"])
    if first["after"]:
        shown.append(f"after {first['after']}")
    for name in identity:
        if name in ("method", "rank", "blocks", "knobs", "after"):
            continue
        if _differs(first, same, name) or (name == "impute" and _imputers_differ(first, part)):
            value = "published" if (name, first[name]) == ("recipe.readout", "") else first[name]
            shown.append(
                f"{name.removeprefix('recipe.')}={value:g}"
                if isinstance(value, float)
                else f"{name.removeprefix('recipe.')}={value}"
            )
    return method + (f" ({', '.join(shown)})" if shown else "")


def _differs(first: pd.Series, same: pd.DataFrame, name: str) -> bool:
    """Whether a field differs between the kinds of cells of a method; of an imputer's version, while the imputer is
    the same."""
    if len(same) == 1 or same[name].nunique(dropna=False) == 1:
        return False
    return name != "impute_version" or same[same["impute"] == first["impute"]][name].nunique() != 1


def _imputers_differ(first: pd.Series, part: pd.DataFrame) -> bool:
    """Whether a row is of a network, and the networks of the section have several imputers."""
    return bool(first["trained"]) and part["impute"][part["trained"]].nunique() > 1


def _ranges(blocks: str) -> str:
    """ "0,1,2,5" -> "0-2,5"."""
    numbers = [int(b) for b in blocks.split(",")]
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)

"""The help of `grid` begins with its options by what they are for."""

import dataclasses
from typing import get_args, get_type_hints

import pytest

from mora_bench.cli.grid import GROUPS
from mora_bench.cli.main import main
from mora_bench.plan.grid import Grid


def test_every_option_stands_in_one_group():
    hints = get_type_hints(Grid, include_extras=True)
    hidden = {name for name, hint in hints.items() if "Suppress" in repr(get_args(hint))}
    options = {field.name.replace("_", "-") for field in dataclasses.fields(Grid) if field.name not in hidden}
    grouped = [name for names in GROUPS.values() for name in names.split()]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) - {"recipe.NAME"} == options - {"recipe"}


def test_help_shows_the_groups(capsys):
    with pytest.raises(SystemExit):
        main(["grid", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    for title, names in GROUPS.items():
        assert f"{title}: --{names.split()[0]}" in printed

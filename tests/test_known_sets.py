"""The commands of docs/known.md run on tables with the published headers and layouts."""

import random
import shlex
from pathlib import Path

import pytest
from known_sets import SETS

from mora_bench.cli.main import main

KNOWN = Path(__file__).parents[1] / "docs" / "known.md"


def command(name: str, folder: Path) -> str:
    """The command of a set, run where it was unpacked."""
    words = [word.replace(f"{folder}/", "").replace(str(folder), ".") for word in SETS[name](folder, 40, 0)]
    return "python -m mora_bench data " + shlex.join(words)


pytestmark = pytest.mark.usefixtures("as_a_new_user")


@pytest.mark.parametrize("name", SETS)
def test_the_command_plans_on_the_published_layout(name, tmp_path, capsys):
    random.seed(0)
    arguments = SETS[name](tmp_path / name, 40, 0)
    assert main(["data", *arguments, "--methods", "head", "--floors", "late-fusion", "--seeds", "0", "--plan"]) == 0
    printed = capsys.readouterr().out
    assert "2 cells (1 of them without a network): 2 to do" in printed
    assert not (tmp_path / "results").exists() or not any((tmp_path / "results").iterdir())


@pytest.mark.parametrize("name", SETS)
def test_docs_give_that_command(name, tmp_path):
    assert command(name, tmp_path) in KNOWN.read_text()

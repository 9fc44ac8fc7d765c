"""The README's tree is true, and so are its tables."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def listed() -> dict[str, str]:
    """Every path of the tree, with its purpose."""
    block = README.split("## The tree")[1].split("```")[1]
    found, folders = {}, []
    for line in block.strip("\n").splitlines():
        indent = (len(line) - len(line.lstrip())) // 2
        name, _, purpose = line.strip().partition(" ")
        folders[indent:] = [name]
        found["".join(folders)] = purpose.strip()
    return found


def test_everything_listed_exists():
    for path in listed():
        assert (ROOT / path).exists(), path


def test_every_module_is_listed_with_its_purpose():
    tree = listed()
    for package in ("mora_bench", "baselines"):
        for file in (ROOT / package).rglob("*.py"):
            assert tree.get(str(file.relative_to(ROOT))), file


@pytest.mark.parametrize("file", re.findall(r"<!-- table: (\S+) -->", README))
def test_tables_are_those_in_results(file):
    shown = README.split(f"<!-- table: {file} -->")[1].split("<!-- end of table -->")[0].strip()
    table = (ROOT / file).read_text().split("## Strata")[0].strip()
    assert shown == table


def test_the_main_commands_stand_in_the_readme():
    assert "python -m mora_bench grid --datasets odir cxr" in README
    assert "/tox" in README

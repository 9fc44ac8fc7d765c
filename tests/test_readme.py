"""The README's tree is true, and so are its tables."""

import re
from pathlib import Path

import pytest

from mora_bench import plugins, registry
from mora_bench.checks import network as contract

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


def test_the_readmes_own_method_is_short_and_keeps_every_rule(tmp_path, monkeypatch):
    code = README.split("## Your own method")[1].split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) <= 30
    (tmp_path / "my_method.py").write_text(code)
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry._plugins})
    (name,) = plugins.load(tmp_path / "my_method.py")
    assert name == "output-gate"
    subject = contract.subject(registry.get(registry.METHODS, name))
    assert [problem for _, problem in contract.check(subject) if problem] == []


def test_every_method_and_imputer_stands_in_the_readme():
    for group in (registry.METHODS, registry.IMPUTERS):
        for name in registry.names(group):
            assert f"`{name}`" in README, name

"""README and docs are true: the tree, the tables, the commands, the code."""

import re
from pathlib import Path

import pytest

from mora_bench import campaign, registry
from mora_bench.checks.run import check

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
HOUSE = (ROOT / "docs" / "architecture.md").read_text()


def listed() -> dict[str, str]:
    """Every path of the tree, with its purpose."""
    block = HOUSE.split("## The tree")[1].split("```")[1]
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


@pytest.mark.parametrize("file", re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)[:`]", HOUSE))
def test_files_that_the_text_names_exist(file):
    assert any((ROOT / folder / file).exists() for folder in ("", "mora_bench")), file


PAGES = [
    "README.md",
    *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")),
    "results/README.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / link).exists(), link


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
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])
    (name,) = registry.load_plugins([tmp_path / "my_method.py"])
    assert name == "output-gate"
    assert [problem for _, problem in check(registry.METHODS, name) if problem] == []


@pytest.mark.parametrize("group", list(registry.GROUPS))
def test_every_method_and_imputer_stands_in_the_readme(group):
    if group in (registry.METHODS, registry.PREDICTORS, registry.IMPUTERS):
        for name in registry.names(group):
            assert f"`{name}`" in README, name


def test_the_script_of_campaign_runs(tmp_path, monkeypatch, cache, capsys):
    """As its docstring has it, on a few samples."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    script = "\n".join(line[4:] for line in campaign.__doc__.splitlines() if line.startswith("    "))
    assert "seeds=(0,))" in script
    exec(script.replace("seeds=(0,))", "seeds=(0,), limit=60, workers=1)"), {})
    printed = capsys.readouterr().out.splitlines()
    cells = 2 + len(registry.names(registry.PREDICTORS))
    assert [line.rpartition(" ")[2] for line in printed] == ["done"] * cells
    assert (tmp_path / "results" / "quick-limit60" / "tables" / "comparison-twin.md").exists()

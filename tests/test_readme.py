"""README and docs are true: the tree, the tables, the commands, the code."""

import ast
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import tyro

from mora_bench import campaign, registry
from mora_bench.checks.run import check
from mora_bench.cli import main
from mora_bench.cli.options import option, parse
from mora_bench.cli.tune import Tune
from mora_bench.plan.grid import Grid
from mora_bench.plan.presets import load_preset

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
OWN = (ROOT / "docs" / "own.md").read_text()
METHODS = (ROOT / "docs" / "methods.md").read_text()
HOUSE = (ROOT / "docs" / "architecture.md").read_text()


def listed() -> dict[str, str]:
    """Every path of the tree, with its purpose."""
    block = HOUSE.split("## The tree")[1].split("```")[1]
    purposes, folders = {}, []
    for line in block.strip("\n").splitlines():
        indent = (len(line) - len(line.lstrip())) // 2
        name, _, purpose = line.strip().partition(" ")
        folders[indent:] = [name]
        purposes["".join(folders)] = purpose.strip()
    return purposes


def test_everything_listed_exists():
    for path, purpose in listed().items():
        assert (ROOT / path).exists(), path
        for name in re.findall(r"\b\w+\.py\b", purpose):
            assert (ROOT / path / name).exists(), f"{path}{name}"


def test_every_folder_is_listed_and_every_module_says_its_purpose():
    folders = {path.rstrip("/") for path in listed()}
    for package in ("mora_bench", "baselines"):
        for file in (ROOT / package).rglob("*.py"):
            assert str(file.parent.relative_to(ROOT)) in folders, file
            first, *_ = (ast.get_docstring(ast.parse(file.read_text())) or "").splitlines() or [""]
            assert first, file


@pytest.mark.parametrize("file", re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)[:`]", HOUSE))
def test_files_that_the_text_names_exist(file):
    assert any((ROOT / folder / file).exists() for folder in ("", "mora_bench")), file


PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")),
    "results/README.md",
]
TEXTS = {page: (ROOT / page).read_text() for page in PAGES}
#: The lines of shell in every page: (page, line).
COMMANDS = [
    (page, line)
    for page, text in TEXTS.items()
    for block in re.findall(r"```bash\n(.*?)```", text, re.S)
    for line in block.replace("\\\n", " ").splitlines()
    if "mora_bench" in line.partition("#")[0].split()
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text()):
        assert ((ROOT / page).parent / link).exists(), link


@pytest.mark.parametrize(
    ("page", "file"),
    [(page, file) for page, text in TEXTS.items() for file in re.findall(r"<!-- table: (\S+) -->", text)],
)
def test_tables_are_those_in_results(page, file):
    shown = TEXTS[page].split(f"<!-- table: {file} -->")[1].split("<!-- end of table -->")[0].strip()
    path = ROOT / file if (ROOT / file).exists() else (ROOT / page).parent / file
    table = path.read_text().split("## Strata")[0].strip()
    assert shown == table


@pytest.mark.parametrize("page", PAGES)
def test_tests_that_pages_name_exist(page):
    for file in re.findall(r"`(tests/[a-z_/]+\.py)", TEXTS[page]):
        assert (ROOT / file).exists(), file


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160
    assert len(README.encode()) <= 12_000


def words(line):
    """The arguments of `python -m mora_bench` in a line of shell."""
    parts = shlex.split(line, comments=True)
    at = parts.index("mora_bench") if "mora_bench" in parts else -1
    return parts[at + 1 :] if at > 0 and parts[at - 1] == "-m" else []


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[f"{page} {line}" for page, line in COMMANDS])
def test_each_command_of_ours_has_options_that_are_known(page, line, monkeypatch, tmp_path):
    """It is read as the command line reads it, up to where it would compute: what it then does, other tests run. Lines
    that call nothing of ours (pip, tox, scontrol) need a network or a cluster."""
    for part in re.split(r"&&|;(?= |$)", line.partition("  #")[0]):
        arguments = words(part)
        if not arguments:
            continue
        verb, *rest = arguments
        assert verb in main.VERBS, verb
        of_folder = verb == "status" and not rest[0].startswith("-")
        if verb in ("grid", "status", "tune") and not of_folder:
            name = option(rest, "--preset", "quick")
            # A file is what an earlier line makes.
            start = load_preset("quick" if name.endswith(".toml") else name)
            kind, start = (Tune, Tune(**vars(start))) if verb == "tune" else (Grid, start)
        else:
            module = import_module(f"mora_bench.cli.{main.MODULES.get(verb, verb)}")
            (kind,) = [member for name, member in vars(module).items() if name.endswith("Options")]
            start = None
        if verb == "data":
            _, rest = tyro.cli(kind, args=rest, return_unknown_args=True)
            kind, start = Grid, load_preset("quick")
        parse(kind, verb, rest, start)


def test_the_main_commands_stand_in_the_readme():
    assert "python -m mora_bench grid --datasets odir cxr" in README
    assert "/tox" in README


def test_the_own_method_of_the_docs_is_short_and_keeps_every_rule(tmp_path, monkeypatch):
    code = OWN.split("## Your own method")[1].split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) <= 30
    (tmp_path / "my_method.py").write_text(code)
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])
    (name,) = registry.load_plugins([tmp_path / "my_method.py"])
    assert name == "output-gate"
    assert [problem for _, problem in check(registry.METHODS, name) if problem] == []


def test_the_scripts_of_the_python_page_run(tmp_path, monkeypatch, cache, capsys):
    """As they stand there, on a few samples."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    run, look = re.findall(r"```python\n(.*?)```", TEXTS["docs/python.md"], re.S)
    changed = run.replace("seeds=(0,))", 'seeds=(0,), limit=60, workers=1, floors=("prior",))')
    exec(changed, {})
    assert "score both" in capsys.readouterr().out
    exec(look.replace("results/quick", "results/quick-limit60"), {})
    assert "3 records; 0 files left out" in capsys.readouterr().out


@pytest.mark.parametrize("group", list(registry.GROUPS))
def test_every_method_and_imputer_stands_in_the_docs(group):
    if group in (registry.METHODS, registry.PREDICTORS, registry.IMPUTERS):
        for name in registry.names(group):
            assert f"`{name}`" in METHODS, name


def test_the_script_of_campaign_runs(tmp_path, monkeypatch, cache, capsys):
    """As its docstring has it, on a few samples."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    script = "\n".join(line[4:] for line in campaign.__doc__.splitlines() if line.startswith("    "))
    assert "seeds=(0,))" in script
    exec(script.replace("seeds=(0,))", "seeds=(0,), limit=60, workers=1)"), {})
    printed = capsys.readouterr().out.splitlines()
    # All floors but the one that learns from times alone.
    cells = 2 + sum(registry.get(registry.PREDICTORS, name).floor for name in registry.names(registry.PREDICTORS)) - 1
    assert [line.rpartition(" ")[2] for line in printed] == ["done"] * cells
    assert (tmp_path / "results" / "quick-limit60" / "tables" / "comparison-twin.md").exists()

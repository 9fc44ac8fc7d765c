"""Which way imports go: layers, no circle, and what the light parts must not pull in."""

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: From the ground up: a room (a folder or a module of the package) imports, when it is imported, only what lies below.
LAYERS = [
    {"errors", "seeds", "files", "text", "workers", "statistics"},
    {"registry", "cells"},
    {"tasks", "missing", "data", "records", "engines"},
    {"backbones", "scoring", "report", "plan", "trackers", "doctor"},
    {"methods"},
    {"training"},
    {"checks", "campaign", "claims"},
    {"cli"},
    {"__main__", "api"},
]
LEVEL = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}


def modules(package: str = "mora_bench") -> dict[str, Path]:
    """Every file of a package by the name it is imported under."""
    folder = ROOT / ("baselines" if package == "mora_baselines" else package)
    files = {}
    for file in folder.rglob("*.py"):
        parts = file.relative_to(folder).with_suffix("").parts
        files[".".join([package, *(p for p in parts if p != "__init__")])] = file
    return files


@cache
def imported(file: Path, everywhere: bool = False) -> frozenset[str]:
    """What a file imports from our packages when it is imported, or anywhere in it; not what is for type checkers."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if not everywhere and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(file.read_text()))
    return frozenset(name for name in names if name.startswith(("mora_bench", "mora_baselines")))


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def test_every_room_has_its_layer():
    rooms = {room(name) for name in modules() if room(name)}
    assert rooms == set(LEVEL)
    single = [file for file in (ROOT / "mora_bench").glob("*.py") if file.name != "__init__.py"]
    assert len(single) <= 9


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_layer_imports_only_those_below(name):
    for other in imported(modules()[name]):
        target = room(other)
        if target and target != room(name) and target in LEVEL:
            assert LEVEL[target] < LEVEL[room(name)], f"{name} imports {other}"


def test_rooms_are_at_most_eight_deep():
    known = modules()
    edges: dict[str, set[str]] = {r: set() for r in LEVEL}
    for name, file in known.items():
        edges.setdefault(room(name), set()).update(room(other) for other in imported(file))

    def depth(at: str) -> int:
        return 1 + max((depth(below) for below in edges[at] if below in LEVEL and below != at), default=0)

    assert max(map(depth, LEVEL)) <= 8


def test_no_circle_arises_between_files():
    known = modules()
    state: dict[str, str] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        state[name] = "open"
        for other in imported(known[name]) & known.keys():
            if other != name:
                assert state.get(other) != "open", " -> ".join([*path, name, other])
                if other not in state:
                    visit(other, (*path, name))
        state[name] = "closed"

    for name in known:
        if name not in state:
            visit(name, ())


def test_files_and_functions_stay_small():
    lengths = []
    for package in ("mora_bench", "mora_baselines"):
        for file in modules(package).values():
            text = file.read_text()
            assert len(text.splitlines()) <= 300, file
            functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
            lengths += [n.end_lineno - n.lineno + 1 for n in functions]
    assert sorted(lengths)[int(0.9 * len(lengths))] <= 25


def test_the_harness_never_imports_a_baseline():
    for file in modules().values():
        assert not any(name.startswith("mora_baselines") for name in imported(file, everywhere=True)), file


def test_baselines_know_the_contracts_and_not_the_harness():
    allowed = (
        "mora_bench.methods",
        "mora_bench.backbones.contract",
        "mora_bench.backbones.spec",
        "mora_bench.backbones.tokens",
        "mora_bench.data.shown",
        "mora_bench.data.presence",
        "mora_bench.data.remembered",
        "mora_bench.data.modalities.pictures",
        "mora_bench.tasks",
        "mora_bench.registry",
        "mora_bench.errors",
    )
    for file in modules("mora_baselines").values():
        ours = [name for name in imported(file, everywhere=True) if name.startswith("mora_bench.")]
        assert all(name.startswith(allowed) for name in ours), (file, ours)


def test_every_contract_names_the_group_of_its_implementations():
    """The registry finds out what a plug-in defines by this alone, without importing any contract."""
    from mora_bench import api, registry

    bases = (
        api.Dataset, api.Modality, api.Mechanism, api.GapMechanism, api.Task, api.Backbone, api.Method, api.Predictor,
        api.Imputer, api.Engine, api.Artefact, api.Tracker,
    )  # fmt: skip
    assert [base.group for base in bases] == list(registry.GROUPS)


def test_the_wheel_holds_every_package():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    packages = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for folder in ("mora_bench", "baselines")
        for file in (ROOT / folder).rglob("__init__.py")
    }
    assert {name.replace("mora_baselines", "baselines") for name in listed} == packages


def test_every_public_name_is_there():
    from mora_bench import api

    for name in api.__all__:
        assert getattr(api, name) is not None
    with pytest.raises(AttributeError, match=r"mora_bench\.api has no 'Mehtod'"):
        _ = api.Mehtod


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", ["report.write", "scoring.protocol", "tasks.multilabel"])
def test_report_and_scores_reach_no_torch(module):
    artefacts = "[registry.get(registry.ARTEFACTS, name) for name in registry.names(registry.ARTEFACTS)]"
    statement = f"import mora_bench.{module}; from mora_bench import registry; {artefacts}"
    assert not {"torch", "transformers", "sklearn", "peft"} & modules_after(statement)


def test_help_and_names_reach_nothing_heavy():
    heavy = {"torch", "transformers", "pandas", "sklearn", "peft", "PIL", "scipy"}
    assert not (heavy | {"numpy", "tyro"}) & modules_after("import mora_bench.cli.main")
    check = "from mora_bench.plan.parts import check_names; from mora_bench.plan.presets import load_preset; "
    assert not heavy & modules_after(check + "check_names(load_preset('quick'))")


def test_planning_and_listing_reach_no_transformers():
    statement = (
        "from mora_bench import registry; "
        "[registry.get(g, n) for g in registry.GROUPS for n in registry.names(g)]; "
        "from mora_bench.backbones.load import resolve; resolve('small', 128)"
    )
    assert not {"transformers", "peft", "sklearn"} & modules_after(statement)

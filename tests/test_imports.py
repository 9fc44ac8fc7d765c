"""Which way imports go, and what the light verbs must not pull in."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_harness_never_imports_a_baseline():
    for file in (ROOT / "mora_bench").rglob("*.py"):
        assert not any(name.startswith(("mora_baselines", "baselines")) for name in imported(file)), file


def test_baselines_know_the_contract_and_not_the_harness():
    allowed = (
        "mora_bench.methods",
        "mora_bench.backbones",
    )
    for file in (ROOT / "baselines").glob("*.py"):
        ours = [name for name in imported(file) if name.startswith("mora_bench")]
        assert all(name.startswith(allowed) for name in ours), (file, ours)


def test_data_know_no_backbone():
    """Data flow one way: a backbone reads samples, samples know no backbone."""
    for file in (ROOT / "mora_bench" / "data").rglob("*.py"):
        assert not any(name.startswith("mora_bench.backbones") for name in imported(file)), file


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_report_reaches_no_torch():
    assert not {"torch", "transformers", "sklearn"} & modules_after("import mora_bench.report.write")


def test_help_reaches_nothing_heavy():
    heavy = {"torch", "transformers", "pandas", "sklearn", "peft", "PIL"}
    assert not heavy & modules_after("import mora_bench.cli.main, mora_bench.plan.grid")

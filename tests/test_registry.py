"""Plug-ins from a file: found, run in a grid, checked; their code is part of a cell's key."""

import hashlib
import json
import os
import subprocess
import sys

import pytest
from conftest import make_cell

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cli import main as cli
from mora_bench.data import datasets
from mora_bench.errors import UserError

GATE = '''
"""A learned gate on the whole output of one block."""

import torch
from torch import nn

from mora_bench.api import Method


class OutputGate(Method):
    title = "output gate"
    source = "this test"
    reads = {"blocks": "0"}

    def __init__(self, backbone, axes):
        super().__init__(backbone, axes)
        self.blocks = axes.blocks
        self.gate = nn.Parameter(torch.zeros(backbone.width))

    @property
    def first_block(self):
        return min(self.blocks)

    def block(self, at, frozen, tokens):
        out = frozen(tokens)
        return out.with_x(out.x * (1 + self.gate)) if at.block in self.blocks else out
'''
ZEROS = """
from mora_bench.api import Imputer


class Zeros(Imputer):
    title = "zeros"
    source = "this test"

    def fill(self, parts, present):
        return [
            part.replaced(~present[:, m], [part.x.new_zeros(1, part.x.shape[-1])] * int((~present[:, m]).sum()))
            if not present[:, m].all() else part
            for m, part in enumerate(parts)
        ]
"""


@pytest.fixture(autouse=True)
def forget(monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])
    # What a process remembers of data by name, because a name means the same as long as it lives.
    datasets.forget()


def write(folder, content, name="mine.py"):
    file = folder / name
    file.write_text(content)
    return file


def test_a_plug_in_runs_in_worker_processes_and_its_code_is_in_the_key(folder, tmp_path, capsys):
    file = write(tmp_path, GATE + ZEROS)
    arguments = [
        "grid", "--plugin", str(file), "--methods", "output-gate", "--impute", "zeros", "--datasets", "odir",
        "--backbone", str(folder), "--limit", "60", "--seeds", "0", "1", "--workers", "2", "--recipe.epochs", "1",
        "--recipe.max-text", "64", "--out", str(tmp_path / "out"), "--floors", "none",
    ]  # fmt: skip
    assert cli.main(arguments) == 0
    records = [json.loads(f.read_text()) for f in (tmp_path / "out" / "records").iterdir()]
    assert [r["status"] for r in records] == ["done", "done"]
    assert records[0]["cell"]["method_version"].startswith("1-")
    capsys.readouterr()
    assert cli.main([*arguments, "--plan"]) == 0
    assert "2 cells: 2 done" in capsys.readouterr().out
    write(tmp_path, GATE.replace("1 + self.gate", "1 - self.gate") + ZEROS)
    assert cli.main([*arguments, "--plan"]) == 0
    assert "2 cells: 2 to do" in capsys.readouterr().out


def test_what_is_run_is_what_is_in_the_file_even_under_equal_size_and_time(tmp_path):
    """Python itself believes compiled code of the same size and modification time."""
    file = write(tmp_path, "import helper\n" + ZEROS.replace('"this test"', 'f"1 {helper.VALUE}"'))
    helper = write(tmp_path, "VALUE = 1\n", "helper.py")
    code = (
        "import sys; from pathlib import Path; from mora_bench import registry; "
        "registry.load_plugins([Path('mine.py')]); print(registry.get(registry.IMPUTERS, 'zeros').source)"
    )

    command = [sys.executable, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def loaded():
        for source in (file, helper):
            os.utime(source, (10**9, 10**9))
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert loaded() == "1 1"
    file.write_text(file.read_text().replace('f"1 ', 'f"2 '))
    helper.write_text("VALUE = 2\n")
    assert loaded() == "2 2"


def test_check_says_that_every_rule_is_kept(tmp_path, capsys):
    file = write(tmp_path, GATE)
    assert cli.main(["check", "output-gate", "--plugin", str(file)]) == 0
    out = capsys.readouterr().out
    assert "output-gate: every rule is kept." in out
    assert "BROKEN" not in out


def test_check_names_the_rule_that_is_broken(tmp_path, capsys):
    file = write(
        tmp_path, GATE.replace("return out.with_x", "return out.with_x(out.x[1:]) if at.block == 0 else out.with_x")
    )
    assert cli.main(["check", "output-gate", "--plugin", str(file)]) == 1
    out = capsys.readouterr().out
    assert "BROKEN  It runs" in out
    assert "returned x of shape [3," in out


def test_check_takes_an_imputer(tmp_path, capsys):
    assert cli.main(["check", "zeros", "--plugin", str(write(tmp_path, ZEROS))]) == 0
    assert "zeros: every rule is kept." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        ("x = ", "cannot be imported \\(SyntaxError"),
        ("import nothing_of_this_name", "cannot be imported \\(ModuleNotFoundError"),
        ("x = 1", "defines no dataset, modality, .*artefact, tracker of mora_bench.api"),
        (GATE.replace("class OutputGate", "class Mora"), "'mora' is the name of an installed method"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(tmp_path, content, message):
    file = tmp_path / "mine.py"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=message):
        registry.load_plugins([file])


def test_an_unknown_name_lists_the_known_ones(capsys):
    assert cli.main(["check", "nothing"]) == 2
    error = capsys.readouterr().err
    assert "nothing is called 'nothing'; known: " in error
    assert all(name in error for name in ("bitfit", "odir", "dummy", "uniform", "multi-label", "vilt", "tables"))


def test_an_installed_methods_version_is_its_own(runtime, folder):
    assert registry.version(registry.METHODS, "mora") == "1"
    assert isinstance(make_cell(runtime, folder), Cell)


DATA = """
import numpy as np

from mora_bench.api import Column, Dataset, Table


class Grey:
    def read(self):
        return np.full((64, 64, 3), 99, np.uint8)

    def fingerprint(self):
        return "grey"


def twin():
    n = 60
    return Table(
        name="grey-films", source="twin", labels=("a", "b"), ids=tuple(map(str, range(n))),
        patients=tuple(map(str, range(n))),
        modalities={"text": Column("text", ("words",) * n), "image": Column("image", ((Grey(),),) * n)},
        targets=np.arange(2 * n).reshape(n, 2) % 3 % 2,
    )


GREY_FILMS = Dataset("grey films", find=lambda root: None, read=lambda root: None, twin=twin)
"""


def test_a_dataset_in_a_file_is_checked_and_runs(folder, tmp_path, capsys):
    file = str(write(tmp_path, DATA))
    assert cli.main(["check", "grey-films", "--plugin", file]) == 0
    assert "grey-films: every rule is kept." in capsys.readouterr().out
    arguments = ["--backbone", str(folder), "--recipe.epochs", "1", "--recipe.max-text", "64", "--seeds", "0"]
    arguments += ["--datasets", "grey-films", "--methods", "head", "--workers", "1", "--out", str(tmp_path / "out")]
    arguments += ["--floors", "none"]
    assert cli.main(["grid", "--plugin", file, *arguments]) == 0
    (record,) = (json.loads(f.read_text()) for f in (tmp_path / "out" / "records").iterdir())
    assert record["data"]["labels"] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("% 3 % 2", "% 3"), "sample '1': a is 2. An uncertain or absent label has to be decided by the reader"),
        (("ids=tuple(map(str, range(n)))", 'ids=("x",) * n'), "x stand more than once"),
        (
            ("(64, 64, 3), 99, np.uint8", "(64, 64), 99, np.uint8"),
            "sample '0': its image is uint8 [64, 64]; expected uint8 [H, W, 3]",
        ),
        (('return "grey"', "return str(np.random.rand())"), "two readings have other fingerprints"),
        (("n = 60", "n = 1 / 0"), "ZeroDivisionError"),
    ],
)
def test_a_wrong_dataset_is_told_why(tmp_path, capsys, change, message):
    assert cli.main(["check", "grey-films", "--plugin", str(write(tmp_path, DATA.replace(*change)))]) == 1
    assert message in capsys.readouterr().out


def test_what_a_plug_in_imports_beside_it_is_in_its_key(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    method = write(tmp_path, "from helper_of_mine import K\n" + GATE)
    (tmp_path / "helper_of_mine.py").write_text("import deeper_of_mine\nK = 1\n")
    (tmp_path / "deeper_of_mine.py").write_text("")
    write(tmp_path, "unrelated = 1", "other.py")
    before = registry._fingerprint(method)
    write(tmp_path, "unrelated = 2", "other.py")
    assert registry._fingerprint(method) == before
    (tmp_path / "deeper_of_mine.py").write_text("X = 1")
    assert registry._fingerprint(method) != before
    alone = write(tmp_path, GATE, "alone.py")
    assert registry._fingerprint(alone) == hashlib.sha256(GATE.encode()).hexdigest()[:8]


def test_two_of_one_name_in_a_file_are_refused(tmp_path):
    twice = GATE + "\n\nclass Second(OutputGate.__base__):\n" + GATE.partition("class OutputGate(Method):\n")[2]
    named = twice.replace('title = "output gate"', 'title = "output gate"\n    name = "same"')
    with pytest.raises(UserError, match="Second is called 'same', as another one of this file is"):
        registry.load_plugins([write(tmp_path, named)])


@pytest.mark.parametrize("version", ["''", "'a b'", "'\\ud800'", "'x' * 100", "'=1+1'", "None.__class__"])
def test_a_version_is_short_plain_text(version, tmp_path, monkeypatch):
    file = tmp_path / "own.py"
    file.write_text(
        f"from mora_bench.api import Imputer\nclass Odd(Imputer):\n    version = {version}\n    fill = None\n"
    )
    registry.load_plugins([file])
    with pytest.raises(UserError, match="imputer 'odd': its version is"):
        registry.version(registry.IMPUTERS, "odd")

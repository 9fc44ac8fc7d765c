"""A corpus of malformed tables, pictures, presets, records, checkpoints and plug-ins: each is refused in a sentence.

No traceback, no hang, nothing written outside the folder that was named.
"""

import json
import os
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from conftest import EVERYTHING, once
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mora_bench import registry
from mora_bench.cli import main as cli
from mora_bench.data.modalities import pictures
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError

GRID = [
    "grid",
    "--datasets",
    "odir",
    "--methods",
    "prior",
    "--floors",
    "none",
    "--seeds",
    "0",
    "--pool",
    "20",
    "--plan",
]
QUICK = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Tables


@pytest.fixture(scope="module")
def cxr(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cxr")
    twins.publish("cxr", folder, 12)
    return folder


@pytest.fixture
def root(cxr, tmp_path) -> Path:
    shutil.copytree(cxr, tmp_path / "root")
    return tmp_path / "root"


def reports(root: Path) -> Path:
    return next(root.rglob("indiana_reports.csv"))


def projections(root: Path) -> Path:
    return next(root.rglob("indiana_projections.csv"))


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def first_name(root: Path) -> str:
    return projections(root).read_text().splitlines()[1].split(",")[1]


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


TABLES = {
    "empty": lambda r: reports(r).write_text(""),
    "header only": lambda r: reports(r).write_text(reports(r).read_text().splitlines()[0]),
    "binary": lambda r: reports(r).write_bytes(bytes(range(256)) * 9),
    "utf-16": lambda r: reports(r).write_bytes(reports(r).read_text().encode("utf-16")),
    "latin-1": lambda r: reports(r).write_bytes(reports(r).read_text().replace("No", "Né", 1).encode("latin-1")),
    "a folder": lambda r: (reports(r).unlink(), (r / "indiana_reports.csv").mkdir()),
    "a pipe": lambda r: fifo(reports(r)),
    "a link to itself": lambda r: (reports(r).unlink(), (r / "indiana_reports.csv").symlink_to("indiana_reports.csv")),
    "no such column": lambda r: replaced(reports(r), "Problems", "Problem"),
    "a column twice": lambda r: replaced(reports(r), "impression", "findings"),
    "ragged": lambda r: reports(r).write_text(reports(r).read_text() + "1,2,3,4,5,6,7,8,9,10,11,12,13,14\n"),
    "open quote": lambda r: reports(r).write_text(reports(r).read_text() + '"never closed,'),
    "an id twice": lambda r: reports(r).write_text(reports(r).read_text() + reports(r).read_text().splitlines()[1]),
    "no projections": lambda r: projections(r).unlink(),
    "projections empty": lambda r: projections(r).write_text(""),
    "projections a pipe": lambda r: fifo(projections(r)),
    "dots": lambda r: replaced(projections(r), first_name(r), "../../etc/passwd"),
    "absolute": lambda r: replaced(projections(r), first_name(r), "/etc/passwd"),
    "a NUL": lambda r: replaced(projections(r), first_name(r), "a\0b.png"),
    "a long name": lambda r: replaced(projections(r), first_name(r), "x" * 5000),
    "a name of dots": lambda r: replaced(projections(r), first_name(r), ".."),
    "a film twice": lambda r: projections(r).write_text(
        projections(r).read_text() + projections(r).read_text().splitlines()[1] + "\n"
    ),
    "a text of a megabyte": lambda r: replaced(reports(r), "\n", '\n9999,a,b,c,d,e,"' + "word " * 300_000 + '",f\n'),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_malformed_table(name, root, ends, tmp_path):
    TABLES[name](root)
    code, message = ends("doctor", "--data-root", root)
    assert code in (0, 1, 2)
    code, message = ends("grid", *GRID[1:], "--datasets", "cxr", "--data-root", root, "--out", tmp_path / "out")
    # pandas makes of a column that is there twice and of a row that is too long something that can be read.
    assert code == 2 or name in ("a column twice", "a name of dots", "utf-16")
    assert code == 0 or str(root) in message or "cxr" in message


ODIR = "ODIR-5K_Training_Annotations(Updated)_V2.xlsx"


def repacked(file: Path, member: str, content: bytes) -> None:
    """Replace one part of an Excel file."""
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[member] = content
    with zipfile.ZipFile(file, "w") as new:
        for name, part in parts.items():
            new.writestr(name, part)


SHEET = "xl/worksheets/sheet1.xml"
XLSX = {
    "cut": lambda f: f.write_bytes(f.read_bytes()[:500]),
    "empty": lambda f: f.write_bytes(b""),
    "not a zip": lambda f: f.write_text("a,b\n1,2\n"),
    "a zip of nothing": lambda f: zipfile.ZipFile(f, "w").close(),
    "a sheet that is no XML": lambda f: repacked(f, SHEET, b"<a"),
    "a sheet cut": lambda f: repacked(f, SHEET, b"<worksheet><sheetData><row>"),
    "a book that is no XML": lambda f: repacked(f, "xl/workbook.xml", b"\0\0"),
    "one far cell": lambda f: far_cell(f),  # noqa: PLW0108 (defined below)
    "a billion laughs": lambda f: repacked(
        f, SHEET, b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
    ),
}


def far_cell(file: Path) -> None:
    from openpyxl import load_workbook

    book = load_workbook(file)
    book.active.cell(row=1_048_576, column=16_384, value="x")
    book.save(file)


@pytest.mark.parametrize("name", XLSX)
def test_a_malformed_sheet(name, tmp_path, ends):
    root = tmp_path / "root"
    twins.publish("odir", root, 12)
    (file,) = root.rglob("*.xlsx")
    XLSX[name](file)
    code, message = ends(*GRID, "--data-root", root, "--out", tmp_path / "out")
    assert code == 2
    assert str(file) in message


@QUICK
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode(errors="replace"))))
def test_any_bytes_as_a_table(content, cxr, ends, tmp_path_factory):
    root = tmp_path_factory.mktemp("any")
    shutil.copytree(cxr, root, dirs_exist_ok=True)
    reports(root).write_bytes(content)
    assert ends(*GRID, "--datasets", "cxr", "--data-root", root)[0] == 2


# Pictures


def png(width: int, height: int) -> bytes:
    """The head of a PNG of that size, which has no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + b"\0\0\0\0"


PICTURES = {
    "empty": b"",
    "text": b"no picture at all",
    "cut jpeg": b"\xff\xd8\xff\xe0" + b"\0" * 40,
    "cut gif": b"GIF89a\x01\0\x01\0",
    "cut tiff": b"II*\0\x08\0\0\0",
    "a bomb": png(60_000, 60_000),
    "more pixels than are decoded": png(10_001, 10_000),
    "no pixels": png(0, 0),
    "a size beyond all": png(2**31 - 1, 2**31 - 1),
    "html": b"<!doctype html><title>404</title>",
    "a DICOM that is none": b"\0" * 128 + b"DICM",
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_malformed_picture_is_named(name, tmp_path):
    for suffix in (".png", ".jpg", ".tif"):
        file = tmp_path / f"film{suffix}"
        file.write_bytes(PICTURES[name])
        with pytest.raises(UserError, match="film"):
            pictures.read(file)


@QUICK
@given(
    content=st.binary(max_size=200),
    head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"GIF89a"]),
)
def test_any_bytes_as_a_picture(content, head, tmp_path_factory):
    file = tmp_path_factory.mktemp("any") / "film.png"
    file.write_bytes(head + content)
    with pytest.raises(UserError, match=r"film\.png"):
        pictures.read(file)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"])
def test_every_kind_of_pixel_is_read_or_refused(mode, tmp_path):
    file = tmp_path / "x.tif"
    try:
        Image.new(mode, (5, 4)).save(file)
    except (OSError, ValueError):
        pytest.skip("Pillow does not write it")
    try:
        pixels = pictures.read(file)
    except UserError:
        return
    assert (pixels.dtype, pixels.shape) == (np.uint8, (4, 5, 3))


# Presets

PRESETS = {
    "binary": b"\xff\xfe\0\0",
    "not toml": b"seeds = [",
    "deep": b"seeds = " + b"[" * 4000,
    "more digits than Python converts": b"seeds = [" + b"1" * 5001 + b"]",
    "unknown": b"sedes = [0]",
    "recipe a number": b"recipe = 3",
    "recipe unknown": b"[recipe]\nlrr = 1",
    "lr a list": b"[recipe]\nlr = [1]",
    "lr text": b'[recipe]\nlr = "fast"',
    "lr nan": b"[recipe]\nlr = nan",
    "lr inf": b"[recipe]\nlr = inf",
    "lr below 0": b"[recipe]\nlr = -1.0",
    "epochs a half": b"[recipe]\nepochs = 1.5",
    "epochs true": b"[recipe]\nepochs = true",
    "epochs none": b"[recipe]\nepochs = 0",
    "epochs without end": b"[recipe]\nepochs = 999999999999",
    "text without end": b"[recipe]\nmax_text = 999999999",
    "threads a half": b"threads = 1.5",
    "threads without end": b"threads = 99999999999",
    "seeds text": b'seeds = ["a"]',
    "seeds a number": b"seeds = 3",
    "seeds nested": b"seeds = [[1]]",
    "seeds empty": b"seeds = []",
    "rates": b"rates = [2.0]",
    "rates nan": b"rates = [nan]",
    "datasets a number": b"datasets = [1]",
    "datasets unknown": b'datasets = ["odri"]',
    "methods unknown": b'methods = ["mroa"]',
    "override of nothing": b"[overrides.mroa]\nlr = 1e-3",
    "override a number": b"[overrides]\nfull = 3",
    "override rank": b"[overrides.mora]\nrank = 0",
    "parts a table": b"[parts]\nseeds = [0]",
    "parts numbers": b"parts = [1]",
    "parts of parts": b"[[parts]]\nparts = []",
    "parts out": b'[[parts]]\nout = "x"',
    "blocks": b'blocks = ["0-9999999999"]',
    "blocks of digits": b'blocks = ["' + b"9" * 6000 + b'"]',
    "ranks": b"ranks = [-1]",
    "plugin": b'plugin = ["absent.py"]',
    "backbone": b'backbone = ["absent/there is none"]',
    "a date": b"seeds = 1979-05-27",
    "engine": b'engine = "warp"',
    "device": b'device = "tpux"',
    "shard": b'shard = "3/2"',
    "resources": b'resources = ["x"]',
    "limit": b"limit_minutes = -1.0",
}


@pytest.mark.parametrize("name", PRESETS)
def test_a_malformed_preset(name, tmp_path, ends):
    file = tmp_path / "preset.toml"
    content = PRESETS[name]
    plain = b'methods = ["mora"]\n' if name not in ("methods unknown",) else b""
    plain += b"" if b"datasets" in content else b'datasets = ["odir"]\n'
    file.write_bytes(content if name in ("binary", "not toml", "deep") else plain + content)
    code, message = ends("grid", "--preset", file, "--plan", "--out", tmp_path / "out")
    assert code == 2
    assert len(message) < 2000


@QUICK
@given(content=st.binary(max_size=200))
def test_any_bytes_as_a_preset(content, ends, tmp_path_factory):
    file = tmp_path_factory.mktemp("any") / "preset.toml"
    file.write_bytes(b"\0" + content)
    assert ends("grid", "--preset", file, "--plan")[0] == 2


# Results


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cache) -> Path:
    out = tmp_path_factory.mktemp("whole") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MORA_BENCH_CACHE", str(cache))
        more = ["--methods", "prior", "always", "--engine", "inline", "--out", str(out)]
        assert cli.main(once([*GRID[:-1], *more])) == 0
    return out


@pytest.fixture
def results(finished, tmp_path) -> Path:
    shutil.copytree(finished, tmp_path / "results")
    return tmp_path / "results"


def values(raw, path=()):
    """Every place in a JSON value, down to three levels."""
    yield path
    if len(path) < 3:
        for key, child in raw.items() if isinstance(raw, dict) else ():
            yield from values(child, (*path, key))


def put(raw, path, value):
    for key in path[:-1]:
        raw = raw[key]
    raw[path[-1]] = value


WRONG = [None, -1, "x", [], {}, 1e308, True]


@pytest.mark.parametrize("folder", ["records", "scores"])
def test_any_field_of_a_file_of_results_may_be_wrong(folder, results, ends):
    """Fields in turn, with a value of a kind that another field has; the other files are read all the same."""
    first, _ = sorted((results / folder).glob("*.json"))
    raw = json.loads(first.read_text())
    raw["digest"] = ""
    places = [path for path in values(raw) if path]
    for number, path in enumerate(places[:: 1 + len(places) // (200 if EVERYTHING else 20)]):
        broken = json.loads(json.dumps(raw))
        put(broken, path, WRONG[number % len(WRONG)])
        first.write_text(json.dumps(broken))
        code, message = ends("report", results)
        assert code == 0, (path, message)
        assert ends("verify", results)[0] in (0, 1)


FILES = {
    "empty": b"",
    "cut": b'{"schema": 2, "key"',
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "binary": bytes(range(256)),
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "future": b'{"schema": 99}',
    "past": b'{"schema": 1}',
    "a word as schema": b'{"schema": "two"}',
    "NaN": b'{"schema": NaN}',
    "endless number": b'{"schema": 1' + b"0" * 10_000 + b"}",
    "lone surrogate": b'{"schema": 2, "key": "\\ud800"}',
    "html": b"<html>",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("folder", ["records", "scores"])
def test_a_malformed_file_of_results(name, folder, results, ends):
    first = sorted((results / folder).glob("*.json"))[0]
    first.write_bytes(FILES[name])
    code, message = ends("report", results)
    assert (code, first.name in message) == (0, True)
    assert ends("verify", results)[0] == 1


def odd(file: Path, what: str) -> None:
    file.unlink()
    if what == "folder":
        file.mkdir()
    elif what == "pipe":
        os.mkfifo(file)
    elif what == "zero":
        file.symlink_to("/dev/zero")
    elif what == "loop":
        file.symlink_to(file.name)
    else:
        file.symlink_to("absent")


@pytest.mark.parametrize("what", ["folder", "pipe", "zero", "loop", "dangling"])
@pytest.mark.parametrize("folder", ["records", "scores", "predictions"])
def test_what_is_no_plain_file_among_results(what, folder, results, ends):
    odd(sorted((results / folder).iterdir())[0], what)
    assert ends("report", results)[0] in (0, 2)
    assert ends("verify", results)[0] in (0, 1)
    assert ends("rescore", results, "--test-rate", "0.3")[0] in (0, 1)


@pytest.mark.parametrize("at", [0, 7, 8, 60, -1])
def test_a_byte_of_predictions_that_flips_is_not_scored(at, results, ends):
    file = sorted((results / "predictions").iterdir())[0]
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(bytes(content))
    code, message = ends("rescore", results, "--test-rate", "0.3")
    assert code == 0
    assert f"{file} is not what was written" in message


# Checkpoints


@pytest.fixture
def checkpoint(folder, tmp_path) -> Path:
    shutil.copytree(folder, tmp_path / "net")
    return tmp_path / "net"


def config(net: Path, file="config.json", **changes) -> None:
    raw = json.loads((net / file).read_text())
    for key, value in changes.items():
        raw.pop(key) if value is ... else raw.update({key: value})
    (net / file).write_text(json.dumps(raw))


PRE = "preprocessor_config.json"


def sized(net: Path, size) -> None:
    """Let the folder say a size as transformers' own do, instead of that of pictures that are resized before."""
    config(net, PRE, size=size, mora_bench=..., do_resize=...)


CHECKPOINTS = {
    "no config": lambda n: (n / "config.json").unlink(),
    "config cut": lambda n: (n / "config.json").write_text('{"model_type": "vi'),
    "config a list": lambda n: (n / "config.json").write_text("[]"),
    "config null": lambda n: (n / "config.json").write_text("null"),
    "config deep": lambda n: (n / "config.json").write_text("[" * 100_000),
    "config a folder": lambda n: ((n / "config.json").unlink(), (n / "config.json").mkdir()),
    "config a pipe": lambda n: fifo(n / "config.json"),
    "type unknown": lambda n: config(n, model_type="vlit"),
    "no depth": lambda n: config(n, num_hidden_layers=...),
    "depth 0": lambda n: config(n, num_hidden_layers=0),
    "depth text": lambda n: config(n, num_hidden_layers="3"),
    "fewer blocks": lambda n: config(n, num_hidden_layers=2),
    "more blocks": lambda n: config(n, num_hidden_layers=4),
    "width": lambda n: config(n, hidden_size=48),
    "width absent": lambda n: config(n, hidden_size=...),
    "heads": lambda n: config(n, num_attention_heads=5),
    "no biases": lambda n: config(n, qkv_bias=False),
    "vocabulary": lambda n: config(n, vocab_size=10),
    "patch": lambda n: config(n, patch_size=8),
    "patch absent": lambda n: config(n, patch_size=...),
    "no sizes": lambda n: (n / PRE).unlink(),
    "sizes a list": lambda n: (n / PRE).write_text("[]"),
    "size 0": lambda n: sized(n, 0),
    "size below 0": lambda n: sized(n, {"shortest_edge": -5}),
    "size text": lambda n: sized(n, {"shortest_edge": "32"}),
    "size null": lambda n: sized(n, {"shortest_edge": None}),
    "size huge": lambda n: sized(n, 2**70),
    "size a square": lambda n: sized(n, {"height": 32, "width": 32}),
    "longer than shorter": lambda n: sized(n, {"shortest_edge": 64, "longest_edge": 1}),
    "own size 0": lambda n: config(n, PRE, mora_bench={"shortest_edge": 0, "longest_edge": 64}),
    "own size a list": lambda n: config(n, PRE, mora_bench=[32, 64]),
    "no own size": lambda n: config(n, PRE, mora_bench=...),
    "processor cut": lambda n: (n / "processor_config.json").write_text('{"image_processor": {"size'),
    "processor a number": lambda n: (n / "processor_config.json").write_text('{"image_processor": 3}'),
    "processor without size": lambda n: (n / "processor_config.json").write_text('{"image_processor": {"size": []}}'),
    "no weights": lambda n: (n / "model.safetensors").unlink(),
    "weights empty": lambda n: (n / "model.safetensors").write_bytes(b""),
    "weights cut": lambda n: (n / "model.safetensors").write_bytes((n / "model.safetensors").read_bytes()[:5000]),
    "weights elsewhere": lambda n: (n / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    ),
    "header lies": lambda n: (n / "model.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}"),
    "pickle alone": lambda n: (n / "model.safetensors").rename(n / "pytorch_model.bin"),
    "no tokenizer": lambda n: (n / "tokenizer.json").unlink(),
    "tokenizer empty": lambda n: (n / "tokenizer.json").write_text(""),
    "tokenizer a list": lambda n: (n / "tokenizer.json").write_text("[]"),
    "tokenizer cut": lambda n: (n / "tokenizer.json").write_text((n / "tokenizer.json").read_text()[:300]),
    "tokenizer binary": lambda n: (n / "tokenizer.json").write_bytes(bytes(range(256))),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_malformed_checkpoint(name, checkpoint, tmp_path, ends):
    """Refused before a cell runs, and nothing is left of the attempt but empty folders."""
    CHECKPOINTS[name](checkpoint)
    more = ["--methods", "head", "--backbone", checkpoint, "--engine", "inline", "--recipe.max-text", "64"]
    code, message = ends(*GRID[:-1], *more, "--out", tmp_path / "out")
    assert code == 2
    assert str(checkpoint) in message
    assert not list(tmp_path.glob("out/records/*.json"))


# Plug-ins

OWN = "from mora_bench.api import Method\nclass P(Method):\n    title = source = 'x'\n    first_block = 0\n    reads = "
PLUGINS = {
    "reads nothing known": f"{OWN}None",
    "reads a list": f"{OWN}{{'length': [1]}}",
    "reads a rank of letters": f"{OWN}{{'rank': 'x'}}",
    "syntax": "def",
    "raises": "1 / 0",
    "exits": "import sys; sys.exit(0)",
    "exits by itself": "raise SystemExit(3)",
    "generator": "raise GeneratorExit",
    "odd message": "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
    "recursion": "def f(): f()\nf()",
    "nothing": "x = 1",
    "abstract": "from mora_bench.api import Predictor\nclass P(Predictor): pass",
    "a group alone": "class P:\n    group = 'mora_bench.predictors'\n    title = 'x'",
    "a bad name": "from mora_bench.api import Imputer\nclass P(Imputer):\n    name = '../x'",
    "a name of another kind": "from mora_bench.api import Imputer\nclass P(Imputer):\n    name = 3",
    "a reserved name": "from mora_bench.api import Imputer\nclass P(Imputer):\n    name = 'all'",
    "a taken name": "from mora_bench.api import Imputer\nclass P(Imputer):\n    name = 'mean'",
    "an empty name": "from mora_bench.api import Imputer\nclass P(Imputer):\n    name = ''",
    "a list as a name": "from mora_bench.api import Imputer\nclass P(Imputer):\n    name = ['x']",
    "binary": "\0\0\0",
}


@pytest.mark.parametrize("name", PLUGINS)
def test_a_malformed_plugin(name, tmp_path, ends, monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {group: dict(plugins) for group, plugins in registry._plugins.items()})
    file = tmp_path / "own.py"
    file.write_text(PLUGINS[name])
    code, message = ends(*GRID, "--plugin", file)
    assert code == 2
    assert str(file) in message


@pytest.mark.parametrize("what", ["absent.py", ".", "x.so", "x" * 5000, "loop.py", ""])
def test_a_plugin_that_is_no_file(what, tmp_path, ends):
    (tmp_path / "x.so").write_bytes(b"\x7fELF")
    (tmp_path / "loop.py").symlink_to("loop.py")
    assert ends(*GRID, "--plugin", tmp_path / what if what else "")[0] in (1, 2)


# The command line


@pytest.mark.parametrize(
    "words",
    [
        ("grid", "--out", "", "--plan"),
        ("grid", "--out", "a\0b"),
        ("grid", "--preset", "x" * 5000 + ".toml"),
        ("grid", "--preset", "quick", "--preset", "blocks"),
        ("grid", "--preset=quick", "--preset", "blocks"),
        ("grid", "--metric", "f1", "--datasets", "odir", "--methods", "prior", "--floors", "none"),
        ("grid", "--threads", "99999999999999"),
        ("grid", "--recipe.max-text", "999999999"),
        ("grid", "--device", "mps"),
        ("grid", "--backbone", "a b/c d", "--methods", "head", "--datasets", "odir"),
        ("grid", "--shard", "9/3"),
        ("grid", "--checkpoint-minutes", "nan"),
        ("grid", "--lease-seconds", "0"),
        ("status", "--datasets", "odri"),
        ("report", "x" * 5000),
        ("report", "a\0b"),
        ("verify", "absent"),
        ("merge", "absent", "--into", "x"),
        ("rescore", "absent", "--strength", "nan"),
        ("rescore", "absent", "--strength", "2"),
        ("twin", "odir", ""),
        ("rerun", "absent", "--out", ""),
        ("doctor", "--data-root", "x" * 5000),
    ],
    ids=lambda words: " ".join(words)[:60].replace("\0", "NUL"),
)
def test_values_that_nothing_can_be_done_with(words, ends):
    code, message = ends(*words, as_given=True)
    assert code in (1, 2)
    assert message
    assert len(message) < 8000

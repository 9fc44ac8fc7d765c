"""Inputs that nobody thought of, by the kinds of fault that users met: each is refused in a sentence, or right.

No traceback, no hang, no silent acceptance (`ends` holds the first two). MORA_BENCH_FUZZ=1 draws others at every run.
"""

import json
import os
import re
import shutil
import string
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from by_hand import record
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from safetensors.numpy import load_file, save

from mora_bench import registry
from mora_bench.data import datasets
from mora_bench.data.modalities import pictures
from mora_bench.data.readers.own import own_table
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError
from mora_bench.report import frame, tables
from mora_bench.report.compare import compare

FUZZ = os.environ.get("MORA_BENCH_FUZZ") == "1"
GRID = [
    "grid", "--datasets", "odir", "--methods", "prior", "--floors", "none", "--seeds", "0", "--pool", "20", "--plan",
]  # fmt: skip
N = 12
LETTERS = string.ascii_lowercase


def drawn(count: int):
    """So many examples, the same ones at every run unless others are asked for."""
    return settings(
        deadline=None,
        max_examples=10 * count if FUZZ else count,
        derandomize=not FUZZ,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


@pytest.fixture(autouse=True)
def plugins_of_one_example(monkeypatch):
    monkeypatch.setattr(registry, "_files", [])


def forget_plugins() -> None:
    """Examples of one test share its fixtures; what one loads the next must not know."""
    for group in registry._plugins.values():
        group.clear()
    registry._files.clear()
    datasets.forget()


# 1. A plug-in's picture is not what it should be, somewhere.

PICTURE = """
import numpy as np
from mora_bench.api import Column, Dataset, Table
class Odd:
    def __init__(self, i): self.i = i
    def fingerprint(self): return f"{{self.i}} {what}"
    def read(self):
        whole = np.full((8, 8, 3), self.i, np.uint8)
        return {odd} if self.i == {where} else whole
N = 12
def table(root=None):
    ids, patients = tuple(f"s{{i}}" for i in range(N)), tuple(f"p{{i}}" for i in range(N))
    return Table("odd-pictures", "twin", ("a", "b"), ids, patients,
        {{"text": Column("text", ("word",) * N), "image": Column("image", tuple((Odd(i),) for i in range(N)))}},
        np.stack([np.arange(N) % 2, np.arange(N) % 3 == 0], 1).astype(np.uint8))
ODD_PICTURES = Dataset("odd", find=lambda root: None, read=table, twin=table)
"""


@drawn(10)
@given(
    where=st.integers(0, N - 1),
    shape=st.sampled_from([(8, 8), (8, 8, 4), (8, 8, 1), (0, 8, 3), (3, 8, 8), (8,), (1, 8, 8, 3), (8, 0, 3)]),
    dtype=st.sampled_from(["uint8", "float32", "int16", "bool", "int64", "complex64", "uint16"]),
)
def test_a_picture_of_another_form_is_named(where, shape, dtype, ends, tmp_path_factory):
    file = tmp_path_factory.mktemp("plugin") / "own.py"
    odd = f"np.zeros({shape}, '{dtype}')"
    file.write_text(PICTURE.format(odd=odd, where=where, what=f"{shape} {dtype}"))
    forget_plugins()
    code, message = ends("check", "odd-pictures", "--plugin", file)
    assert code in (1, 2)
    code, message = ends("prepare", "--datasets", "odd-pictures", "--plugin", file)
    assert code == 2
    assert f"s{where}" in message


# 3. A pattern that took nothing is a dash; 4. what cannot be told apart is not bold.


@drawn(10)
@given(f1=st.floats(0, 1), rows=st.integers(2, 4), seeds=st.integers(1, 4))
def test_rows_with_the_same_scores_are_never_bold(f1, rows, seeds):
    pairs = [record(f"m{i}", seed, f1) for i in range(rows) for seed in range(seeds)]
    (table,) = compare(frame.cells([done for done, _ in pairs], [scores for _, scores in pairs]))
    body = [line for line in tables.markdown(table).splitlines() if line.startswith("|")]
    assert len(body) >= rows
    assert not [line for line in body if "**" in line]


def visits(folder: Path, **columns) -> Path:
    """A CSV of N rows, columns as given."""
    plain = {"note": [f"words {i}" for i in range(N)], "ill": ["0", "1"] * (N // 2)}
    file = folder / "visits.csv"
    pd.DataFrame(plain | columns).to_csv(file, index=False)
    return file


@drawn(10)
@given(noted=st.lists(st.booleans(), min_size=N, max_size=N), absent=st.sampled_from(["", "nan", "NA", " ", "None"]))
def test_what_is_there_is_counted_and_nothing_else(noted, absent, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    notes = [f"words {i}" if yes else absent for i, yes in enumerate(noted)]
    visits(folder, note=notes, age=[str(i) for i in range(N)])
    table = own_table("visits", "visits.csv", labels=["ill"], text=["note"], table=["age"]).read(folder)
    assert table.present[:, 0].tolist() == noted
    assert table.present[:, 1].all()


# 5. Pictures of any depth, range, orientation and transparency.


@drawn(16)
@given(orientation=st.integers(1, 8), height=st.integers(2, 9), width=st.integers(2, 9))
def test_a_picture_is_turned_as_its_camera_said(orientation, height, width, tmp_path_factory):
    file = tmp_path_factory.mktemp("turned") / "x.png"
    picture = Image.fromarray(np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(file, exif=exif)
    assert (pictures.read(file) == np.asarray(ImageOps.exif_transpose(Image.open(file)))).all()


@drawn(16)
@given(
    low=st.integers(-(2**15), 2**15 - 300),
    span=st.integers(2, 60_000),
    kind=st.sampled_from(["int16", "uint16", "float"]),
)
def test_no_picture_is_all_black_or_all_white_whatever_its_range(low, span, kind, tmp_path_factory):
    low = abs(low) if kind == "uint16" else low
    most = {"int16": 2**15 - 1, "uint16": 2**16 - 1, "float": 1e9}[kind]
    values = np.linspace(low, min(low + span, most), 64).reshape(8, 8)
    # What is 0 to 255 is bytes, as it stands.
    assume(values.min() < 0 or values.max() > 255)
    # What lies far above 0 is bright: black is 0.
    assume(low <= np.ptp(values))
    file = tmp_path_factory.mktemp("deep") / "x.tif"
    stored = values.astype(np.float32 if kind == "float" else np.int32)
    Image.fromarray(stored).save(file)
    shown = pictures.read(file)[..., 0].ravel().astype(int)
    assert shown.max() - shown.min() > 100
    assert (np.diff(shown) >= 0).all()


@drawn(6)
@given(hidden=st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_under_transparency_are_not_shown(hidden, tmp_path_factory):
    file = tmp_path_factory.mktemp("clear") / "x.png"
    Image.new("RGBA", (4, 4), (*hidden, 0)).save(file)
    assert not pictures.read(file).any()


# 6. Targets that are neither yes nor no.


@drawn(16)
@given(
    row=st.integers(0, N - 1),
    value=st.one_of(
        st.sampled_from(
            ["-1", "", "?", "nan", "NaN", "0.5", "2", "maybe", "-0.0", "1e0", "1;0", "01", "unknown", "+", "inf"]
        ),
        st.integers(2, 10**9).map(str),
        st.floats(0.01, 0.99).map(str),
    ),
)
def test_a_target_that_is_neither_yes_nor_no_is_named_by_row(row, value, ends, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    ill = ["0", "1"] * (N // 2)
    ill[row] = value
    file = visits(folder, ill=ill, old=["1", "0"] * (N // 2))
    forget_plugins()
    code, message = ends("data", file, "--text", "note", "--labels", "ill", "old", "--plan", "--out", folder / "out")
    assert code == 2
    assert f"row {row + 2}" in message
    assert "'ill'" in message


# 7, 16. Checkpoints.


@pytest.fixture
def net(folder, tmp_path) -> Path:
    shutil.copytree(folder, tmp_path / "net")
    return tmp_path / "net"


def refused(ends, file: Path, content: bytes) -> str:
    """What a grid says that is refused for one file of its backbone, which is then made whole again."""
    net, before = file.parent, file.read_bytes()
    file.write_bytes(content)
    words = [*GRID[:-1], "--methods", "head", "--backbone", net, "--engine", "inline", "--recipe.max-text", "64"]
    try:
        code, message = ends(*words, "--out", net.parent / "out")
    finally:
        file.write_bytes(before)
        shutil.rmtree(net.parent / "out", ignore_errors=True)
    assert code == 2
    assert str(net) in message
    return message


@drawn(12)
@given(
    field=st.sampled_from(["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "patch_size",
                           "max_position_embeddings", "vocab_size", "type_vocab_size", "model_type"]),
    value=st.one_of(st.integers(-3, 200), st.sampled_from([None, "x", [], {}, 1.5, 2**40])),
)  # fmt: skip
def test_a_configuration_that_does_not_fit_its_weights_is_refused(field, value, ends, net):
    file = net / "config.json"
    raw = json.loads(file.read_text())
    assume(raw.get(field) != value and not (field == "num_attention_heads" and value in (1, 2, 4, 8, 16, 32)))
    refused(ends, file, json.dumps(raw | {field: value}).encode())


@drawn(8)
@given(data=st.data(), value=st.sampled_from([float("nan"), float("inf"), -float("inf")]))
def test_a_weight_that_is_no_number_is_refused(data, value, ends, net):
    file = net / "model.safetensors"
    tensors = load_file(file)
    used = sorted(name for name in tensors if name.startswith("vilt.") and "pooler" not in name)
    name = data.draw(st.sampled_from(used))
    tensor = tensors[name].copy()
    tensor.flat[data.draw(st.integers(0, tensor.size - 1))] = value
    message = refused(ends, file, save(tensors | {name: tensor}, metadata={"format": "pt"}))
    assert "weights hold NaN or infinity" in message


@drawn(6)
@given(at=st.integers(0, 4000), length=st.integers(1, 400))
def test_weights_that_are_cut_or_overwritten_in_their_head_are_refused(at, length, ends, net):
    file = net / "model.safetensors"
    content = bytearray(file.read_bytes())
    at %= 8 + struct.unpack("<Q", content[:8])[0]
    content[at : at + length] = b"\0" * len(content[at : at + length])
    refused(ends, file, bytes(content))


# 8. Names of files in another case.


@drawn(6)
@given(flip=st.sampled_from([str.upper, str.title, str.swapcase]))
def test_files_that_are_called_otherwise_than_the_table_says_are_loud(flip, ends, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    twins.publish("odir", root, N)
    for file in root.rglob("*.jpg"):
        file.rename(file.with_name(flip(file.stem) + ".JPG"))
    forget_plugins()
    code, message = ends("doctor", "--data-root", root, "--datasets", "odir", "--json")
    assert code == 0
    assert "no sample has any image" in message


# 9. Misspelt names, numbers that are none.


def misspelt(draw, names):
    """A name with a letter lost, doubled, swapped or changed, that is none itself."""
    name = draw(st.sampled_from([name for name in names if len(name) > 3]))
    at = draw(st.integers(0, len(name) - 2))
    how = draw(st.sampled_from(["lost", "doubled", "swapped", "changed"]))
    made = {
        "lost": name[:at] + name[at + 1 :],
        "doubled": name[:at] + name[at] + name[at:],
        "swapped": name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        "changed": name[:at] + draw(st.sampled_from(LETTERS)) + name[at + 1 :],
    }[how]
    assume(made not in names and made not in ("all", "none", ""))
    return made


OPTIONS = {
    "--datasets": registry.DATASETS,
    "--methods": registry.METHODS,
    "--floors": registry.PREDICTORS,
    "--impute": registry.IMPUTERS,
    "--mechanism": registry.MECHANISMS,
    "--engine": registry.ENGINES,
    "--track": registry.TRACKERS,
}


@drawn(30)
@given(data=st.data(), option=st.sampled_from(sorted(OPTIONS)), beside=st.booleans())
def test_a_misspelt_name_is_refused_and_a_name_is_proposed(data, option, beside, ends):
    known = registry.names(OPTIONS[option])
    both = [*known, *(registry.names(registry.PREDICTORS) if option == "--methods" else [])]
    wrong = misspelt(data.draw, both)
    also = [data.draw(st.sampled_from(known))] if beside and option not in ("--engine",) else []
    code, message = ends(*GRID, option, *also, wrong)
    assert code == 2
    assert repr(wrong) in message
    assert "known: " in message


NUMBERS = ("lr", "weight_decay", "warmup", "batch", "epochs", "eps", "validate_every", "patience", "max_text")


@drawn(24)
@given(
    field=st.sampled_from(NUMBERS),
    value=st.sampled_from(["nan", "inf", "-inf", "-1", "1e400", "-1e-9", "1e-400", "abc", "0x10", "1,5", ""]),
)
def test_a_number_of_the_recipe_that_is_none_or_out_of_range_is_refused(field, value, ends):
    name = field.replace("_", "-")
    # So small that it is 0, which a decay, a warm-up and a patience may be.
    assume(not (value == "1e-400" and field in ("weight_decay", "warmup", "patience")))
    words = [*GRID, "--methods", "head"]
    code, message = ends(*words, f"--recipe.{name}={value}")
    assert code == 2
    assert name in message or field in message


@drawn(6)
@given(option=st.sampled_from(["--preset", "--seeds", "--methods", "--recipe.lr", "--out", "--pool"]))
def test_an_option_that_stands_twice_is_refused(option, ends):
    value = {
        "--preset": "quick",
        "--seeds": "1",
        "--methods": "head",
        "--recipe.lr": "1e-3",
        "--out": "x",
        "--pool": "9",
    }
    code, message = ends("grid", option, value[option], "--plan", option, value[option], as_given=True)
    assert code == 2
    assert option in message


# 11. Values of other types in presets.

FIELDS = {
    "seeds": "numbers", "rates": "rates", "ranks": "numbers", "blocks": "texts", "datasets": "texts",
    "methods": "texts", "missing": "texts", "pool": "number", "folds": "number", "threads": "number",
    "lease_seconds": "number",
    "device": "text", "engine": "text", "split": "text", "save_adapters": "truth", "test_rate": "number",
    "limit_minutes": "number", "plugin": "texts", "metric": "text", "strength": "numbers", "mask_unit": "text",
}  # fmt: skip
WRONG = {
    "numbers": ['["a"]', "3", "[[1]]", "{a = 1}", '"x"', "[true]", "[nan]"],
    "rates": ['["a"]', "0.5", "[2.0]", "[-0.1]", "[nan]", "[inf]", "{a = 1}"],
    "texts": ["[1]", "3", "[[]]", "{a = 1}", "[true]", "[1.5]"],
    "number": ['"a"', "[1]", "-1", "nan", "{a = 1}", "true", "-inf"],
    "text": ["1", "[1]", "true", "{a = 1}", '"\\u0000"', '""', "nan"],
    "truth": ['"yes"', "1", "[true]", "0.0"],
}


@drawn(40)
@given(field=st.sampled_from(sorted(FIELDS)), number=st.integers(0, 6))
def test_a_value_of_another_type_in_a_preset_is_refused_with_its_field(field, number, ends, tmp_path_factory):
    wrong = WRONG[FIELDS[field]]
    value = wrong[number % len(wrong)]
    # "" is what stands for a metric, a shard or a device that is not given.
    assume(not (field in ("metric",) and value == '""'))
    file = tmp_path_factory.mktemp("preset") / "mine.toml"
    plain = {"datasets": '["odir"]', "methods": '["prior"]', "seeds": "[0]", "pool": "20"} | {field: value}
    file.write_text("\n".join(f"{name} = {literal}" for name, literal in plain.items()))
    code, message = ends("grid", "--preset", file, "--plan")
    assert code == 2, (field, value)
    assert field in message or field.replace("_", "-") in message


# 12, 24. Ranges without end, and grids that are too large to list.


@drawn(12)
@given(
    option=st.sampled_from(["--blocks", "--ranks", "--recipe.epochs", "--recipe.validate-every", "--recipe.max-text"]),
    power=st.integers(7, 30),
)
def test_what_would_take_for_ever_is_refused_at_once(option, power, ends):
    value = {"--blocks": f"0-{10**power}", "--recipe.validate-every": f"1e-{power}"}.get(option, str(10**power))
    code, message = ends(*GRID, "--methods", "mora", option, value)
    assert code == 2
    assert option.removeprefix("--").replace("-", "_").split(".")[-1].rstrip("s") in message


@drawn(5)
@given(
    seeds=st.integers(50, 400), rates=st.integers(2, 9), methods=st.sampled_from([("head",), ("mora", "lora", "full")])
)
def test_a_large_plan_is_counted_in_few_lines(seeds, rates, methods, ends, capsys):
    words = [
        *GRID[:3], "--methods", *methods, "--floors", "none", "--plan", "--out", "nowhere",
        "--seeds", *map(str, range(seeds)), "--rates", *(f"0.{i}" for i in range(1, rates + 1)), "--json",
    ]  # fmt: skip
    assume(seeds * rates * len(methods) > 200)
    code, _ = ends(*words)
    assert code == 0


# 13. Files of results that were damaged.


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Path:
    from mora_bench.records.store import Store

    folder = tmp_path_factory.mktemp("two") / "results"
    for seed in (0, 1):
        done, scores = record("head", seed)
        Store(folder).write(done.cell, done, None, scores)
    return folder


@drawn(30)
@given(
    part=st.sampled_from(["records", "scores"]),
    at=st.integers(0, 10**6),
    length=st.integers(1, 40),
    what=st.one_of(st.binary(max_size=20), st.just(b"")),
)
def test_any_bytes_of_a_file_of_results_that_change_are_noticed(part, at, length, what, two, ends, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged") / "results"
    shutil.copytree(two, folder)
    file = sorted((folder / part).iterdir())[0]
    content = file.read_bytes()
    at %= len(content)
    damaged = content[:at] + what + content[at + length :]
    assume(damaged != content)
    file.write_bytes(damaged)
    code, message = ends("report", folder)
    assert code == 0
    assert file.name in message or "left out" in message
    assert ends("verify", folder)[0] == 1


# 14. Ids, texts and names that are none.

TABLE = """
import numpy as np
from mora_bench.api import Column, Dataset, Table
N = 12
ids = [f"s{{i}}" for i in range(N)]
patients = [f"p{{i}}" for i in range(N)]
texts = ["word"] * N
labels = ["a", "b"]
targets = np.stack([np.arange(N) % 2, np.arange(N) % 3 == 0], 1).astype(float)
{odd}
def table(root=None):
    content = {{"text": Column("text", tuple(texts))}}
    return Table("odd-table", "twin", tuple(labels), tuple(ids), tuple(patients), content, targets)
ODD_TABLE = Dataset("odd", find=lambda root: None, read=table, twin=table)
"""
ODD_NAMES = ["''", "' '", "'a\\0b'", "'a\\nb'", "'\\ud800'", "7", "None", "1.5", "b'x'", "('x',)", "' s'", "'\\t'"]


@drawn(24)
@given(where=st.sampled_from(["ids", "patients", "labels", "texts", "targets"]), at=st.integers(0, 1), data=st.data())
def test_what_is_no_name_no_text_and_no_target_is_refused(where, at, data, ends, tmp_path_factory):
    values = {
        "texts": ["7", "b'x'", "1.5", "['x']", "'\\ud800'"],
        "targets": ["-1", "float('nan')", "0.5", "2"],
    }
    value = data.draw(st.sampled_from(values.get(where, ODD_NAMES)))
    file = tmp_path_factory.mktemp("plugin") / "own.py"
    index = f"{at}, 0" if where == "targets" else str(at)
    file.write_text(TABLE.format(odd=f"{where}[{index}] = {value}"))
    forget_plugins()
    code, message = ends(*GRID, "--plugin", file, "--datasets", "odd-table")
    assert code == 2
    assert "odd-table" in message


# 15. Where a sheet may not go; what says nothing of itself.


@drawn(8)
@given(
    name=st.sampled_from(["x", "x.txt", "absent/x.png", "file/x.png", ".png", "x.png/", "a\0b.png", "x" * 300 + ".png"])
)
def test_a_sheet_goes_nowhere_odd(name, ends, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet")
    (folder / "file").touch()
    code, message = ends("twin", "odir", folder / "twin", "--sheet", f"{folder}/{name}")
    assert code in (1, 2)
    assert len(message) < 3000


@drawn(8)
@given(
    lacks=st.sampled_from(["title", "source", "reads", "forward"]),
    kind=st.sampled_from(["Method", "Imputer", "Predictor"]),
)
def test_a_plug_in_that_says_nothing_of_itself_breaks_nothing(lacks, kind, ends, tmp_path_factory):
    attributes = {name: f"    {name} = 'x'" for name in ("title", "source")} | {"reads": "    reads = {}"}
    attributes.pop(lacks, None)
    file = tmp_path_factory.mktemp("plugin") / "own.py"
    methods = "".join(
        f"    def {name}(self, *a, **k): return None\n"
        for name in ("fill", "fit", "predict", "first_block", "block", "reset")
    )
    body = "\n".join(attributes.values())
    file.write_text(f"from mora_bench.api import {kind}\nclass Own({kind}):\n{body}\n{methods}")
    forget_plugins()
    assert ends("list", "--plugin", file)[0] in (0, 2)
    code, _ = ends("check", "own", "--plugin", file)
    assert code in (1, 2)


# 17. Tables in other encodings.


@drawn(10)
@given(codec=st.sampled_from(["utf-16", "utf-32", "latin-1", "cp1252", "utf-8-sig", "cp850", "mac-roman", "utf-16-le"]))
def test_a_table_in_another_encoding_is_read_right_or_its_encoding_is_named(codec, ends, tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    file = visits(folder, note=[f"Lésion épithéliale {i}" for i in range(N)])
    file.write_bytes(file.read_text(encoding="utf-8").encode(codec))
    reads = own_table("visits", "visits.csv", labels=["ill"], text=["note"]).read
    if codec in ("utf-8-sig",):
        assert reads(folder).modalities["note"].values[3] == "Lésion épithéliale 3"
        return
    with pytest.raises(UserError, match=re.escape(str(file))) as error:
        reads(folder)
    assert "UTF-8" in str(error.value)


# 18. Devices and precisions that this machine has not.


@drawn(16)
@given(
    device=st.sampled_from(
        ["mps", "xla", "meta", "cuda:7", "cuda:-1", "quantum", "cpu:1", "vulkan", "cuda:x", "CPU", "cpu "]
    ),
    precision=st.sampled_from(["fp32", "bf16", "fp16"]),
)
def test_a_device_that_is_not_there_is_refused_when_planning(device, precision, ends):
    code, message = ends(*GRID, "--methods", "head", "--device", device, "--recipe.precision", precision)
    assert (code == 0) == (device == "cpu:1" and precision != "fp16")
    assert code == 0 or "device" in message


# 19. Options of doctor and prepare.


@drawn(8)
@given(
    verb=st.sampled_from(["doctor", "prepare"]),
    words=st.sampled_from([
        ("--datasets",), ("--datasets", "odri"), ("--plugin", "absent.py"), ("--data-root", "/nowhere"),
        ("--data-root", "/dev/null"), ("--datasets", "odir", "cxxr"),
    ]),
)  # fmt: skip
def test_doctor_and_prepare_refuse_what_grid_refuses(verb, words, ends, tmp_path_factory):
    root = [] if words[0] == "--data-root" else ["--data-root", tmp_path_factory.mktemp("root")]
    code, message = ends(verb, *root, *words)
    assert code == 2
    assert message


# 21. LaTeX of any names.


@drawn(20)
@given(name=st.text("ab_&%$#{}~^\\<>|\"'=+-@é", min_size=1, max_size=12))
def test_no_name_breaks_a_table_in_latex_or_markdown(name):
    pairs = [record(f"a{name}", seed, 0.1 * seed) for seed in range(2)] + [record("b", seed, 0.2) for seed in range(2)]
    (table,) = compare(frame.cells([done for done, _ in pairs], [scores for _, scores in pairs]))
    rows = [line for line in tables.latex(table).splitlines() if line.rstrip().endswith("\\\\")]
    for row in rows:
        bare = re.sub(r"\\textasciitilde\{\}|\\textasciicircum\{\}|\\textbackslash\{\}|\\[&%$#_{}]", "", row)
        assert "%" not in bare
        assert "#" not in bare
        assert bare.count("{") == bare.count("}")
    widths = {re.sub(r"\\&", "", row).count("&") for row in rows}
    assert len(widths) <= 2
    body = [line for line in tables.markdown(table).splitlines() if line.startswith("|")]
    assert len({re.sub(r"\\\|", "", line).count("|") for line in body[:4]}) == 1

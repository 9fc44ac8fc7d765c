"""Datasets of one's own that are not what they should be: one sentence that names the sample, before anything runs."""

import re
import time

import pytest

from mora_bench import registry
from mora_bench.cli import main as cli
from mora_bench.data import audit, datasets
from mora_bench.data.twins import tables as twins

N = 210
#: The picture of sample AT is what WRONG says. Decoding processes read it, too.
PICTURES = """
import numpy as np

from mora_bench.api import Column, Dataset, Table

N = 210


class Grey:
    def __init__(self, wrong=None):
        self.wrong = wrong

    def read(self):
        if self.wrong is not None:
            return eval(self.wrong)
        return np.full((64, 64, 3), 99, np.uint8)

    def fingerprint(self):
        return f"grey {self.wrong}"


def twin():
    names = tuple(f"s{i}" for i in range(N))
    images = tuple((Grey("WRONG" if i == AT else None),) for i in range(N))
    return Table(
        name="mine", source="twin", labels=("a", "b"), ids=names, patients=names,
        modalities={"text": Column("text", ("words",) * N), "image": Column("image", images)},
        targets=np.arange(2 * N).reshape(N, 2) % 3 % 2,
    )


MINE = Dataset("mine", find=lambda root: None, read=lambda root: None, twin=twin)
"""
TABLE = """
import numpy as np

from mora_bench.api import Column, Dataset, Table

N = 210


class Grey:
    def read(self):
        return np.full((64, 64, 3), 99, np.uint8)

    def fingerprint(self):
        return "grey"


def twin():
    ids = groups = tuple(f"s{i}" for i in range(N))
    texts, images = ["words"] * N, [(Grey(),)] * N
    targets = np.arange(2 * N).reshape(N, 2) % 3 % 2
    CHANGE
    return Table(
        name="mine", source="twin", labels=("a", "b"), ids=ids, patients=groups,
        modalities={"text": Column("text", tuple(texts)), "image": Column("image", tuple(images))}, targets=targets,
    )


MINE = Dataset("mine", find=lambda root: None, read=lambda root: None, twin=twin)
"""


@pytest.fixture(autouse=True)
def forget(monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])
    datasets.forget()


def verb(name, file, folder, out):
    """`check`, `prepare` or `grid` of the dataset in a plug-in file, with two decoding processes."""
    plugin = ["--plugin", str(file)]
    backbone = ["--backbone", str(folder)]
    return {
        "check": ["check", "mine", *plugin],
        "prepare": ["prepare", *plugin, "--datasets", "mine", "--workers", "2", *backbone, "--max-text", "64"],
        "grid": [
            "grid", *plugin, "--datasets", "mine", "--workers", "2", *backbone, "--recipe.max-text", "64",
            "--methods", "head", "--floors", "none", "--seeds", "0", "--recipe.epochs", "1", "--out", str(out),
        ],
    }[name]  # fmt: skip


def refused(name, file, folder, out, capsys):
    """What a verb says of a dataset that it refuses: one line."""
    code = cli.main(verb(name, file, folder, out))
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    if name == "check":
        assert code == 1
        assert "1 rule is broken" in captured.out
        return re.search(r"BROKEN .*\n\s+(.*)", captured.out)[1]
    assert code == 2
    *bar, line = captured.err.splitlines()
    # Whatever stands before it is the grid's progress.
    assert all("cell/s" in part or not part.strip() for part in bar)
    assert line.startswith("mora_bench: ")
    assert not list(out.rglob("records/*.json"))
    return line


@pytest.mark.parametrize("name", ["check", "prepare", "grid"])
@pytest.mark.parametrize("at", [0, N - 1])
@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        ("np.zeros((64, 64), np.uint8)", "is uint8 [64, 64]; expected uint8 [H, W, 3]"),
        ("np.zeros((64, 64, 4), np.uint8)", "is uint8 [64, 64, 4]; expected uint8 [H, W, 3]"),
        ("np.zeros((64, 64, 3))", "is float64 [64, 64, 3]; expected uint8 [H, W, 3]"),
        ("np.zeros((0, 64, 3), np.uint8)", "is uint8 [0, 64, 3]; expected uint8 [H, W, 3]"),
        ("[[1]]", "is list; expected a NumPy array"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_wrong_picture_is_refused_by_its_sample(folder, tmp_path, capsys, name, at, wrong, shown):
    file = tmp_path / "mine.py"
    file.write_text(PICTURES.replace("WRONG", wrong).replace("AT", str(at)))
    line = refused(name, file, folder, tmp_path / "out", capsys)
    assert f"sample 's{at}'" in line
    assert shown in line


def test_pictures_of_a_plug_in_are_decoded_in_processes_of_ours(folder, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(PICTURES.replace("AT", "-1"))
    assert cli.main(verb("prepare", file, folder, tmp_path / "out")) == 0
    assert f"{N} samples with image" in capsys.readouterr().out


def test_a_process_that_decodes_and_dies_is_said_and_nothing_hangs(folder, tmp_path, capfd):
    file = tmp_path / "mine.py"
    file.write_text(PICTURES.replace("WRONG", "__import__('os')._exit(3)").replace("AT", "5"))
    since = time.monotonic()
    assert cli.main(verb("prepare", file, folder, tmp_path / "out")) == 2
    assert "a process that decodes pictures ended" in capfd.readouterr().err
    assert time.monotonic() - since < 60


TABLES = {
    "ids are numbers": ("ids = tuple(range(N))", "0, 1, 2 and 207 more are not"),
    "an id is a number": ("ids = (*ids[:-1], 7)", "7 is not"),
    "an id is empty": ('ids = (*ids[:-1], "")', "'' is not"),
    "a group is None": ("groups = (*groups[:-1], None)", "None is not"),
    "ids repeat": ("ids = (*ids[:-1], ids[0])", "s0 stand more than once"),
    "too few ids": ("ids = ids[:-1]", "210} for 209 ids"),
    "too few groups": ("groups = groups[:-1]", "{'patients': 209} for 210 ids"),
    "too few texts": ("texts = texts[:-1]", "{'text': 209} for 210 ids"),
    "target is -1": ("targets[209, 1] = -1", "sample 's209': b is -1"),
    "target is 2": ("targets[0, 0] = 2", "sample 's0': a is 2"),
    "target is NaN": ("targets = targets.astype(float); targets[3, 1] = np.nan", "sample 's3': b is nan"),
    "target is a half": ("targets = targets * 0.5", "sample 's0': b is 0.5"),
    "targets in one column": ("targets = targets[:, 0]", "they are [210]; expected [210, 2]"),
    "targets too wide": ("targets = np.repeat(targets, 2, 1)", "they are [210, 4]; expected [210, 2]"),
    "targets are a list": ("targets = targets.tolist()", "they are list; expected [210, 2]"),
    "text is nan": ('texts[5] = "nan"', "sample 's5': its text is 'nan', what pandas makes of an empty cell"),
    "text is NaN": ('texts[5] = float("nan")', "sample 's5': its text is float (nan); expected a str"),
    "text is bytes": ('texts[5] = b"x"', "sample 's5': its text is bytes"),
    "text is half a character": (r'texts[209] = "a \ud800"', "sample 's209': its text holds half a character"),
    "image is no tuple": ("images[2] = images[2][0]", "sample 's2': its image is Grey; expected a tuple"),
    "image is an array": ("images[2] = (np.zeros((2, 2, 3), np.uint8),)", "sample 's2': its image holds ndarray"),
    "targets are objects": ("targets = targets.astype(object)", "they are of type object"),
    "an id has a line's end": (r"ids = (*ids[:-1], 'a\nb')", r"'a\nb' is not"),
    "an id has a NUL": (r"ids = (*ids[:-1], 'a\0b')", r"'a\x00b' is not"),
    "no samples": ("ids = groups = (); texts = images = (); targets = targets[:0]", "it has none"),
}


@pytest.mark.parametrize("name", ["check", "prepare", "grid"])
@pytest.mark.parametrize("what", TABLES)
def test_a_wrong_table_is_refused_by_its_sample(folder, tmp_path, capsys, name, what):
    change, shown = TABLES[what]
    file = tmp_path / "mine.py"
    file.write_text(TABLE.replace("CHANGE", change))
    assert shown in refused(name, file, folder, tmp_path / "out", capsys)


def test_blank_texts_and_images_without_pictures_count_as_absent(folder, tmp_path, capsys):
    change = 'texts[:3] = ["", " \\n\\t", None]; images[3:6] = [(None,), (), None]; texts[6] = None; images[6] = None'
    file = tmp_path / "mine.py"
    file.write_text(TABLE.replace("CHANGE", change))
    assert cli.main(["check", "mine", "--plugin", str(file)]) == 0
    assert "mine: every rule is kept." in capsys.readouterr().out
    table = datasets.load("mine", None)
    assert len(table) == N - 1
    assert "s6" not in table.ids
    assert table.present[:6].tolist() == [[False, True]] * 3 + [[True, False]] * 3
    assert table.present[6:].all()
    assert cli.main(verb("prepare", file, folder, tmp_path / "out")) == 0
    assert "206 samples with text, 3 without (naturally missing)" in capsys.readouterr().out


def test_a_dataset_of_which_nothing_is_there_is_refused(folder, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(TABLE.replace("CHANGE", "texts, images = [None] * N, [(None,)] * N"))
    assert cli.main(verb("grid", file, folder, tmp_path / "out")) == 2
    assert "dataset 'mine': no sample has anything of any modality." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("twin=twin", "has no synthetic twin"),
        ("twin=lambda: None", "its reader returned NoneType; expected a Table"),
    ],
)
def test_a_dataset_without_a_table_is_refused(folder, tmp_path, capsys, content, message):
    file = tmp_path / "mine.py"
    file.write_text(TABLE.replace(", twin=twin", "" if content == "twin=twin" else f", {content}"))
    for name in ("prepare", "grid"):
        assert message in refused(name, file, folder, tmp_path / "out", capsys)


@pytest.mark.parametrize("name", twins.NAMES)
def test_the_twins_break_no_rule(name):
    assert [wrong for _, wrong in audit.problems(getattr(twins, name)(range(20))) if wrong] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "targets[:, 1] = 0; targets[0, 0] = 1 - targets[0, 0]",
            "mine: no sample has b: a method cannot learn such a label",
        ),
        ("targets[:, 1] = 1", "mine: every sample has b: a method cannot learn such a label"),
        ("images = [None] * N", "mine: no sample has any image. Are its files where the table says?"),
    ],
)
def test_what_is_likely_a_mistake_is_a_warning_of_the_grid(folder, tmp_path, capsys, change, message):
    file = tmp_path / "mine.py"
    file.write_text(TABLE.replace("CHANGE", change))
    assert cli.main([*verb("grid", file, folder, tmp_path / "out"), "--plan"]) == 0
    assert f"WARNING: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "odd",
    [
        "patients = None",
        "modalities = []",
        "ids = numpy.arange(N)",
        "labels = (10**400, 2)",
        "1 / 0",
        "covariates = None",
    ],
)
def test_a_reader_that_gives_what_is_no_table_is_said_to_be_wrong(odd, tmp_path, capsys, monkeypatch):
    file = tmp_path / "own.py"
    file.write_text(f"""
import numpy
from mora_bench.api import Column, Dataset, Table
N = 12
def table(root=None):
    ids = patients = tuple(f"s{{i}}" for i in range(N))
    labels, covariates = ("a", "b"), {{}}
    modalities = {{"text": Column("text", ("word",) * N)}}
    targets = numpy.stack([numpy.arange(N) % 2, numpy.arange(N) % 3 == 0], 1).astype("uint8")
    {odd}
    return Table("no-table", "twin", labels, ids, patients, modalities, targets, covariates)
NO_TABLE = Dataset("odd", find=lambda root: None, read=table, twin=table)
""")
    assert cli.main(["grid", "--plugin", str(file), "--datasets", "no-table", "--methods", "prior", "--plan"]) == 2
    printed = capsys.readouterr().err
    assert "dataset 'no-table'" in printed
    assert "should not happen" not in printed

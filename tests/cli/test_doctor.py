"""The verb `doctor`: what it finds on a screen and as JSON, keeps for the next time and for a grid, and writes out."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from planted import no_pictures_alike

from mora_bench import registry
from mora_bench.cli.main import main
from mora_bench.data import datasets
from mora_bench.doctor import looks
from mora_bench.doctor.near_duplicates import NearDuplicate
from mora_bench.doctor.near_thumbnails import Thumbnails

N = 120
PLUGIN = """
from mora_bench.api import own_table
CLINIC = own_table("clinic", "visits.csv", labels=["ill"], image=["film"], text=["note"], id="visit", patient="patient",
                   covariates=["age"])
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])


@pytest.fixture
def pairs(monkeypatch):
    """What the look at pictures that are nearly the same says; what it can see, tests of its own show."""
    duplicates = []
    no_pictures_alike(monkeypatch)
    monkeypatch.setattr(looks.near_duplicates, "near_duplicates", lambda *_: duplicates)
    return duplicates


@pytest.fixture
def clinic(tmp_path, pairs):
    """Visits of patients in the order in which they fell ill; two patients have one film."""
    rng = np.random.default_rng(0)
    root = tmp_path / "data"
    (root / "films").mkdir(parents=True)
    rows = []
    for k in range(N):
        Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)).save(root / "films" / f"{k}.png")
        note = " ".join(rng.choice(["quiet", "seen", "again", "both", "eyes", "left"], 5)) + f" {rng.integers(10**9)}"
        rows.append([f"v{k}", f"p{k // 2}", f"films/{k}.png", note, int(k > N // 2), 30 + int(rng.integers(50))])
    (root / "films" / "0.png").write_bytes((root / "films" / "77.png").read_bytes())
    pd.DataFrame(rows, columns=["visit", "patient", "film", "note", "ill", "age"]).to_csv(
        root / "visits.csv", index=False
    )
    (tmp_path / "clinic.py").write_text(PLUGIN)
    return root


@pytest.fixture
def doctor(clinic, tmp_path):
    words = ["doctor", "--datasets", "clinic", "--plugin", str(tmp_path / "clinic.py"), "--data-root", str(clinic)]
    return lambda *more: main([*words, *map(str, more)])


def test_what_it_finds_stands_on_the_screen_with_what_it_costs(doctor, capsys):
    assert doctor() == 0
    printed = capsys.readouterr().out
    assert "WARNING: 1 pictures occur under several patients: 0.png of p0 = 77.png of p38" in printed
    assert "WARNING: the id and the patient's id and the order in the file predict ill (AUROC 1.000, 0." in printed
    assert "-> split by patients drawn at random, never in this order, and let no id reach a model" in printed
    assert len(printed.splitlines()) < 20


def test_the_same_as_json(doctor, capsys, pairs):
    # Equal files are nearly the same, too; they are said once.
    pairs.append(NearDuplicate("p0", "p38", ("0.png", "77.png"), 1.0))
    pairs.append(NearDuplicate("p3", "p50", ("6.png", "100.png"), 0.9))
    assert doctor("--json") == 0
    value = json.loads(capsys.readouterr().out)["datasets"]["clinic"]
    assert value["samples"] == N
    assert [finding["look"] for finding in value["findings"]] == ["equal pictures", "near duplicates", "tells"]
    assert value["findings"][1]["facts"]["groups"] == [["p3", "p50"]]
    assert 0.02 < value["findings"][1]["facts"]["parted"] < 0.5
    assert value["findings"][2]["facts"]["labels"]["ill"]["auroc"] > 0.99
    assert value["shared_pictures"] == [[["p0", "0.png"], ["p38", "77.png"]]]


def test_it_is_kept_for_the_next_time_and_healed_when_damaged(doctor, clinic, capsys, tmp_path, monkeypatch):
    assert doctor() == 0
    first = capsys.readouterr().out
    (file,) = (tmp_path / "cache" / "doctor").iterdir()
    looked = []
    real = looks.diagnose
    monkeypatch.setattr(looks, "diagnose", lambda *a: looked.append(1) or real(*a))
    assert doctor() == 0
    assert (capsys.readouterr().out, looked) == (first, [])
    content = file.read_bytes()
    for damage in (content.replace(b"0.png", b"9.png"), content[:-9], b"", b"[]"):
        file.write_bytes(damage)
        assert doctor() == 0
        assert capsys.readouterr().out == first
        assert file.read_bytes() == content
    assert len(looked) == 4
    frame = pd.read_csv(clinic / "visits.csv")
    frame.loc[3, "age"] += 1
    frame.to_csv(clinic / "visits.csv", index=False)
    assert doctor() == 0
    assert len(looked) == 5


def test_the_file_of_groups_is_what_data_reads(doctor, clinic, capsys, tmp_path, pairs):
    pairs.append(NearDuplicate("p3", "p50", ("6.png", "100.png"), 0.9))
    file = tmp_path / "groups.csv"
    assert doctor("--groups-out", file) == 0
    with open(file) as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["id", "group"]
    assert rows[1:] == [
        ["v0", "p0"], ["v1", "p0"], ["v6", "p3"], ["v7", "p3"],
        ["v76", "p0"], ["v77", "p0"], ["v100", "p3"], ["v101", "p3"],
    ]  # fmt: skip
    assert f"{file}: 8 samples that must not be parted" in capsys.readouterr().out
    words = ["data", str(clinic / "visits.csv"), "--text", "note", "--labels", "ill", "--id", "visit"]
    words += ["--patient", "patient", "--methods", "head", "--plan", "--groups", str(file)]
    words += ["--out", str(tmp_path / "out")]
    assert main(words) == 0
    table = datasets.load("visits", clinic)
    together = dict(zip(table.ids, table.together, strict=True))
    assert together["v6"] == together["v101"] != together["v0"] == together["v77"]


def test_the_same_text_joins_only_where_it_is_asked_for(doctor, clinic, tmp_path):
    frame = pd.read_csv(clinic / "visits.csv")
    frame.loc[[10, 90], "note"] = "normal eyes"
    frame.to_csv(clinic / "visits.csv", index=False)
    joined = {}
    for name, more in (("pictures", ()), ("texts", ("--same-text",))):
        assert doctor("--groups-out", tmp_path / name, *more) == 0
        joined[name] = set(pd.read_csv(tmp_path / name)["id"])
    assert joined["texts"] - joined["pictures"] == {"v10", "v11", "v90", "v91"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,group\nv0,a\nv0,b\n", "v0"),
        ("id,group\nv0,a\nx9,a\n", "is no id of visits.csv in row 3: 'x9'"),
        ("id,group\nv0,\n", "is empty in row 2"),
        ("visit,group\nv0,a\n", "id"),
        ("", "not a readable table"),
    ],
)
def test_a_file_of_groups_that_is_wrong_is_refused_by_row(clinic, tmp_path, capsys, content, message):
    (tmp_path / "groups.csv").write_text(content)
    words = ["data", str(clinic / "visits.csv"), "--text", "note", "--labels", "ill", "--id", "visit", "--plan"]
    assert main([*words, "--groups", str(tmp_path / "groups.csv"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "groups.csv" in error
    assert message in error


def test_a_grid_warns_of_the_worst_and_looks_at_nothing(doctor, clinic, tmp_path, capsys, monkeypatch):
    words = ["grid", "--plugin", str(tmp_path / "clinic.py"), "--data-root", str(clinic), "--datasets", "clinic"]
    words += ["--methods", "head", "--plan", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    unchecked = "clinic: these data were not checked for shortcuts and leakage yet; to check them: python -m mora_bench"
    assert f"{unchecked} doctor" in capsys.readouterr().err
    assert doctor() == 0
    capsys.readouterr()
    monkeypatch.setattr(looks, "diagnose", lambda *_: 1 / 0)
    datasets.forget()
    assert main(words) == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if "WARNING: clinic" in line]
    assert len(warnings) == 1
    assert "predict ill (AUROC 1.000" in warnings[0]
    assert "(and 1 more findings): python -m mora_bench doctor --data-root" in warnings[0]
    assert main([*words, "--limit", "60"]) == 0
    assert "doctor" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--groups-out", "g.csv", "--datasets", "odir", "cxr"],
            "groups of one dataset; name exactly one",
        ),
        (["--same-text", "--datasets", "odir"], "needs --groups-out FILE"),
    ],
)
def test_options_that_do_not_fit(words, message, capsys, tmp_path):
    assert main(["doctor", "--data-root", str(tmp_path), *words]) == 2
    assert message in capsys.readouterr().err


def test_what_is_obeyed_never_reaches_the_screen(doctor, clinic, tmp_path, capsys):
    frame = pd.read_csv(clinic / "visits.csv")
    frame["age"] = ["\x1b[2Junknown\u202e" if k % 3 == 0 else "old" for k in range(N)]
    frame.to_csv(clinic / "visits.csv", index=False)
    assert doctor() == 0
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "\u202e" not in captured.out + captured.err
    frame["age"] = ["unknown" if k % 3 == 0 else "old" for k in range(N)]
    frame = frame.rename(columns={"age": "a\x1b[2Jge"})
    frame.to_csv(clinic / "visits.csv", index=False)
    (tmp_path / "clinic.py").write_text(PLUGIN.replace('"age"', '"a\\x1b[2Jge"'))
    assert doctor() == 0
    printed = capsys.readouterr().out
    assert "placeholders: a\\x1b[2Jge 'unknown' 40 times" in printed
    assert "\x1b" not in printed


def test_what_could_not_be_looked_at_is_said_each_time(doctor, capsys, monkeypatch):
    def small(pictures, fingerprints, cache, threads, note):
        note("3 pictures cannot be read and are compared with none, e.g. films/5.png")
        return Thumbnails(np.empty((0, 1, 1), np.uint8))

    monkeypatch.setattr(looks, "thumbnails", small)
    for _ in range(2):
        assert doctor() == 0
        assert "(3 pictures cannot be read and are compared with none, e.g. films/5.png)" in capsys.readouterr().out

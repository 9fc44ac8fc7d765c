"""A CSV file of one's own: what its columns become, gaps counted, and what is wrong with it named by row."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from volumes import write_dicom, write_nifti

from mora_bench import registry
from mora_bench.cli.main import main
from mora_bench.data.readers.own import own_table
from mora_bench.errors import UserError
from mora_bench.records.store import Store

N = 60
FINDINGS = ("effusion", "nodule", "opacity")


@pytest.fixture(autouse=True)
def fresh(monkeypatch, cache):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    monkeypatch.setattr(registry, "_plugins", {group: {} for group in registry.GROUPS})
    monkeypatch.setattr(registry, "_files", [])


@pytest.fixture
def clinic(tmp_path):
    """Film names, notes (often absent), findings, patients, age, sex."""
    rng = np.random.default_rng(0)
    root = tmp_path / "clinic"
    (root / "films").mkdir(parents=True)
    rows = []
    for i in range(N):
        findings = [name for name in FINDINGS if rng.random() < 0.4]
        film = f"films/{i}.png" if i % 5 else ""
        if film:
            Image.fromarray(rng.integers(0, 256, (30, 40), np.uint8)).save(root / film)
        note = (" ".join(findings) or "clear") if i % 3 else rng.choice(["", "NaN", " "])
        rows.append([film, note, "; ".join(findings), f"p{i // 2}", rng.integers(30, 90), rng.choice(["f", "m"])])
    frame = pd.DataFrame(rows, columns=["Film name", "note", "findings", "patient", "age", "sex"])
    frame.to_csv(root / "visits 2024.csv", index=False)
    return root


def read(root, **columns):
    """Rows without a finding have none of them, unless said otherwise."""
    columns = {"empty_label": "negative"} | columns
    return own_table("visits", "visits 2024.csv", **columns).read(root)


def test_gaps_are_counted_and_columns_become_modalities(clinic):
    table = read(
        clinic, labels=["findings"], image=["Film name"], text=["note"], table=["age", "sex"], patient="patient"
    )
    assert table.shape == {"film-name": "image", "note": "text", "table": "table"}
    assert table.present.sum(0).tolist() == [N - N // 5, N - N // 3, N]
    assert (table.labels, table.task) == (FINDINGS, "multi-label")
    assert len(set(table.patients)) == N // 2
    assert table.ids[:2] == ("row 2", "row 3")
    assert isinstance(table.modalities["table"].values[0]["age"], float)
    assert table.modalities["table"].values[0]["sex"] in ("f", "m")


def test_labels_as_columns_or_as_one_class(clinic):
    file = clinic / "visits 2024.csv"
    frame = pd.read_csv(file)
    frame["ill"], frame["old"] = ["yes", "No"] * (N // 2), [1.0, 0] * (N // 2)
    frame.to_csv(file, index=False)
    table = read(clinic, labels=["ill", "old"], text=["note"])
    assert table.targets[:2].tolist() == [[1, 1], [0, 0]]
    table = read(clinic, labels=["sex"], text=["note"])
    assert (table.task, table.labels) == ("multi-class", ("f", "m"))
    assert read(clinic, labels=["ill"], text=["note"]).task == "multi-label"


def test_several_pictures_are_side_by_side_or_a_bag(clinic):
    file = clinic / "visits 2024.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    two, three = "films/1.png; films/2.png", "films/1.png|films/2.png|films/3.png"
    frame["two"], frame["three"] = [two] * N, [three, two] * (N // 2)
    frame.to_csv(file, index=False)
    table = read(clinic, labels=["findings"], image=["two", "three"], text=["note"])
    assert {name: (c.kind, len(c.values[0])) for name, c in table.modalities.items() if name != "note"} == {
        "two": ("image", 2),
        "three": ("bag", 3),
    }


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("ill", 4, "-1", "column 'ill' is uncertain in row 6: '-1'"),
        ("ill", 0, "", "column 'ill' is empty in row 2: ''"),
        ("Film name", 7, "../../etc/passwd", "leads out of"),
        ("Film name", 7, "a\0b", "leads out of"),
        ("Film name", 7, "./", "leads out of"),
        ("Film name", 7, "films/..", "leads out of"),
        ("Film name", 7, "x" * 5000, "leads out of"),
        ("patient", 3, "  ", "column 'patient' is empty in row 5"),
    ],
)
def test_what_is_wrong_in_a_cell_is_named_by_row(clinic, column, row, value, message):
    file = clinic / "visits 2024.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame["ill"] = ["1", "0"] * (N // 2)
    frame.loc[row, column] = value
    frame.to_csv(file, index=False)
    with pytest.raises(UserError) as error:
        read(clinic, labels=["ill"], image=["Film name"], text=["note"], patient="patient", empty_label="refuse")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 700


def test_what_is_wrong_with_the_columns_is_said(clinic):
    for columns, message in [
        ({"labels": [], "text": ["note"]}, "no labels"),
        ({"labels": ["findings"]}, "no modality"),
        ({"labels": ["finding"], "text": ["note"]}, "no column 'finding'. Found: Film name, note"),
        ({"labels": ["findings"], "text": ["note"], "image": ["note"]}, "both pictures and text"),
        ({"labels": ["findings"], "text": ["note"], "id": "patient"}, "Every patient must be unique"),
        ({"labels": ["findings"], "image": ["Film name"], "pictures": "films"}, "none of its 48 pictures is there"),
        ({"labels": ["findings"], "image": ["Film name"], "pictures": "nowhere"}, "no such folder"),
    ]:
        with pytest.raises(UserError) as error:
            read(clinic, **columns)
        assert message in str(error.value)


def test_the_plug_in_is_said_to_be_where_it_is(clinic, folder, tmp_path, capsys):
    plugin = tmp_path / "out" / "v.py"
    words = ["data", str(clinic / "visits 2024.csv"), "--name", "v", "--text", "note", "--labels", "findings"]
    words += ["--empty-label", "negative", "--patient", "patient", "--out", str(plugin.parent)]
    words += ["--backbone", str(folder), "--methods", "head", "--seeds", "0", "--floors", "prior", "--engine", "inline"]
    # The task knows no such loss, which the plan finds out.
    assert main([*words, "--recipe.loss", "cox"]) == 2
    assert "the plug-in" not in capsys.readouterr().out
    assert main([*words, "--plan"]) == 0
    needed = "a run without --plan writes it, and commands above that name it need it"
    assert capsys.readouterr().out.endswith(f"the plug-in would be {plugin}; {needed}\n")
    assert not plugin.exists()
    assert main([*words, "--recipe.epochs", "1", "--recipe.max-text", "32"]) == 0
    assert f"the plug-in is {plugin}\n" in capsys.readouterr().out
    # One that stays is there, whatever is asked for.
    assert main([*words, "--plan"]) == 0
    assert f"the plug-in is {plugin}\n" in capsys.readouterr().out
    assert plugin.is_file()


def test_the_grid_runs_without_a_line_of_python(clinic, folder, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["data", str(clinic / "visits 2024.csv"), "--image", "Film name", "--text", "note", "--labels", "findings"]
    words += [
        "--empty-label",
        "negative",
        "--patient",
        "patient",
        "--out",
        str(out),
        "--backbone",
        str(folder),
        "--methods",
        "head",
        "--seeds",
        "0",
    ]
    words += ["--floors", "prior", "--recipe.epochs", "1", "--recipe.max-text", "32", "--engine", "inline"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    # Rows without film and without note are left out.
    both = len([i for i in range(N) if i % 5 == 0 and i % 3 == 0])
    assert f"WARNING: {both} rows have nothing of any modality" in printed
    assert f"{N - N // 5:6} samples with film-name" in printed
    assert {record.status for record in Store(out).records()[0]} == {"done"}
    # The plug-in that it wrote is all that `grid` needs, and names the same cells.
    assert main(words) == 0
    assert "2 cells (1 of them without a network): 2 done" in capsys.readouterr().out
    plugin = out / "visits-2024.py"
    plugin.write_text(plugin.read_text() + "# mine\n")
    assert main(words) == 2
    assert "with other columns or with changes of yours" in capsys.readouterr().err
    assert plugin.read_text().endswith("# mine\n")


def test_a_table_without_text_is_refused_when_planning(clinic, folder, tmp_path, capsys):
    words = ["data", str(clinic / "visits 2024.csv"), "--image", "Film name", "--labels", "findings"]
    words += ["--empty-label", "negative"]
    assert main([*words, "--out", str(tmp_path / "out"), "--backbone", str(folder)]) == 2
    assert "the dataset has no text but film-name (image). Try --backbone small-dual." in capsys.readouterr().err
    assert not (tmp_path / "out" / "records").exists()
    # A grid that is counted and not built is refused alike.
    large = ["--plan", "--seeds", *map(str, range(300))]
    assert main([*words, *large, "--out", str(tmp_path / "out"), "--backbone", str(folder)]) == 2
    assert "the dataset has no text but film-name (image). Try --backbone small-dual." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--datasets", "odir"], "use `grid --plugin`"),
        (["--datasets=odir"], "--datasets: the dataset is {file}. To run others beside it, use `grid --plugin`.\n"),
        (["--data-root=."], "--data-root: the dataset is {file}. To run others beside it, use `grid --plugin`.\n"),
        (["--name", "1"], "begins with a letter"),
        (["--pictures", "/usr"], "not below"),
    ],
)
def test_wrong_options_of_data(clinic, tmp_path, more, message, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["data", str(clinic / "visits 2024.csv"), "--text", "note", "--labels", "findings"]
    assert main([*words, *more]) == 2
    assert message.format(file=clinic / "visits 2024.csv") in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--plugin={plugin}"], ["--plugin", "{plugin}"], ["--plugin"]])
def test_a_plugin_may_stand_beside_that_of_the_table(clinic, tmp_path, more, capsys):
    plugin = tmp_path / "other.py"
    table = "own_table('other', 't.csv', labels=('a',), text=('b',))"
    plugin.write_text(f"from mora_bench.api import own_table\n\nOTHER = {table}\n")
    words = ["data", str(clinic / "visits 2024.csv"), "--text", "note", "--labels", "sex", "--plan"]
    words += ["--methods", "head", "--out", str(tmp_path / "out")]
    assert main([*words, *(word.format(plugin=plugin) for word in more)]) == 0
    assert " to do\n" in capsys.readouterr().out
    assert ("other" in registry.names(registry.DATASETS)) is (more != ["--plugin"])


@pytest.mark.parametrize(("more", "follows"), [([], False), (["--follow-links"], True), (["--follow_links"], True)])
def test_links_are_followed_however_the_option_is_spelled(clinic, tmp_path, more, follows, monkeypatch):
    asked = []
    monkeypatch.setattr("mora_bench.cli.data.follow_links", asked.append)
    words = ["data", str(clinic / "visits 2024.csv"), "--text", "note", "--labels", "sex", "--plan"]
    assert main([*words, "--methods", "head", "--out", str(tmp_path / "out"), *more]) == 0
    assert asked == [follows]


def test_a_modality_is_not_called_as_a_missing_pattern(clinic, tmp_path, capsys):
    file = clinic / "visits 2024.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame.rename(columns={"Film name": "both"}).to_csv(file, index=False)
    words = ["data", str(file), "--labels", "sex", "--text", "note", "--plan", "--out", str(tmp_path / "out")]
    assert main([*words, "--image", "both"]) == 2
    assert capsys.readouterr().err == (
        "mora_bench: dataset 'visits-2024': both means a missing pattern here (--missing both), so no modality may be "
        "called that. Rename the column, or, if its cells are paths of files, write NAME={column}. The rule: "
        "Modalities have plain names.\n"
    )
    assert main([*words, "--image", "film={both}"]) == 0
    assert "film" in capsys.readouterr().out


def test_dicom_and_nifti_in_columns_are_pictures_frames_series_and_slices(clinic, tmp_path, folder, capsys):
    """A film a row, a run of frames, a folder of slices, a volume: what has several pictures is a bag."""
    pytest.importorskip("pydicom")
    pytest.importorskip("nibabel")
    rng = np.random.default_rng(0)
    for name in ("dcm", "series/a", "series/b"):
        (clinic / name).mkdir(parents=True)
    for i in range(N):
        write_dicom(clinic / "dcm" / f"{i}.dcm", rng.integers(0, 4000, (24, 32), np.int16))
    write_dicom(clinic / "run.DCM", rng.integers(0, 4000, (3, 24, 32), np.int16), frames=3)
    for i in range(4):
        write_dicom(clinic / "series" / "a" / f"{i}.dcm", rng.integers(0, 4000, (24, 32), np.int16), InstanceNumber=i)
    write_nifti(clinic / "volume.nii.gz")
    file = clinic / "visits 2024.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    frame["film"] = [f"dcm/{i}.dcm" if i % 4 else "" for i in range(N)]
    frame["study"] = [("run.DCM", "series/a", "volume.nii.gz", "")[i % 4] for i in range(N)]
    frame.to_csv(file, index=False)
    table = read(clinic, labels=["findings"], image=["film", "study"], text=["note"])
    assert table.shape == {"film": "image", "study": "bag", "note": "text"}
    values = table.modalities["study"].values[:4]
    assert [value and len(value) for value in values] == [3, 4, 4, None]
    assert [picture.frame for picture in values[0]] == [0, 1, 2]
    assert [picture.path.name for picture in values[1]] == ["0.dcm", "1.dcm", "2.dcm", "3.dcm"]
    out = tmp_path / "out"
    words = ["data", str(file), "--image", "film", "study", "--text", "note", "--labels", "findings", "--out", str(out)]
    words += [
        "--empty-label",
        "negative",
        "--backbone",
        str(folder),
        "--methods",
        "head",
        "--seeds",
        "0",
        "--floors",
        "prior",
        "--engine",
        "inline",
    ]
    assert main([*words, "--recipe.epochs", "1", "--recipe.max-text", "32"]) == 0
    assert f"{N - N // 4:6} samples with study" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_told_what_is_read(tmp_path, capsys):
    assert main(["data", str(tmp_path / "visits.xslx"), "--text", "note", "--labels", "findings"]) == 2
    kinds = ".csv, .tsv, .tab, .psv, .txt, .xlsx, .xlsm, .parquet, .pq"
    said = f"visits.xslx: no such file. Expected a table whose name ends in {kinds}, or a text that ends in .gz."
    assert said in " ".join(capsys.readouterr().err.split())

"""Volumes and DICOM files in a table: which window, plane, volume and series, when training and when predicting."""

import csv

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from volumes import write_dicom, write_nifti

from mora_bench.cli.main import main
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.nifti import NiftiSlice
from mora_bench.data.readers.own import own_table
from mora_bench.data.readers.picture_paths import Views, check_alike, views
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError
from mora_bench.records.store import Store

pytest.importorskip("nibabel")
pytest.importorskip("pydicom")
N = 40
RNG = np.random.default_rng(0)


pytestmark = pytest.mark.usefixtures("as_a_new_user")


@pytest.fixture
def clinic(tmp_path):
    """Volumes of two times, brighter where somebody is ill, a film each, and a note."""
    root = tmp_path / "clinic"
    root.mkdir()
    rows = []
    for i in range(N):
        ill = i % 2
        values = RNG.integers(-1000, 1000, (12, 14, 3, 2)).astype(np.int16)
        values[..., 1] += 1500 * ill
        write_nifti(root / f"{i}.nii.gz", values=values)
        rows.append([f"r{i}", f"{i}.nii.gz", "film.dcm", "seen" if i % 3 else "", ill])
    write_dicom(root / "film.dcm", np.arange(24, dtype=np.int16).reshape(4, 6))
    pd.DataFrame(rows, columns=["id", "scan", "film", "note", "ill"]).to_csv(root / "visits.csv", index=False)
    return root


def read(root, **columns):
    options = {"labels": ["ill"], "image": ["scan"], "id": "id"} | columns
    return own_table("visits", "visits.csv", **options).read(root)


def test_options_reach_every_picture(clinic):
    table = read(clinic, image=["scan", "film"], window=[40, 400], volume=1)
    assert {picture.window for value in table.modalities["scan"].values for picture in value} == {Window(40, 400)}
    assert {picture.window for value in table.modalities["film"].values for picture in value} == {Window(40, 400)}
    assert {picture.volume for value in table.modalities["scan"].values for picture in value} == {1}
    table = read(clinic, plane="sagittal", volume=[0, 1, 0])
    assert table.modalities["scan"].values[0][3] == NiftiSlice(clinic / "0.nii.gz", 3, "sagittal", None, (0, 1, 0))
    assert len(table.modalities["scan"].values[0]) == 12


def test_other_options_are_another_table(clinic):
    looks = [{"volume": 0}, {"volume": 1}, {"volume": 0, "window": (0, 9)}, {"volume": 0, "plane": "coronal"}]
    assert len({read(clinic, **look).fingerprint() for look in looks}) == len(looks)
    assert read(clinic, volume=0).fingerprint() == read(clinic, volume=0, plane="axial").fingerprint()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, r"0\.nii\.gz: 2 volumes .* --volume N"),
        ({"volume": 2}, r"0\.nii\.gz: volume 2; expected one number, or three, of 0 to 1"),
        ({"volume": 0, "series": "3"}, r"visits\.csv: --series has no effect: no column .* DICOM file"),
        ({"image": ["film"], "plane": "axial"}, "--plane has no effect: no column of pictures has a NIfTI volume"),
        ({"image": ["film"], "volume": 0}, "--volume has no effect"),
        ({"image": [], "text": ["note"], "window": (40, 400)}, "--window has no effect"),
        ({"image": ["scan", "film"], "volume": 0, "plane": "coronal"}, "--plane coronal: DICOM files are shown in the"),
        ({"window": (40, 0)}, "--window .*expected a centre and a width above 0"),
        ({"window": (40, 1, 2)}, "--window .*expected a centre and a width above 0"),
        ({"plane": "oblique"}, "--plane 'oblique': expected one of sagittal, coronal, axial"),
        ({"volume": (0, 1)}, "--volume .*expected one number from 0, or three"),
        ({"volume": -1}, "--volume .*expected one number from 0, or three"),
    ],
)
def test_options_that_mean_nothing_are_refused(clinic, columns, message):
    with pytest.raises(UserError, match=message):
        read(clinic, **columns)


def test_new_records_are_looked_at_as_those_that_were_trained_on(clinic):
    dataset = own_table("visits", "visits.csv", labels=["ill"], image=["scan"], id="id", window=(0, 2000), volume=1)
    table = dataset.read(clinic)
    (part,) = new_records(table, clinic / "visits.csv", dataset.views)
    new = part.table
    assert new.modalities == table.modalities
    check_alike(dataset.views, table.modalities)
    with pytest.raises(
        UserError, match=r"0\.nii\.gz: in training it was read with .*volume 1, but new records would be"
    ):
        check_alike(Views(), table.modalities)
    films = read(clinic, image=["film"], window=(40, 400)).modalities
    check_alike(views(window=(40, 400)), films)
    with pytest.raises(
        UserError, match=r"film\.dcm: in training it was read with window Window\(centre=40\.0, width=400\.0\)"
    ):
        check_alike(views(window=(50, 400)), films)


def test_from_a_command_to_predictions(clinic, tmp_path, folder, capsys):
    words = ["data", str(clinic / "visits.csv"), "--image", "scan", "--text", "note", "--labels", "ill", "--id", "id"]
    # A choice that is refused leaves nothing that would be in the way of the next.
    assert main([*words, "--out", "out", "--volume", "5", "--plan"]) == 2
    assert "volume 5; expected one number, or three, of 0 to 1" in capsys.readouterr().err
    words += ["--window", "-100", "4000.5", "--volume", "0", "--plane", "coronal", "--out", "out"]
    quick = ["--backbone", str(folder), "--methods", "head", "--seeds", "0", "--floors", "none", "--engine", "inline"]
    quick += ["--recipe.epochs", "1", "--recipe.max-text", "32", "--save-adapters", "--missing", "complete"]
    assert main([*words, *quick]) == 0, capsys.readouterr().err
    plugin = (tmp_path / "out" / "visits.py").read_text()
    for line in ("window=(-100.0, 4000.5),", "volume=0,", "plane='coronal',"):
        assert f"    {line}\n" in plugin
    store = Store(tmp_path / "out")
    (record,) = store.records()[0]
    predictions = store.predictions(record.cell)
    pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False).to_csv(clinic / "new.csv", index=False)
    where = ["--plugin", "out/visits.py", "--data-root", str(clinic)]
    assert main(["predict", "out", record.cell.key, str(clinic / "new.csv"), *where, "--out", "new.csv"]) == 0
    with open("new.csv", newline="") as file:
        predicted = {row["id"]: float(row["ill"]) for row in csv.DictReader(file)}
    assert len(predicted) == N
    # Of the test samples that have a note as well as a scan, the record's own probabilities.
    complete = [k for k, row in enumerate(predictions["test_rows"]) if row % 3]
    expected = expit(predictions["test_logits"][complete, 2, 0])
    assert np.ptp(expected) > 0
    probabilities = [predicted[f"r{predictions['test_rows'][k]}"] for k in complete]
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=2e-6)


def test_volumes_that_show_nothing_are_refused_and_those_of_one_colour_named(clinic, tmp_path, folder, capsys):
    """A network, and a baseline that reads pictures itself."""
    words = ["data", str(clinic / "visits.csv"), "--image", "scan", "--text", "note", "--labels", "ill", "--id", "id"]
    words += ["--volume", "0", "--out", "out", "--backbone", str(folder), "--methods", "head", "--seeds", "0"]
    words += ["--floors", "late-fusion", "--engine", "inline", "--recipe.epochs", "1", "--recipe.max-text", "32"]
    assert main([*words, "--save-adapters", "--missing", "complete"]) == 0, capsys.readouterr().err
    cells = [record.cell for record in Store(tmp_path / "out").records()[0]]
    assert len(cells) == 2
    # As every scan does, the last one begins with a slice of one colour; it alone says something.
    for i in range(5):
        values = np.full((12, 14, 3, 2), 7.0 if i < 4 else 0.0, np.float32)
        values[..., 1:, 0] += RNG.random((12, 14, 2)) if i == 4 else 0
        write_nifti(clinic / f"new{i}.nii.gz", values=values)
    new = pd.DataFrame(
        {"id": [f"n{i}" for i in range(5)], "scan": [f"new{i}.nii.gz" for i in range(5)], "note": "seen"}
    )
    new.to_csv(clinic / "new.csv", index=False)
    where = [str(clinic / "new.csv"), "--plugin", "out/visits.py", "--data-root", str(clinic)]
    for cell in cells:
        capsys.readouterr()
        assert main(["predict", "out", cell.key, *where]) == 0
        (warning,) = [line for line in capsys.readouterr().err.splitlines() if "one colour" in line]
        files = ", ".join(str(clinic / f"new{i}.nii.gz") for i in range(3))
        assert warning.startswith(
            f"WARNING: of one colour throughout, so nothing is seen there: {files} and 1 more. If"
        )
    write_nifti(clinic / "new4.nii.gz", values=np.full((12, 14, 3, 2), np.nan, np.float32))
    for cell in cells:
        assert main(["predict", "out", cell.key, *where]) == 2
        assert f"{clinic / 'new4.nii.gz'}: it shows nothing: all its values are NaN" in capsys.readouterr().err
    # The table that is trained on, and what `doctor` says of it.
    write_nifti(clinic / "3.nii.gz", values=np.full((12, 14, 3, 2), np.nan, np.float32))
    assert main([*words, "--missing", "complete"]) != 0
    assert f"{clinic / '3.nii.gz'}: it shows nothing" in capsys.readouterr().err
    main(["doctor", "--datasets", "visits", "--plugin", "out/visits.py", "--data-root", str(clinic)])
    said = capsys.readouterr().out
    assert f"3 pictures cannot be read and are compared with none, e.g. {clinic / '3.nii.gz'}: it shows nothing" in said

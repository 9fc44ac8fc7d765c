"""A new record is predicted alike whoever is read with it, also where nobody read with it has some modality."""

import csv

import numpy as np
import pandas as pd
import pytest
from mora_baselines import latent_network
from PIL import Image
from volumes import write_nifti

from mora_bench.cli.main import main
from mora_bench.records.store import Store

N = 40
WORDS = ["red", "round", "pale", "large", "lung", "clear", "left", "eye", "no", "mass"]
#: Floors beside MoRA, by the kind of the pictures.
FLOORS = {"image": ["frozen"], "bag": ["frozen", "late-fusion", "latent", "pixels"], "volume": ["frozen"]}
HAD = ["note", "film", "table", "embedding", "cough", "film+note+embedding+cough+table"]

pytestmark = pytest.mark.usefixtures("as_a_new_user")


def write_pictures(folder, kind, stem, count, shape, rng):
    """The pictures of a sample as a cell of the table: a picture, a bag of `count`, or a volume of three slices."""
    if kind == "volume":
        name = f"{stem}.nii.gz"
        write_nifti(folder / name, values=rng.integers(0, 256, (*shape, 3)).astype(np.float32))
        return name
    names = [f"{stem}_{k}.png" for k in range(1 if kind == "image" else count)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / name)
    return "; ".join(names)


@pytest.fixture
def clinic(request, tmp_path):
    """Visits with five modalities, some without each, and new ones: one of each modality alone, and one of all. The
    pictures of the new ones are wider than those of training."""
    kind, rng = request.param, np.random.default_rng(0)
    root = tmp_path / "clinic"
    root.mkdir()
    for name, count, shape in (("visits", N, (30, 30)), ("new", len(HAD), (20, 40))):
        rows = []
        for i in range(count):
            had = HAD[i].split("+") if name == "new" else [m for k, m in enumerate(HAD[-1].split("+")) if (i + k) % 5]
            film = write_pictures(root, kind, f"{name}{i}", 1 + i % 3, shape, rng) if "film" in had else ""
            vector = dict.fromkeys(("e_0", "e_1"), "")
            if "embedding" in had:
                vector = {column: f"{rng.normal():.3f}" for column in vector}
            if "cough" in had:
                np.save(root / f"{name}{i}.npy", rng.normal(size=(20 + i, 2)))
            rows.append({
                "id": f"{name}{i}", "film": film, "ill": str(i % 2),
                "note": " ".join(rng.choice(WORDS, 5)) if "note" in had else "",
                "age": str(rng.integers(30, 90)) if "table" in had else "",
                "sex": "fm"[i % 2] if "table" in had else "", **vector,
            })  # fmt: skip
        pd.DataFrame(rows).to_csv(root / f"{name}.csv", index=False)
    return root


def predicted(key, file="clinic/new.csv"):
    words = ["predict", "out", key, file, "--data-root", "clinic", "--plugin", "out/visits.py", "--id", "id"]
    assert main([*words, "--out", "p.csv"]) == 0
    with open("p.csv", newline="") as lines:
        _, *rows = csv.reader(lines)
    return [row[1] for row in rows], np.array([row[2] for row in rows], float)


@pytest.mark.parametrize(("clinic", "floors"), FLOORS.items(), indirect=["clinic"])
def test_a_record_is_predicted_alike_alone_and_beside_others(clinic, floors, folder, monkeypatch, capsys):
    monkeypatch.setattr(latent_network, "EPOCHS", 4)
    words = ["data", "clinic/visits.csv", "--image", "film", "--text", "note", "--table", "age", "sex"]
    words += ["--vector", "embedding=e_*", "--signal", "cough={id}.npy:rate=5", "--absent-pictures", "allow"]
    words += ["--labels", "ill", "--id", "id", "--backbone", str(folder), "--methods", "mora", "--floors", *floors]
    words += ["--out", "out", "--seeds", "0", "--engine", "inline", "--save-adapters"]
    assert main([*words, "--recipe.epochs", "1", "--recipe.max-text", "32"]) == 0, capsys.readouterr().err
    records, _ = Store(clinic.parent / "out").records()
    assert {record.cell.method for record in records} == {"mora", *floors}
    for record in records:
        had, together = predicted(record.cell.key)
        assert had == HAD
        assert len({*together}) > 1
        with monkeypatch.context() as patched:
            patched.setattr("mora_bench.cli.predict.PICTURED_AT_ONCE", 1)
            had, alone = predicted(record.cell.key)
        assert had == HAD
        np.testing.assert_allclose(alone, together, rtol=0, atol=2e-6, err_msg=record.cell.method)

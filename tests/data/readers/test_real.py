"""The real data, where they are: counts as published and as the reading rules make them."""

import dataclasses

import pytest

from mora_bench.data import datasets
from mora_bench.data.readers import cxr, odir

pytestmark = pytest.mark.real


def test_odir(real_data):
    table = odir.read(real_data)
    assert len(table) == 3500
    pictures = [sum(p is not None for p in pair) for pair in table.modalities["image"].values]
    assert [pictures.count(n) for n in (2, 1, 0)] == [2981, 298, 221]
    assert table.targets.sum(0).tolist() == [1140, 1128, 215, 212, 164, 103, 174, 979]
    assert table.present[:, 0].all()


def test_kaggles_csv_agrees_with_the_xlsx(real_data, tmp_path):
    (tmp_path / "full_df.csv").write_bytes((real_data / "odir" / "full_df.csv").read_bytes())
    table = odir.read(real_data)
    part = odir.read(tmp_path)
    assert len(part) == 3358
    where = {id: row for row, id in enumerate(table.ids)}
    rows = [where[id] for id in part.ids]
    assert (table.targets[rows] == part.targets).mean() > 0.999


def test_cxr(real_data):
    table = cxr.read(real_data)
    assert len(table) == 3794
    assert len(set(table.patients)) == 3666
    assert not table.present[:, 1].any()
    by_label = dict(zip(table.labels, table.targets.sum(0).tolist(), strict=True))
    assert by_label == {
        "Lung": 531, "Opacity": 427, "Cardiomegaly": 331, "Pulmonary Atelectasis": 308, "Calcinosis": 290,
        "Calcified Granuloma": 263, "Thoracic Vertebrae": 250, "Cicatrix": 183, "Spine": 170, "Aorta": 154,
        "Markings": 151, "Pleural Effusion": 144, "Diaphragm": 137, "Atherosclerosis": 121, "Airspace Disease": 112,
        "Density": 110, "Catheters, Indwelling": 107, "Nodule": 106, "Deformity": 104, "Scoliosis": 92,
    }  # fmt: skip
    assert (table.targets.sum(1) == 0).sum() == 1751


@pytest.mark.parametrize(("name", "expected"), [("odir", "0ce9de7bfd658283"), ("cxr", "520557acc3f1ae4a")])
def test_fingerprints_are_what_they_were_before_modalities_had_names(name, expected, real_data):
    """(Found by the code of commit 94bcf05, when no eyes were known to be the same.)"""
    table = datasets.load(name, real_data)
    assert dataclasses.replace(table, inseparable=()).fingerprint() == expected
    assert (table.fingerprint() == expected) == (name == "cxr")


def test_cxr_views(real_data):
    table = datasets.load("cxr-views", real_data)
    assert (len(table), len(set(table.patients))) == (3826, 3826)
    assert table.present.tolist() == [[False, False, True]] * len(table)

"""The readers, on twins written in the published layouts, and on every kind of broken folder."""

import shutil

import numpy as np
import pandas as pd
import pytest

from mora_bench.data import datasets
from mora_bench.data.readers import cxr, odir
from mora_bench.data.readers.links import FOLLOW_LINKS, follow_links, inside
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError

XLSX = "ODIR-5K/ODIR-5K_Training_Annotations(Updated)_V2.xlsx"
EYES = "ODIR-5K/Training Images"
FILMS = "images/images_normalized"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    twins.publish("odir", root / "odir", 8)
    twins.publish("cxr", root / "cxr", 8)
    return root


@pytest.fixture
def root(published, tmp_path):
    shutil.copytree(published, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("name", ["odir", "cxr"])
def test_what_a_twin_publishes_the_reader_reads_back(name, published):
    read, drawn = datasets.load(name, published), datasets.get(name).twin(range(8))
    assert read.source == "real"
    for field in ("name", "labels", "ids", "patients", "names", "kinds", "covariates", "task"):
        assert getattr(read, field) == getattr(drawn, field), field
    assert read.modalities["text"] == drawn.modalities["text"]
    assert (read.targets == drawn.targets).all()
    images = (table.modalities["image"].values for table in (read, drawn))
    for ours, theirs in zip(*images, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert (a.read() == b.read()).all()


def edit(file, change):
    frame = pd.read_excel(file, dtype=str) if file.suffix == ".xlsx" else pd.read_csv(file, dtype=str)
    frame = change(frame)
    frame.to_excel(file, index=False) if file.suffix == ".xlsx" else frame.to_csv(file, index=False)


def test_kaggles_table_with_a_row_an_eye_gives_the_same(root):
    file = root / "odir" / XLSX
    frame = pd.read_excel(file, dtype=str)
    expected = odir.read(root)
    file.unlink()
    eyes = pd.concat([frame.assign(filename=frame["Left-Fundus"]), frame.assign(filename=frame["Right-Fundus"])])
    eyes.to_csv(root / "odir" / "full_df.csv", index=False)
    assert odir.read(root).ids == expected.ids
    assert (odir.read(root).targets == expected.targets).all()


def test_absent_pictures_are_natural_missingness(root):
    (root / "odir" / EYES / "0_left.jpg").unlink()
    for side in ("left", "right"):
        (root / "odir" / EYES / f"1_{side}.jpg").unlink()
    (root / "cxr" / FILMS / "1_IM-0000-1001.dcm.png").unlink()
    eyes, films = odir.read(root), cxr.read(root)
    assert eyes.present[:3].tolist() == [[True, True], [True, False], [True, True]]
    assert eyes.modalities["image"].values[0][0] is None
    assert films.present[:2].tolist() == [[True, False], [True, True]]


def test_lateral_films_and_empty_reports_are_left_out(root):
    edit(root / "cxr" / "indiana_projections.csv", lambda f: f.assign(projection=["Lateral", *f["projection"][1:]]))
    edit(
        root / "cxr" / "indiana_reports.csv",
        lambda f: f.assign(findings=["x", " ", *f["findings"][2:]], impression=["x", "", *f["impression"][2:]]),
    )
    assert cxr.read(root).patients == ("3", "4", "5", "6", "7", "8")


BROKEN = {
    "label": (XLSX, lambda f: f.assign(D=["2", *f["D"][1:]]), r"ID 0: label D is '2', expected 0 or 1"),
    "duplicate": (XLSX, lambda f: f.assign(ID=["1", *f["ID"][1:]]), r"row 3: ID '1' stands in row 2 too"),
    "column": (XLSX, lambda f: f.drop(columns="Left-Diagnostic Keywords"), "no column 'Left-Diagnostic Keywords'"),
    "escape": (
        XLSX,
        lambda f: f.assign(**{"Left-Fundus": ["../../x", *f["Left-Fundus"][1:]]}),
        "not a plain file name",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_odir_table_says_what_and_where(root, what):
    file, change, message = BROKEN[what]
    edit(root / "odir" / file, change)
    with pytest.raises(UserError, match=message):
        datasets.load("odir", root)


CXR_BROKEN = {
    "uid": ("indiana_reports.csv", lambda f: f.assign(uid=["2", *f["uid"][1:]]), r"row 3: uid '2' stands in row 2"),
    "file": ("indiana_projections.csv", lambda f: f.assign(filename="a.png"), "row 3: filename 'a.png'"),
    "column": ("indiana_reports.csv", lambda f: f.drop(columns="Problems"), "no column 'Problems'"),
    "escape": (
        "indiana_projections.csv",
        lambda f: f.assign(filename=["/etc/passwd", *f["filename"][1:]]),
        "not a plain",
    ),
    "none": ("indiana_projections.csv", lambda f: f.assign(projection="Lateral"), "no row with projection 'Frontal'"),
}


@pytest.mark.parametrize("what", CXR_BROKEN)
def test_a_broken_cxr_table_says_what_and_where(root, what):
    file, change, message = CXR_BROKEN[what]
    edit(root / "cxr" / file, change)
    with pytest.raises(UserError, match=message):
        datasets.load("cxr", root)


def test_an_unreadable_xlsx_is_named(root):
    (root / "odir" / XLSX).write_bytes(b"PK not really")
    with pytest.raises(UserError, match=r"V2\.xlsx: not a readable table"):
        datasets.load("odir", root)


def test_an_absent_second_table_is_named(root):
    (root / "cxr" / "indiana_projections.csv").unlink()
    with pytest.raises(UserError, match=r"indiana_projections\.csv: absent"):
        datasets.load("cxr", root)


def test_an_empty_root_is_never_a_silent_twin(tmp_path):
    with pytest.raises(UserError, match="no odir table in it"):
        datasets.load("odir", tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        datasets.load("odir", tmp_path / "nowhere")


def test_an_unknown_dataset_lists_the_known(tmp_path):
    with pytest.raises(
        UserError,
        match="unknown dataset 'ordi'; known: cxr, cxr-redacted, cxr-views, icu, icu-cause, icu-severity, ",
    ):
        datasets.load("ordi", None)


def test_a_link_out_of_the_root_is_refused(root, tmp_path):
    secret = tmp_path / "secret.jpg"
    shutil.copy(root / "odir" / EYES / "0_left.jpg", secret)
    (root / "odir" / EYES / "0_left.jpg").unlink()
    (root / "odir" / EYES / "0_left.jpg").symlink_to(secret)
    with pytest.raises(UserError, match=r"'0_left.jpg' is a link that leads out of .*secret\.jpg.*--follow-links"):
        datasets.load("odir", root)


def test_links_out_of_the_root_may_be_allowed_and_give_the_same_data(root, tmp_path, monkeypatch):
    before = odir.read(root).fingerprint()
    elsewhere = tmp_path / "store"
    shutil.move(root / "odir" / EYES, elsewhere)
    (root / "odir" / EYES).mkdir()
    for file in elsewhere.iterdir():
        (root / "odir" / EYES / file.name).symlink_to(file)
    follow_links(False)
    with pytest.raises(UserError, match="leads out of"):
        odir.read(root)
    follow_links(True)
    assert odir.read(root).fingerprint() == before
    # A folder that is a link; and one that leads back up, which must not be walked for ever.
    shutil.rmtree(root / "odir" / EYES)
    (root / "odir" / "images").symlink_to(elsewhere)
    (root / "odir" / "up").symlink_to(root)
    assert odir.read(root).fingerprint() == before


def test_a_name_with_dots_stays_refused_where_links_may_lead_out(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLLOW_LINKS, "1")
    assert not inside(tmp_path / "a" / ".." / ".." / "x", tmp_path)
    assert inside(tmp_path / "a" / ".." / "x", tmp_path)


def test_the_fingerprint_follows_contents(root):
    before = odir.read(root).fingerprint()
    assert odir.read(root).fingerprint() == before
    file = root / "odir" / EYES / "0_left.jpg"
    file.write_bytes(file.read_bytes() + b"\0")
    assert odir.read(root).fingerprint() != before


def test_rows_can_be_chosen():
    table = datasets.load("cxr", None)
    part = table.only(np.array([3, 1]))
    assert part.ids == (table.ids[3], table.ids[1])
    assert (part.targets == table.targets[[3, 1]]).all()


def test_a_table_of_a_header_alone_is_named(root):
    for file in ("indiana_reports.csv", "indiana_projections.csv"):
        text = (root / "cxr" / file).read_text()
        (root / "cxr" / file).write_text(text.splitlines()[0] + "\n")
        with pytest.raises(UserError, match=rf"{file}: no rows below the header"):
            datasets.load("cxr", root)
        (root / "cxr" / file).write_text(text)


@pytest.mark.parametrize("file", [XLSX, "full_df.csv"])
def test_an_odir_table_of_a_header_alone_is_named(root, file):
    header = pd.read_excel(root / "odir" / XLSX, dtype=str)[:0]
    (root / "odir" / XLSX).unlink()
    (header.to_excel if file == XLSX else header.to_csv)(root / "odir" / file, index=False)
    with pytest.raises(UserError, match=r"(xlsx|csv): no rows below the header"):
        datasets.load("odir", root)


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_csv_is_named(root, content):
    (root / "odir" / XLSX).unlink()
    for file in ("odir/full_df.csv", "cxr/indiana_reports.csv"):
        (root / file).write_text(content)
        with pytest.raises(UserError, match=rf"{file}: not a readable table"):
            datasets.load(file.split("/")[0], root)


#: File names that no file system holds.
NAMES = {
    "NUL": "a\0b.jpg",
    "5,000 characters": "x" * 5000 + ".jpg",
    "5,000 bytes": "ä" * 2500,
    "slash": "a/b",
}


@pytest.mark.parametrize("what", NAMES)
def test_an_impossible_file_name_is_refused_by_its_row(root, what):
    name = NAMES[what]
    frame = pd.read_excel(root / "odir" / XLSX, dtype=str)
    (root / "odir" / XLSX).unlink()
    frame["Right-Fundus"] = [*frame["Right-Fundus"][:-1], name]
    frame.to_csv(root / "odir" / "full_df.csv", index=False)
    with pytest.raises(UserError, match=r"full_df\.csv, ID 7: .* is not a plain file name inside") as odir_error:
        datasets.load("odir", root)
    edit(root / "cxr" / "indiana_projections.csv", lambda f: f.assign(filename=[*f["filename"][:-1], name]))
    # The last film is a lateral one, which only one of the readers reads; the last but one is frontal.
    refused = r"indiana_projections\.csv, uid 8: .* is not a plain file name"
    with pytest.raises(UserError, match=refused) as views_error:
        datasets.load("cxr-views", root)
    datasets.load("cxr", root)
    edit(root / "cxr" / "indiana_projections.csv", lambda f: f.assign(filename=[*f["filename"][:-2], name, "a"]))
    with pytest.raises(UserError, match=refused) as cxr_error:
        datasets.load("cxr", root)
    for error in (odir_error, cxr_error, views_error):
        assert len(str(error.value)) < 1000
        assert "\0" not in str(error.value)


def test_a_picture_that_links_to_itself_is_refused_by_its_row(root):
    for name, file in (("odir", f"{EYES}/3_left.jpg"), ("cxr", f"{FILMS}/4_IM-0003-1001.dcm.png")):
        path = root / name / file
        path.unlink()
        path.symlink_to(path)
        with pytest.raises(UserError, match=rf", (ID 3|uid 4): '{path.name}' is a link that leads to itself"):
            datasets.load(name, root)


def test_keywords_that_are_blank_are_no_text(root):
    columns = ("Left-Diagnostic Keywords", "Right-Diagnostic Keywords")
    edit(root / "odir" / XLSX, lambda f: f.assign(**{name: [None, " ", *f[name][2:]] for name in columns}))
    assert odir.read(root).present[:3, 0].tolist() == [False, False, True]


def test_what_a_program_wrote_for_an_empty_cell_is_no_text(root):
    columns = ("Left-Diagnostic Keywords", "Right-Diagnostic Keywords")
    edit(root / "odir" / XLSX, lambda f: f.assign(**{name: ["nan", "NaN", *f[name][2:]] for name in columns}))
    assert odir.read(root).present[:3, 0].tolist() == [False, False, True]


def test_the_views_of_a_study_are_read_back_as_bags(published):
    read, drawn = datasets.load("cxr-views", published), datasets.get("cxr-views").twin(range(8))
    for field in ("name", "labels", "ids", "patients", "names", "kinds"):
        assert getattr(read, field) == getattr(drawn, field), field
    assert read.names == ("frontal", "lateral", "report")
    assert read.modalities["report"] == drawn.modalities["report"]
    for view in ("frontal", "lateral"):
        for (a,), (b,) in zip(read.modalities[view].values, drawn.modalities[view].values, strict=True):
            assert (a.read() == b.read()).all()


def test_a_study_keeps_all_of_its_films_and_lacks_a_view_without_one(root):
    table = root / "cxr" / "indiana_projections.csv"
    edit(table, lambda f: f.assign(projection=["Frontal"] * 4 + [*f["projection"][4:]]))
    table = datasets.load("cxr-views", root)
    assert [len(bag) for bag in table.modalities["frontal"].values[:3]] == [2, 2, 1]
    assert table.present[:3].tolist() == [[True, False, True]] * 2 + [[True] * 3]

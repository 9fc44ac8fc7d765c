"""DICOM pictures: measured values, windows, series, and files that are broken."""

import numpy as np
import pytest
from volumes import STORED, write_dicom

from mora_bench.data.readers import dicom
from mora_bench.data.readers.dicom import DicomFile
from mora_bench.data.readers.links import FOLLOW_LINKS
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError


def test_stored_values_are_rescaled_and_windowed(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", RescaleSlope=2, RescaleIntercept=-1000)
    # Measured values: -1000, 1000, 3000 / 5000, 7000, 0.
    assert DicomFile(path).read()[..., 0].tolist() == [[0, 64, 128], [191, 255, 32]]
    assert DicomFile(path, window=Window(1000.5, 2001)).read()[..., 0].tolist() == [[0, 128, 255], [255, 255, 0]]


def test_the_files_own_window_and_inversion_are_kept(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", WindowCenter=[1000.5, 40], WindowWidth=[2001, 400])
    assert DicomFile(path).read()[..., 0].tolist() == [[0, 128, 255], [255, 255, 64]]
    path = write_dicom(tmp_path / "b.dcm", PhotometricInterpretation="MONOCHROME1")
    assert DicomFile(path).read()[..., 0].tolist() == [[255, 191, 127], [64, 0, 223]]


def test_a_series_is_ordered_along_the_patient(tmp_path):
    for name, number, height in (("a", 1, 30.0), ("b", 2, 10.0), ("c", 3, 20.0)):
        where = {"ImagePositionPatient": [0, 0, height], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        write_dicom(tmp_path / f"{name}.dcm", InstanceNumber=number, **where)
    assert [picture.path.stem for picture in dicom.dicom_series(tmp_path)] == ["b", "c", "a"]


def test_frames_are_pictures_of_their_own(tmp_path):
    write_dicom(tmp_path / "a.dcm", np.stack([STORED, STORED[::-1]]), frames=2)
    first, second = dicom.dicom_series(tmp_path)
    assert (first.read() == second.read()[::-1]).all()
    assert first.fingerprint() != second.fingerprint()


def test_broken_dicom_is_named(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"no dicom")
    with pytest.raises(UserError, match=r"a\.dcm, frame 0: not a readable DICOM picture"):
        DicomFile(tmp_path / "a.dcm").read()
    with pytest.raises(UserError, match=r"a\.dcm: not a DICOM file"):
        dicom.dicom_series(tmp_path)
    with pytest.raises(UserError, match="not a folder; expected a folder of DICOM files"):
        dicom.dicom_series(tmp_path / "nowhere")


def test_a_series_is_of_any_suffix_that_a_file_may_have_and_stays_in_its_folder(tmp_path, monkeypatch):
    (tmp_path / "series").mkdir()
    write_dicom(tmp_path / "series" / "A.DCM", InstanceNumber=2)
    write_dicom(tmp_path / "series" / "IM1.dicom", InstanceNumber=1)
    (tmp_path / "series" / "notes.txt").write_text("no picture")
    names = ["IM1.dicom", "A.DCM"]
    assert [picture.path.name for picture in dicom.dicom_series(tmp_path / "series")] == names
    write_dicom(tmp_path / "other.dcm")
    (tmp_path / "series" / "z.dcm").symlink_to(tmp_path / "other.dcm")
    with pytest.raises(UserError, match=r"z\.dcm: a link that leads out"):
        dicom.dicom_series(tmp_path / "series")
    monkeypatch.setenv(FOLLOW_LINKS, "1")
    assert len(dicom.dicom_series(tmp_path / "series")) == 3


@pytest.mark.parametrize("frames", ["0", "-1", "30000000"])
def test_a_file_that_says_that_it_has_odd_numbers_of_frames_is_refused_at_once(frames, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", NumberOfFrames=frames)
    if frames == "0":
        # As if it said nothing.
        assert dicom.dicom_frames(path) == DicomFile(path)
        return
    with pytest.raises(UserError, match=r"a\.dcm: says that it has .* frames; expected 1 to 100,000"):
        dicom.dicom_frames(path)
    with pytest.raises(UserError, match=r"a\.dcm: says that it has"):
        dicom.dicom_series(tmp_path)

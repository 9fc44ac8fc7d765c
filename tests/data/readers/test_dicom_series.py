"""Folders of DICOM files: which pictures are meant, in which order, and what is left out."""

import shutil

import numpy as np
import pytest
from dicoms import AXIAL, CORONAL, SAGITTAL, write_enhanced, write_slice
from volumes import STORED, write_dicom

from mora_bench.data.readers import dicom
from mora_bench.data.readers.dicom import DicomFile, dicom_frames, dicom_series
from mora_bench.data.readers.picture_paths import Views, opened
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError

pydicom = pytest.importorskip("pydicom")
CAPTURE, DOSE = pydicom.uid.SecondaryCaptureImageStorage, pydicom.uid.RTDoseStorage


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(dicom, "_reported", set())


def stack(folder, name, heights, series="1.2", **more):
    folder.mkdir(exist_ok=True)
    for n, height in enumerate(heights):
        write_slice(folder / f"{name}{n}.dcm", STORED, height, series=series, InstanceNumber=n + 1, **more)


def names(pictures):
    return [picture.path.stem for picture in pictures]


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        # From foot to head, from back to front, from left to right, whichever way a normal points.
        (AXIAL, ["a0", "a1", "a2"]),
        ([-1, 0, 0, 0, 1, 0], ["a2", "a1", "a0"]),
        (CORONAL, ["a2", "a1", "a0"]),
        ([-1, 0, 0, 0, 0, -1], ["a0", "a1", "a2"]),
        (SAGITTAL, ["a0", "a1", "a2"]),
        ([0, -1, 0, 0, 0, -1], ["a2", "a1", "a0"]),
    ],
)
def test_slices_are_counted_as_in_nifti_whichever_way_they_were_taken(axes, expected, tmp_path):
    # A normal is rows x columns: of CORONAL to the back, of SAGITTAL to the right.
    stack(tmp_path, "a", [0, 5, 10], axes=axes)
    normal = np.cross(*np.reshape(axes, (2, 3)))
    ras = normal * [-1, -1, 1]
    assert (ras.sum() > 0) == (expected[0] == "a0")
    assert names(dicom_series(tmp_path)) == expected


def test_of_several_series_one_must_be_named_by_uid_number_or_description(tmp_path):
    stack(tmp_path, "a", [0, 1, 2], "1.2.7", SeriesNumber=3, SeriesDescription="T1 ax")
    stack(tmp_path, "b", [0.5, 1.5], "1.2.8", SeriesNumber=4)
    with pytest.raises(UserError, match=r"2 series could be meant: 3 'T1 ax' \(3 pictures\); 4 \(2 pictures\)\. Say"):
        dicom_series(tmp_path)
    for name in ("1.2.7", "3", "T1 ax"):
        assert names(dicom_series(tmp_path, series=name)) == ["a0", "a1", "a2"]
    assert names(dicom_series(tmp_path, Window(40, 400), "4")) == ["b0", "b1"]
    with pytest.raises(UserError, match=r"no series is called '5'\. There are: 3 'T1 ax'"):
        dicom_series(tmp_path, series="5")


def test_series_of_one_number_are_named_by_their_uids(tmp_path):
    stack(tmp_path, "a", [0, 1], "1.2.7", SeriesNumber=3)
    stack(tmp_path, "b", [0, 1, 2], "1.2.8", SeriesNumber=3)
    with pytest.raises(UserError, match=r"meant: 1\.2\.7 \(2 pictures\); 1\.2\.8 \(3 pictures\)\. Say which"):
        dicom_series(tmp_path)
    with pytest.raises(UserError, match="2 series are called '3'"):
        dicom_series(tmp_path, series="3")
    assert names(dicom_series(tmp_path, series="1.2.8")) == ["b0", "b1", "b2"]


@pytest.mark.parametrize("name", ["EchoTime", "TemporalPositionIdentifier", "TriggerTime"])
def test_phases_of_a_series_never_interleave(name, tmp_path):
    for n, (phase, height) in enumerate([(20, 0), (20, 1), (20, 2), (80, 0), (80, 1), (80, 2)]):
        write_slice(
            tmp_path / f"{phase}-{height}.dcm", STORED, height, InstanceNumber=n, SeriesNumber=6, **{name: phase}
        )
    with pytest.raises(UserError, match=rf"6/1 \(3 pictures, {name} 20\); 6/2 \(3 pictures, {name} 80\)"):
        dicom_series(tmp_path)
    assert names(dicom_series(tmp_path, series="6/2")) == ["80-0", "80-1", "80-2"]
    with pytest.raises(UserError, match="2 series are called '6'"):
        dicom_series(tmp_path, series="6")


def test_phases_of_an_enhanced_file_never_interleave(tmp_path):
    frames = np.stack([STORED] * 4)
    groups = [
        {
            "PlanePositionSequence": {"ImagePositionPatient": [0, 0, z]},
            "FrameContentSequence": {"TemporalPositionIndex": t},
        }
        for z in (0, 1)
        for t in (1, 2)
    ]
    shared = {"PlaneOrientationSequence": {"ImageOrientationPatient": AXIAL}}
    path = write_enhanced(tmp_path / "a.dcm", frames, shared, groups, SeriesNumber=1)
    with pytest.raises(UserError, match=r"1/1 \(2 pictures, TemporalPositionIndex 1\); 1/2"):
        dicom_frames(path)
    assert [picture.frame for picture in dicom_frames(path, series="1/2")] == [1, 3]
    assert [picture.frame for picture in dicom_series(tmp_path, series="1/1")] == [0, 2]


def test_phases_of_other_heights_never_interleave_either(tmp_path):
    for n, (phase, height) in enumerate([(1, 0), (1, 2), (1, 4), (2, 1), (2, 3), (2, 5)]):
        fields = {"InstanceNumber": n, "SeriesNumber": 6, "TemporalPositionIdentifier": phase}
        write_slice(tmp_path / f"{phase}-{height}.dcm", STORED, height, **fields)
    assert names(dicom_series(tmp_path, series="6/1")) == ["1-0", "1-2", "1-4"]
    # What lies above the other is one stack.
    for height, phase in ((7, 3), (8, 3)):
        (tmp_path / "up").mkdir(exist_ok=True)
        write_slice(tmp_path / "up" / f"{height}.dcm", STORED, height, TemporalPositionIdentifier=phase)
        write_slice(tmp_path / "up" / f"{height - 2}.dcm", STORED, height - 2, TemporalPositionIdentifier=1)
    assert names(dicom_series(tmp_path / "up")) == ["5", "6", "7", "8"]


def test_one_place_again_and_again_is_a_film_in_time(tmp_path):
    for time in (300, 100, 200):
        write_slice(tmp_path / f"{time}.dcm", STORED, 0, TriggerTime=time)
    assert names(dicom_series(tmp_path)) == ["100", "200", "300"]


def test_localizers_are_left_out_and_said(tmp_path, capsys):
    stack(tmp_path, "a", range(4), SeriesNumber=2, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    stack(tmp_path, "s", [0], "1.3", axes=CORONAL, SeriesNumber=1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    # Within the series, too.
    write_slice(tmp_path / "t.dcm", STORED, 0, CORONAL, SeriesNumber=2)
    assert names(dicom_series(tmp_path)) == ["a0", "a1", "a2", "a3"]
    printed = capsys.readouterr().err
    assert "left out: series 1 (1 picture, localizer); series 2/2 (1 picture, another orientation)" in printed
    assert names(dicom_series(tmp_path, series="1")) == ["s0"]
    assert names(dicom_series(tmp_path, series="2/2")) == ["t"]


def slide(folder, parts):
    """A whole slide as one series; `parts`: by name value 3 of ImageType, tiles, and the width of all of them."""
    folder.mkdir(exist_ok=True)
    for n, (name, (kind, tiles, width)) in enumerate(parts.items()):
        more = {"TotalPixelMatrixColumns": width, "TotalPixelMatrixRows": 2}
        write_dicom(
            folder / f"{name}.dcm", np.stack([STORED] * tiles), frames=tiles, SeriesInstanceUID="1.2", SeriesNumber=7,
            InstanceNumber=n + 1, SOPInstanceUID=f"1.2.{n}", ImageType=["ORIGINAL", "PRIMARY", kind, "NONE"], **more,
        )  # fmt: skip


def test_magnifications_of_a_slide_are_not_mixed_and_its_label_is_left_out(tmp_path, capsys):
    beside = {"a": ("LABEL", 1, 5), "b": ("OVERVIEW", 1, 9), "c": ("THUMBNAIL", 1, 3)}
    slide(tmp_path / "one", beside | {"d": ("VOLUME", 4, 1200)})
    pictures = dicom_series(tmp_path / "one")
    assert [(picture.path.stem, picture.frame) for picture in pictures] == [("d", 0), ("d", 1), ("d", 2), ("d", 3)]
    said = "7/2 (1 picture, 5 x 2 pixels, label of a slide); series 7/3 (1 picture, 9 x 2 pixels, overview of a slide)"
    assert said in capsys.readouterr().err
    slide(tmp_path / "two", beside | {"d": ("VOLUME", 2, 600), "e": ("VOLUME", 4, 1200)})
    two = r"meant: 7/1 \(4 pictures, 1,200 x 2 pixels\); 7/2 \(2 pictures, 600 x 2 pixels\); 7/3 \(1 picture, 5 x 2"
    with pytest.raises(UserError, match=f"2 series could be {two}"):
        dicom_series(tmp_path / "two")
    # The highest magnification is /1, whatever the files are called.
    assert names(dicom_series(tmp_path / "two", series="7/1")) == ["e"] * 4
    assert names(dicom_series(tmp_path / "two", series="7/2")) == ["d"] * 2


def test_a_slide_of_which_only_the_label_is_there_is_refused(tmp_path):
    slide(tmp_path / "one", {"a": ("LABEL", 1, 5)})
    with pytest.raises(UserError) as error:
        dicom_series(tmp_path / "one")
    assert str(error.value) == (
        f"{tmp_path / 'one'}: no tissue in it: 7 (1 picture, label of a slide). Bring the slide's other files, or "
        "leave it out."
    )


@pytest.mark.parametrize("description", ["Topogram 0.6 T20f", "3-plane localizer", "Scout"])
def test_localizers_are_known_by_what_scanners_call_them(description, tmp_path):
    stack(tmp_path, "a", range(3), SeriesNumber=2)
    stack(tmp_path, "s", [0], "1.3", axes=CORONAL, SeriesNumber=1, SeriesDescription=description)
    assert names(dicom_series(tmp_path)) == ["a0", "a1", "a2"]


def turn(angle):
    """Directions of a picture that contains an axis from foot to head, `angle` degrees about it."""
    a = np.deg2rad(angle)
    return np.round([np.cos(a), np.sin(a), 0, 0, 0, -1], 6).tolist()


def place(axes, centre):
    """The first pixel of a picture of 60 x 40 mm whose middle is at `centre`."""
    row, column = np.reshape(axes, (2, 3))
    return np.round(np.array(centre) - 30 * row - 20 * column, 4).tolist()


def write_through(folder, name, axes, centre, number):
    """A slice whose middle is at `centre`, in millimetres."""
    where = {"ImageOrientationPatient": axes, "ImagePositionPatient": place(axes, centre)}
    write_dicom(
        folder / f"{name}.dcm",
        STORED,
        SOPInstanceUID=f"1.2.{number}",
        SeriesInstanceUID="1.2",
        InstanceNumber=number,
        **where,
    )


@pytest.mark.parametrize(("count", "total"), [(4, 120), (12, 180), (24, 180), (36, 360), (72, 360), (20, 14)])
@pytest.mark.parametrize("centre", [(0, 0, 0), (80, 30, 10)])
def test_a_series_that_turns_about_an_axis_is_one_by_number(count, total, centre, tmp_path):
    """Radial slices, projections all around. Each has its place on a normal of its own, which had been the order."""
    for n in range(count):
        axes = turn(total * n / count)
        write_through(tmp_path, f"{n:03}", axes, centre, count - n)
    assert names(dicom_series(tmp_path)) == [f"{n:03}" for n in range(count)][::-1]


def test_radial_pictures_of_two_echoes_are_two_series(tmp_path):
    for n in range(12):
        axes, echo = turn(15.0 * n), 1 + n % 2
        write_slice(tmp_path / f"{n:02}.dcm", STORED, 0, axes, InstanceNumber=n, SeriesNumber=5, EchoTime=echo)
    with pytest.raises(UserError, match=r"5/1 \(6 pictures, EchoTime 1\); 5/2 \(6 pictures, EchoTime 2\)"):
        dicom_series(tmp_path)
    assert names(dicom_series(tmp_path, series="5/2")) == ["01", "03", "05", "07", "09", "11"]


@pytest.mark.parametrize("count", [24, 36])
def test_frames_that_turn_about_an_axis_are_one_run(count, tmp_path):
    per_frame = [
        {
            "PlaneOrientationSequence": {"ImageOrientationPatient": turn(180 * n / count)},
            "PlanePositionSequence": {"ImagePositionPatient": place(turn(180 * n / count), (8, 3, 1))},
        }
        for n in range(count)
    ]
    path = write_enhanced(tmp_path / "x.dcm", np.stack([STORED] * count), per_frame=per_frame)
    assert [picture.frame for picture in dicom_frames(path)] == list(range(count))


def test_slices_each_tilted_otherwise_are_along_the_patient(tmp_path):
    """One through each disc of a spine: their planes have no common axis."""
    for n, (tilt, height) in enumerate([(-12, 0), (0, 33), (9, 70), (19, 101), (31, 140)]):
        b = np.deg2rad(tilt)
        axes = np.round([1, 0, 0, 0, np.cos(b), -np.sin(b)], 6).tolist()
        write_through(tmp_path, n, axes, (0, 20, height), [3, 1, 5, 2, 4][n])
    assert names(dicom_series(tmp_path)) == ["0", "1", "2", "3", "4"]


def test_slices_that_differ_by_rounding_do_not_turn(tmp_path):
    for n, height in enumerate([6, 0, 3, 9, 12]):
        axes = [1, round(0.0001 * n, 4), 0, 0, 1, 0]
        write_slice(tmp_path / f"{n}.dcm", STORED, height, axes, InstanceNumber=n)
    assert names(dicom_series(tmp_path)) == ["1", "2", "0", "3", "4"]


def test_copies_count_once(tmp_path, capsys):
    stack(tmp_path, "a", [0, 1])
    shutil.copy(tmp_path / "a0.dcm", tmp_path / "z0.dcm")
    assert names(dicom_series(tmp_path)) == ["a0", "a1"]
    assert "left out: 1 copies" in capsys.readouterr().err


def test_files_of_any_name_and_without_preamble_are_read_and_others_are_not(tmp_path):
    heights = {"IM0001": 2, "slice.IMA": 0, "1.2.840.7": 1, "bare": 3, "old.dcm": 4}
    for name, height in heights.items():
        path = write_slice(tmp_path / name, STORED, height)
        if name in ("bare", "old.dcm"):
            # No preamble and no group 2, as before 1993.
            data = pydicom.dcmread(path)
            data.remove_private_tags()
            with open(path, "wb") as file:
                buffer = pydicom.filebase.DicomFileLike(file)
                buffer.is_little_endian, buffer.is_implicit_VR = True, name == "bare"
                pydicom.filewriter.write_dataset(buffer, pydicom.Dataset({e.tag: e for e in data}))
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "notes").write_text("nothing to see " * 20)
    (tmp_path / "key.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "empty").touch()
    assert [p.path.name for p in dicom_series(tmp_path)] == ["slice.IMA", "1.2.840.7", "IM0001", "bare", "old.dcm"]
    assert len({picture.read().tobytes() for picture in dicom_series(tmp_path)}) == 1
    # As a cell of a table.
    assert opened(tmp_path / "IM0001", Views()) == DicomFile(tmp_path / "IM0001")
    assert opened(tmp_path / "slice.IMA", Views()) == DicomFile(tmp_path / "slice.IMA")


@pytest.mark.parametrize("name", ["._a0.dcm", "._a1", "._a2.IMA", "a9.dcm"])
def test_what_macos_keeps_beside_files_is_passed_over(name, tmp_path, capsys):
    stack(tmp_path, "a", [0, 1])
    (tmp_path / name).write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X" + b"\0" * 4000)
    assert names(dicom_series(tmp_path)) == ["a0", "a1"]
    assert capsys.readouterr().err == ""
    # A name alone says nothing: a picture may be called so, and a damaged one is refused.
    write_slice(tmp_path / "._a7.dcm", STORED, 7)
    assert names(dicom_series(tmp_path)) == ["a0", "a1", "._a7"]
    (tmp_path / "._a8.dcm").write_bytes(b"\0" * 400)
    with pytest.raises(UserError, match=r"_a8\.dcm: not a DICOM file"):
        dicom_series(tmp_path)


def test_what_is_no_picture_stops_nothing_and_is_said(tmp_path, capsys):
    stack(tmp_path, "a", [0, 1], SeriesNumber=1)
    for n, uid in enumerate((pydicom.uid.BasicTextSRStorage, pydicom.uid.GrayscaleSoftcopyPresentationStateStorage)):
        data = pydicom.dcmread(tmp_path / "a0.dcm")
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = uid
        del data.PixelData, data.Rows, data.Columns
        data.save_as(tmp_path / f"report{n}.dcm")
    write_slice(tmp_path / "mask.dcm", STORED, 0, SOPClassUID=pydicom.uid.SegmentationStorage)
    write_slice(tmp_path / "dose.dcm", STORED, 0, series="1.5", SeriesNumber=5, SOPClassUID=DOSE)
    write_dicom(tmp_path / "page.dcm", SOPClassUID=CAPTURE, SeriesInstanceUID="1.9", SeriesNumber=9)
    assert names(dicom_series(tmp_path)) == ["a0", "a1"]
    printed = capsys.readouterr().err
    assert "1 x Basic Text SR Storage" in printed
    assert "1 x Segmentation Storage" in printed
    assert "1 x Grayscale Softcopy Presentation State Storage" in printed
    assert "series 5 (1 picture, dose)" in printed
    assert "series 9 (1 picture, secondary capture)" in printed


def test_reports_alone_are_refused_by_name(tmp_path):
    path = write_slice(tmp_path / "a.dcm", STORED, 0, SOPClassUID=pydicom.uid.SegmentationStorage)
    with pytest.raises(UserError, match=r"no DICOM files with pictures\. Found: Segmentation Storage"):
        dicom_series(path.parent)
    (tmp_path / "below").mkdir()
    with pytest.raises(UserError, match="Folders in it are not looked at"):
        dicom_series(path.parent)


def test_a_folder_of_other_pictures_is_refused_with_how_to_give_them(tmp_path):
    folder = tmp_path / "p0"
    folder.mkdir()
    for name in ("s1.png", "s0.PNG", "s2.jpg", "notes.txt"):
        (folder / name).write_bytes(b"no DICOM")
    with pytest.raises(UserError) as error:
        dicom_series(folder)
    assert str(error.value).endswith("It holds 3 other pictures: name each, with ; between (p0/s0.PNG;p0/s1.png).")


def test_what_is_left_out_is_said_of_few_folders_and_once_of_each(tmp_path, capsys):
    for n in range(9):
        stack(tmp_path / str(n), "a", [0, 1])
        shutil.copy(tmp_path / str(n) / "a0.dcm", tmp_path / str(n) / "z.dcm")
        dicom_series(tmp_path / str(n))
        dicom_series(tmp_path / str(n))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == dicom.REPORTED_FOLDERS + 1
    assert "what is left out of more folders is not said" in lines[-1]


def test_secondary_captures_alone_are_a_series(tmp_path):
    for n in (2, 1):
        write_dicom(tmp_path / f"{n}.dcm", SOPClassUID=CAPTURE, InstanceNumber=n, SOPInstanceUID=f"1.{n}")
    assert names(dicom_series(tmp_path)) == ["1", "2"]


def test_a_mosaic_is_refused_by_name_and_stops_no_other_series(tmp_path):
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], "SeriesNumber": 4}
    path = write_slice(tmp_path / "m.dcm", STORED, 0, series="1.4", **kind)
    expected = r"m\.dcm: a mosaic \(ImageType\), many slices side by side in one picture\. Convert it.*dcm2niix"
    for read in (dicom_frames, dicom_series, lambda path: DicomFile(path).read()):
        with pytest.raises(UserError, match=expected):
            read(tmp_path if read is dicom_series else path)
    stack(tmp_path, "a", [0, 1, 2], SeriesNumber=3)
    assert names(dicom_series(tmp_path, series="3")) == ["a0", "a1", "a2"]
    with pytest.raises(UserError, match=expected):
        dicom_series(tmp_path, series="4")

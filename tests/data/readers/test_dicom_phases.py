"""Runs of one series through the same part of the body: what tells them apart, whatever is absent or displaced."""

from itertools import product

import numpy as np
import pytest
from dicoms import AXIAL, item, write_enhanced, write_slice
from volumes import write_dicom

from mora_bench.data.readers import dicom
from mora_bench.data.readers.dicom import dicom_frames, dicom_series
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError

pydicom = pytest.importorskip("pydicom")


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(dicom, "_reported", set())


def shown(folder, series=None):
    """The value of each picture: below, its phase."""
    return [int(picture.read()[0, 0, 0]) for picture in dicom_series(folder, Window(128, 256), series)]


def write_phase(folder, value, height, number=None, **more):
    """A slice all of whose pixels have one value."""
    folder.mkdir(exist_ok=True, parents=True)
    number = len(list(folder.iterdir())) if number is None else number
    stored = np.full((2, 2), value, np.int16)
    path = folder / f"{number:03d}.dcm"
    more = {"SeriesNumber": 3, "InstanceNumber": number} | more
    if height is None:
        return write_dicom(path, stored, SOPInstanceUID=f"1.{number + 1}", SeriesInstanceUID="1.2", **more)
    return write_slice(path, stored, height, **more)


PHASE_NAMES = [
    ("DiffusionBValue", 0, 1000),
    ("AcquisitionNumber", 1, 2),
    ("EchoTime", 20, 80),
    ("InversionTime", 50, 900),
    ("TriggerTime", 10, 300),
    ("TemporalPositionIdentifier", 1, 2),
    ("ImageType", ["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]),
]


@pytest.mark.parametrize(("name", "first", "second"), PHASE_NAMES, ids=lambda value: str(value)[:9])
@pytest.mark.parametrize("absent", [0, 2, 5])
def test_a_slice_that_one_phase_lacks_is_not_taken_from_another(name, first, second, absent, tmp_path):
    for height in range(6):
        if height != absent:
            write_phase(tmp_path, 50, height, **{name: first})
        write_phase(tmp_path, 200, height, **{name: second})
    with pytest.raises(UserError, match=rf"3/1 \(5 pictures, {name} .*3/2 \(6 pictures, {name} "):
        dicom_series(tmp_path)
    assert shown(tmp_path, "3/1") == [50] * 5
    assert shown(tmp_path, "3/2") == [200] * 6


def test_of_four_times_one_may_lack_a_slice_and_another_most(tmp_path):
    for height in range(6):
        for time in range(4):
            if (height, time) != (1, 1) and (time < 3 or height > 3):
                write_phase(tmp_path, 50 * time, height, TriggerTime=33.3 * time)
    with pytest.raises(
        UserError, match=r"3/2 \(5 pictures, TriggerTime 33\.3\).*3/4 \(2 pictures, TriggerTime 99\.9\)"
    ):
        dicom_series(tmp_path)
    assert [len(shown(tmp_path, f"3/{k}")) for k in (1, 2, 3, 4)] == [6, 5, 6, 2]
    assert [set(shown(tmp_path, f"3/{k}")) for k in (1, 2, 3, 4)] == [{0}, {50}, {100}, {150}]


@pytest.mark.parametrize(
    ("name", "apart"),
    [
        *product(["DiffusionBValue", "AcquisitionNumber", "StackID"], [0.002, 0.05, 0.7]),
        # Times tell runs apart only where places repeat: other slices of one stack may have other times.
        *product(["TriggerTime"], [0.002, 0.05]),
    ],
)
def test_phases_whose_places_differ_a_little_never_interleave(name, apart, tmp_path):
    for height in range(0, 12, 2):
        write_phase(tmp_path, 50, height, **{name: "1" if name == "StackID" else 1})
        write_phase(tmp_path, 200, height + apart, **{name: "2" if name == "StackID" else 2})
    assert shown(tmp_path, "3/1") == [50] * 6
    assert shown(tmp_path, "3/2") == [200] * 6


def test_what_varies_along_a_series_does_not_part_it(tmp_path):
    for height in range(8):
        # Odd slices in a second turn, a number for each pair of slices, and a time for each slice.
        more = {"AcquisitionNumber": height // 2, "AcquisitionTime": f"{120000 + height}", "EchoTime": 20}
        write_phase(tmp_path / "a", height, height, TriggerTime=height % 2, ImageType=["ORIGINAL"], **more)
        write_phase(tmp_path / "b", height, height, AcquisitionNumber=height % 2, SliceThickness=1)
        # Two slices are marked otherwise; the upper half is another acquisition, and both have the slice between.
        write_phase(tmp_path / "c", height, height, ConvolutionKernel="B" if height in (2, 5) else "A")
        write_phase(tmp_path / "d", height, height, AcquisitionNumber=height > 3)
    write_phase(tmp_path / "d", 100, 3, AcquisitionNumber=1)
    for name in "abc":
        assert shown(tmp_path / name) == list(range(8))
    assert shown(tmp_path / "d", "3/1") == list(range(8))
    assert shown(tmp_path / "d", "3/2") == [100]


def test_places_nearer_than_a_fifth_of_a_millimetre_are_places_where_all_are_as_near(tmp_path):
    for n in range(6):
        write_phase(tmp_path, n, 0.02 * n)
    assert shown(tmp_path) == list(range(6))


def test_runs_that_nothing_tells_apart_are_refused_where_slices_are_absent(tmp_path):
    for height in range(6):
        if height != 2:
            write_phase(tmp_path, 50, height, number=height)
        write_phase(tmp_path, 200, height, number=100 + height)
    expected = (
        r"series 3 \(11 pictures\): 1 place has 1 picture, 5 places have 2 pictures, and nothing in the files tells"
    )
    for series in (None, "3"):
        with pytest.raises(UserError, match=expected):
            dicom_series(tmp_path, series=series)
    # All slices twice are runs by their number; a slice that was taken again is a run of its own.
    write_phase(tmp_path, 50, 2, number=2)
    assert shown(tmp_path, "3/1") == [50] * 6
    for height in range(6):
        (tmp_path / f"{100 + height}.dcm").unlink()
    write_phase(tmp_path, 200, 3, number=9)
    assert shown(tmp_path, "3/1") == [50] * 6
    assert shown(tmp_path, "3/2") == [200]


def test_b_values_and_their_directions_are_taken_apart_one_after_the_other(tmp_path):
    for height in range(3):
        write_phase(tmp_path, 0, height, DiffusionBValue=0)
        for n, direction in enumerate(([1, 0, 0], [0, 1, 0])):
            if (height, n) != (1, 0):
                more = {"DiffusionBValue": 800, "DiffusionGradientOrientation": direction}
                write_phase(tmp_path, 50 * (n + 1), height, **more)
    found = [shown(tmp_path, f"3/{k}") for k in (1, 2, 3)]
    assert sorted(found) == [[0, 0, 0], [50, 50], [100, 100, 100]]
    with pytest.raises(UserError, match=r"DiffusionBValue 800, DiffusionGradientOrientation 1\.0\\0\.0\\0\.0"):
        dicom_series(tmp_path)


def test_a_slice_without_a_place_among_others_is_left_out_and_said(tmp_path, capsys):
    for height in range(4):
        write_phase(tmp_path, 50, height, EchoTime=10)
        path = write_phase(tmp_path, 200, height, EchoTime=80)
    data = pydicom.dcmread(path)
    del data.ImagePositionPatient
    data.save_as(path)
    assert shown(tmp_path, "3/1") == [50] * 4
    assert shown(tmp_path, "3/2") == [200] * 3
    assert "series 3/3 (1 picture, without a place)" in capsys.readouterr().err


def test_without_any_place_contrasts_still_tell_runs_apart(tmp_path):
    for n in range(4):
        write_phase(tmp_path, 50, None, n, EchoTime=10)
        write_phase(tmp_path, 200, None, 100 + n, EchoTime=80)
    assert shown(tmp_path, "3/1") == [50] * 4
    assert shown(tmp_path, "3/2") == [200] * 4
    # A film of one time each is one.
    for n in range(3):
        write_phase(tmp_path / "film", n, None, n, TemporalPositionIdentifier=3 - n)
    assert shown(tmp_path / "film") == [0, 1, 2]


@pytest.mark.parametrize("placed", [True, False])
def test_series_without_uids_are_told_by_number_and_description(placed, tmp_path):
    for n in range(4):
        for value, number, name in ((50, 2, "T1"), (200, 3, "T2"), (100, 3, "T2 fat")):
            height = 10 * n + value / 50 if placed else None
            more = {"SeriesNumber": number, "SeriesDescription": name}
            path = write_phase(tmp_path, value, height, **more)
            data = pydicom.dcmread(path)
            data.SeriesInstanceUID = "" if n % 2 else None
            data.save_as(path)
    with pytest.raises(UserError, match=r"meant: 2 'T1' \(4 pictures\); 3 'T2' \(4 pictures\); 3 'T2 fat' \(4"):
        dicom_series(tmp_path)
    assert shown(tmp_path, "2") == shown(tmp_path, "T1") == [50] * 4
    assert shown(tmp_path, "T2") == [200] * 4


def write_frames(path, rows, dimensions=()):
    """An enhanced MR: each row the value of a frame, its height, and its functional groups."""
    frames = np.stack([np.full((2, 2), value, np.int16) for value, _, _ in rows])
    groups = [{"PlanePositionSequence": {"ImagePositionPatient": [0, 0, z]}} | more for _, z, more in rows]
    shared = {"PlaneOrientationSequence": {"ImageOrientationPatient": AXIAL}}
    pointers = [item(DimensionIndexPointer=pydicom.datadict.tag_for_keyword(name)) for name in dimensions]
    return write_enhanced(path, frames, shared, groups, SeriesNumber=1, DimensionIndexSequence=pointers)


def echo(value):
    return {"MREchoSequence": {"EffectiveEchoTime": float(value)}}


def content(**more):
    return {"FrameContentSequence": more}


def frame_type(name):
    return {"MRImageFrameTypeSequence": {"FrameType": ["ORIGINAL", name]}}


@pytest.mark.parametrize("apart", [0, 0.5, 1])
@pytest.mark.parametrize(
    ("first", "second", "dimensions"),
    [
        (echo(10), echo(80), ()),
        (content(StackID="1"), content(StackID="2"), ()),
        (
            content(DimensionIndexValues=[1, 1]),
            content(DimensionIndexValues=[1, 2]),
            ("InStackPositionNumber", "FlipAngle"),
        ),
        (frame_type("FAT"), frame_type("WATER"), ()),
    ],
    ids=["echo", "stack", "dimension", "type"],
)
def test_runs_of_an_enhanced_file_are_told_by_echo_stack_and_dimension(first, second, dimensions, apart, tmp_path):
    rows = []
    for k in range(4):
        pair = [(50, 2 * k, first), (200, 2 * k + apart, second)]
        # In one slice the other way round.
        rows += pair[::-1] if k == 2 else pair
    path = write_frames(tmp_path / "a.dcm", rows, dimensions)
    for series, value in (("1/1", 50), ("1/2", 200)):
        pictures = dicom_frames(path, Window(128, 256), series)
        assert [int(picture.read()[0, 0, 0]) for picture in pictures] == [value] * 4

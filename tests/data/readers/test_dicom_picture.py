"""DICOM pictures: from stored values to what a viewer shows. Expectations are the standard's formulas by hand."""

import numpy as np
import pytest
from dicoms import AXIAL, CORONAL, SAGITTAL, item, write_colours, write_enhanced, write_slice
from volumes import STORED, write_dicom, write_nifti

from mora_bench.data.readers.dicom import DicomFile, dicom_frames
from mora_bench.data.readers.nifti import NiftiSlice
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError

pydicom = pytest.importorskip("pydicom")
SYNTAXES = (
    pydicom.uid.ExplicitVRLittleEndian,
    pydicom.uid.ImplicitVRLittleEndian,
    pydicom.uid.ExplicitVRBigEndian,
)
WIDE = {"WindowCenter": 1000.5, "WindowWidth": 2001}


def levels(path, frame=0, window=None):
    picture = DicomFile(path, frame, window).read()
    assert picture.dtype == np.uint8
    assert (picture == picture[..., :1]).all()
    return picture[..., 0].tolist()


# Enhanced files: what is said of a frame stands in groups.


def test_a_frames_own_groups_come_before_the_shared_ones_and_these_before_the_top(tmp_path):
    frames = np.stack([STORED, STORED])
    shared = {"PixelValueTransformationSequence": {"RescaleSlope": 1, "RescaleIntercept": -1000}}
    groups = [
        {"FrameVOILUTSequence": WIDE},
        {
            "FrameVOILUTSequence": {"WindowCenter": 0.5, "WindowWidth": 3},
            "PixelValueTransformationSequence": {"RescaleSlope": 0.5, "RescaleIntercept": -500},
        },
    ]
    path = write_enhanced(tmp_path / "a.dcm", frames, shared, groups, WindowCenter=9, WindowWidth=9, RescaleSlope=9)
    # Stored - 1000 through 0 to 2000; stored / 2 - 500 through -1 to 1.
    assert levels(path, 0) == [[0, 0, 128], [255, 255, 0]]
    assert levels(path, 1) == [[0, 128, 255], [255, 255, 0]]


@pytest.mark.parametrize("private", [True, False])
def test_private_sequences_of_a_frame_are_no_functional_groups(private, tmp_path):
    frames = np.stack([STORED] * 2)
    shared = {"PixelValueTransformationSequence": {"RescaleSlope": 2, "RescaleIntercept": -100}}
    path = write_enhanced(tmp_path / "a.dcm", frames, shared, [{}, {}])
    if private:
        data = pydicom.dcmread(path)
        for group in data.PerFrameFunctionalGroupsSequence:
            group.add_new(0x20050014, "LO", "MAKER")
            group.add_new(0x2005140F, "SQ", [item(RescaleSlope=1, RescaleIntercept=900, WindowCenter=5, WindowWidth=9)])
        data.save_as(path)
    # -100, 1900, 3900, ...: (x - 1899.5) / 3999 + 0.5.
    expected = (np.clip((STORED * 2.0 - 100 - 1899.5) / 3999 + 0.5, 0, 1) * 255).round()
    assert levels(path, window=Window(1900, 4000)) == expected.tolist()
    assert levels(path) == [[0, 64, 128], [191, 255, 32]]


def test_frames_lie_along_the_patient_not_in_the_order_of_the_file(tmp_path):
    frames = np.stack([np.full((2, 3), value, np.int16) for value in (30, 10, 20)])
    heights = [{"PlanePositionSequence": {"ImagePositionPatient": [0, 0, z]}} for z in (30, 10, 20)]
    shared = {"PlaneOrientationSequence": {"ImageOrientationPatient": AXIAL}}
    path = write_enhanced(tmp_path / "a.dcm", frames, shared, heights)
    assert [picture.frame for picture in dicom_frames(path)] == [1, 2, 0]


def test_spacing_in_groups_is_obeyed(tmp_path):
    shared = {"PixelMeasuresSequence": {"PixelSpacing": [2, 1]}}
    path = write_enhanced(tmp_path / "a.dcm", np.stack([STORED, STORED]), shared)
    assert DicomFile(path, 1).read().shape == (4, 3, 3)


# Tables and functions of grey levels.


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        # c = 1000, w = 2000, values 0, 1000, 2000, 3000, 4000, 500.
        ("LINEAR", [[0, 128, 255], [255, 255, 64]]),
        ("LINEAR_EXACT", [[0, 128, 255], [255, 255, 64]]),
        # 255 / (1 + exp(-4 (x - c) / w)).
        ("SIGMOID", [[30, 128, 225], [250, 254, 69]]),
    ],
)
def test_a_windows_function_is_the_standards(function, expected, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", WindowCenter=1000, WindowWidth=2000, VOILUTFunction=function)
    assert levels(path) == expected


@pytest.mark.parametrize("function", ["LINEAR_EXACT", None])
def test_a_window_as_narrow_as_values_from_0_to_1_has_all_levels_between(function, tmp_path):
    stored = np.arange(11, dtype=np.int16)[None]
    more = {"VOILUTFunction": function} if function else {}
    width = 1 if function else 0.999
    path = write_dicom(tmp_path / "a.dcm", stored, RescaleSlope=0.1, WindowCenter=0.5, WindowWidth=width, **more)
    assert np.abs(np.array(levels(path)[0]) - np.linspace(0, 255, 11)).max() <= 1


def test_a_given_window_of_scaled_fractions_is_as_wide_as_it_says(tmp_path):
    stored = np.arange(11, dtype=np.int16)[None]
    path = write_dicom(tmp_path / "a.dcm", stored, RescaleSlope=0.1, WindowCenter=0.5, WindowWidth=1)
    assert np.abs(np.array(levels(path, window=Window(0.5, 1))[0]) - np.linspace(0, 255, 11)).max() <= 1
    # The file's own is what the file says: a step.
    assert levels(path)[0] == [0, *[255] * 10]


def test_a_window_of_stored_floats_is_as_wide_as_it_says_the_files_too(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    path = write_dicom(tmp_path / "a.dcm", WindowCenter=0.5, WindowWidth=1)
    data = pydicom.dcmread(path)
    for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(data, name)
    data.BitsAllocated, data.Rows, data.Columns = 32, 1, 6
    data.FloatPixelData = np.linspace(0, 1, 6, dtype="<f4").tobytes()
    data.save_as(path)
    assert levels(path) == levels(path, window=Window(0.5, 1)) == [[0, 51, 102, 153, 204, 255]]


@pytest.mark.parametrize("width", [0, -100])
def test_a_window_without_width_is_refused_by_name_unless_another_is_given(width, tmp_path):
    path = write_dicom(tmp_path / "a.dcm", WindowCenter=40, WindowWidth=width)
    with pytest.raises(UserError, match=rf"a\.dcm: a window of width {width}; expected above 0.*--window"):
        DicomFile(path).read()
    assert levels(path, window=Window(1000.5, 2001)) == [[0, 128, 255], [255, 255, 64]]


def test_an_unknown_function_is_refused_by_name(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", **WIDE, VOILUTFunction="CUBIC")
    with pytest.raises(UserError, match=r"VOILUTFunction 'CUBIC'; expected LINEAR, LINEAR_EXACT or SIGMOID"):
        DicomFile(path).read()


def table(first, values, bits, representation):
    """An item of a table, its entries as words or as numbers."""
    entries = np.array(values, "<u2").tobytes() if representation == "OW" else values
    one = item()
    one.add_new("LUTDescriptor", "SS", [len(values), first, bits])
    one.add_new("LUTData", representation, entries)
    return one


@pytest.mark.parametrize("representation", ["OW", "US"])
def test_a_table_of_grey_levels_comes_before_a_window(representation, tmp_path):
    stored = np.array([[0, 1000, 1001, 1002, 1003, 9000]], np.int16)
    tables = [table(1000, [10, 200, 30, 40], 8, representation)]
    path = write_dicom(tmp_path / "a.dcm", stored, VOILUTSequence=tables, **WIDE)
    assert levels(path) == [[10, 10, 200, 30, 40, 40]]
    assert levels(path, window=Window(1000.5, 2001))[0] == [0, 128, 128, 128, 128, 255]


@pytest.mark.parametrize("representation", ["OW", "US"])
def test_a_table_of_measured_values_comes_before_slope_and_intercept(representation, tmp_path):
    tables = [table(-1, [0, 1000, 2000], 16, representation)]
    stored = np.array([[-1, 0, 1, 7]], np.int16)
    path = write_dicom(tmp_path / "a.dcm", stored, ModalityLUTSequence=tables, RescaleSlope=5, **WIDE)
    assert levels(path) == [[0, 128, 255, 255]]


def rewritten(path, syntax, **more):
    """The same data set in another encoding."""
    data = pydicom.dcmread(path)
    for name, value in more.items():
        setattr(data, name, value)
    data.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(path, data, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    return path


@pytest.mark.parametrize("syntax", SYNTAXES[:2], ids=lambda syntax: syntax.name[:8])
@pytest.mark.parametrize(("first", "intercept"), [(-1024, -1024), (-1000, -500), (-200, -1000)])
def test_a_table_of_grey_levels_may_begin_below_0_whatever_the_encoding(first, intercept, syntax, tmp_path):
    stored = np.array([[0, 300, 800, 1500, 2000, 4095]], np.uint16)
    tables = [table(first, list(range(0, 3000, 2)), 12, "OW")]
    fields = {"RescaleSlope": 1, "RescaleIntercept": intercept, "PixelRepresentation": 0}
    fields |= {"BitsStored": 12, "HighBit": 11, "VOILUTSequence": tables}
    path = rewritten(write_dicom(tmp_path / "a.dcm", stored, **fields), syntax)
    entries = np.clip(stored.astype(int) + intercept - first, 0, 1499) * 2
    assert levels(path) == (entries / 4095 * 255).round().tolist()


@pytest.mark.parametrize("syntax", SYNTAXES[:2], ids=lambda syntax: syntax.name[:8])
@pytest.mark.parametrize("sign", [0, 1])
def test_a_table_of_grey_levels_of_values_that_are_never_negative_may_begin_high(sign, syntax, tmp_path):
    # Signed pixels and an intercept of 32768: no value is negative.
    stored = (np.array([[0, 39999, 40001, 40003]]) - 32768 * sign).astype(np.int16 if sign else np.uint16)
    one = table(0, [10, 20, 30, 40], 8, "OW")
    one.add_new("LUTDescriptor", "US", [4, 40000, 8])
    fields = {"PixelRepresentation": sign, "RescaleSlope": 1, "RescaleIntercept": 32768 * sign}
    path = write_dicom(tmp_path / "a.dcm", stored, VOILUTSequence=[one], **fields)
    assert levels(rewritten(path, syntax)) == [[10, 10, 20, 40]]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name[:14])
@pytest.mark.parametrize("name", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize("count", [5, 6])
@pytest.mark.parametrize("representation", ["OW", "US"])
def test_tables_of_bytes_are_read_as_tables_of_words(representation, count, name, syntax, tmp_path):
    entries = np.array([10, 200, 30, 40, 250, 60][:count], np.uint8)
    packed = np.frombuffer(entries.tobytes() + b"\0" * (count % 2), "<u2")
    stored = np.array([[0, 7, 8, 9, 10, 11, 12, 99]], np.uint16)
    if not syntax.is_little_endian:
        stored = stored.astype(">u2")
    one = table(7, packed.tolist(), 8, "US")
    one.add_new("LUTDescriptor", "US", [count, 7, 8])
    if representation == "OW":
        one.add_new("LUTData", "OW", packed.astype("<u2" if syntax.is_little_endian else ">u2").tobytes())
    # A window that leaves 0 to 255 as they are.
    fields = {"PixelRepresentation": 0, "WindowCenter": 128, "WindowWidth": 256, name: [one]}
    path = rewritten(write_dicom(tmp_path / "a.dcm", stored, **fields), syntax, PixelData=stored.tobytes())
    assert levels(path) == [[int(entries[min(max(value - 7, 0), count - 1)]) for value in (0, *range(7, 13), 99)]]


def test_a_table_that_is_cut_is_refused(tmp_path):
    one = table(0, [1, 2, 3, 4], 16, "OW")
    one.add_new("LUTDescriptor", "SS", [9, 0, 16])
    path = write_dicom(tmp_path / "a.dcm", VOILUTSequence=[one])
    with pytest.raises(UserError, match=r"a\.dcm, frame 0: not a readable.* a table with 4 entries that says it has 9"):
        levels(path)


def test_an_empty_slope_is_one_and_a_slope_of_0_is_refused(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", RescaleSlope=None, RescaleIntercept=None, **WIDE)
    assert levels(path) == [[0, 128, 255], [255, 255, 64]]
    path = write_dicom(tmp_path / "b.dcm", RescaleSlope=0, RescaleIntercept=3)
    with pytest.raises(UserError, match=r"b\.dcm, frame 0: RescaleSlope is 0"):
        DicomFile(path).read()


def test_the_shape_of_the_presentation_turns_over_once(tmp_path):
    over = [[255, 127, 0], [0, 0, 191]]
    path = write_dicom(tmp_path / "a.dcm", **WIDE, PresentationLUTShape="INVERSE")
    assert levels(path) == over
    path = write_dicom(
        tmp_path / "b.dcm", **WIDE, PresentationLUTShape="INVERSE", PhotometricInterpretation="MONOCHROME1"
    )
    assert levels(path) == over


# The range of the values.


@pytest.mark.parametrize("meaning", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("padding", [-2000, 63536])
def test_padding_is_black_and_out_of_the_scale(padding, meaning, tmp_path):
    stored = np.array([[-2000, 0, 50, 100]], np.int16)
    path = write_dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation=meaning)
    data = pydicom.dcmread(path)
    data.add_new("PixelPaddingValue", "SS" if padding < 0 else "US", padding)
    data.save_as(path)
    assert levels(path) == [[0, 0, 128, 255] if meaning == "MONOCHROME2" else [0, 255, 127, 0]]


def test_a_range_of_padding_is_padding(tmp_path):
    stored = np.array([[-2000, -1999, -1990, 0, 50, 100]], np.int16)
    path = write_dicom(tmp_path / "a.dcm", stored, PixelPaddingValue=-2000, PixelPaddingRangeLimit=-1990)
    assert levels(path) == [[0, 0, 0, 0, 128, 255]]


def test_one_hot_pixel_does_not_blacken_a_film(tmp_path):
    stored = (np.arange(10_000).reshape(100, 100) % 1000).astype(np.int16)
    stored[3, 3] = 30_000
    path = write_dicom(tmp_path / "a.dcm", stored)
    picture = np.array(levels(path))
    assert picture[3, 3] == 255
    assert abs(picture.mean() - 127.5) < 1


@pytest.mark.parametrize("allocated", [8, 16, 32])
def test_8_bit_values_without_any_scale_are_shown_as_they_are(allocated, tmp_path):
    stored = np.array([[3, 40], [100, 200]], f"u{allocated // 8}")
    eight = {"BitsAllocated": allocated, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0}
    assert levels(write_dicom(tmp_path / "a.dcm", stored, **eight)) == stored.tolist()
    # More bits, and signs, are measured on a scale of their own.
    if allocated > 8:
        for more in ({"BitsStored": 9, "HighBit": 8}, {"PixelRepresentation": 1, "BitsStored": 16, "HighBit": 15}):
            path = write_dicom(tmp_path / "b.dcm", stored, **(eight | more))
            assert levels(path) == ((stored - 3.0) / 197 * 255).round().tolist()


@pytest.mark.parametrize("packing", [None, pydicom.uid.RLELossless], ids=["plain", "RLE"])
@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("bits", [10, 12])
def test_bits_at_the_upper_end_are_values_too(bits, sign, packing, tmp_path):
    stored = np.array([[0, 100, 200, 511]]) - 400 * sign
    more = {"BitsStored": bits, "HighBit": 15, "PixelRepresentation": sign}
    # What stands below them is something else.
    path = write_dicom(tmp_path / "a.dcm", ((stored << 16 - bits) | 5).astype(np.int16 if sign else np.uint16), **more)
    if packing:
        data = pydicom.dcmread(path)
        data.compress(packing)
        data.save_as(path)
    expected = ((stored - stored.min()) / 511 * 255).round()
    assert levels(path) == expected.tolist()


# Shapes.


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({"PixelAspectRatio": [2, 1]}, (4, 3)),
        ({"PixelAspectRatio": [1, 2]}, (2, 6)),
        ({"PixelSpacing": [0.5, 1.5]}, (2, 9)),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, (4, 3)),
        ({"PixelSpacing": [0.7, 0.7], "PixelAspectRatio": [2, 1]}, (2, 3)),
        ({"PixelSpacing": [0, 0]}, (2, 3)),
    ],
)
def test_pixels_become_square(fields, shape, tmp_path):
    assert DicomFile(write_dicom(tmp_path / "a.dcm", **fields)).read().shape == (*shape, 3)


# Colours.


def palette(path, entries, bits, syntax, **more):
    stored = np.array([[0, 1, 2, 9]], np.uint8)
    path = write_dicom(
        path,
        stored,
        **{"PhotometricInterpretation": "PALETTE COLOR", "PixelRepresentation": 0},
        **{"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
    )
    data = pydicom.dcmread(path)
    for name, values in zip(("Red", "Green", "Blue"), entries, strict=True):
        data.add_new(f"{name}PaletteColorLookupTableDescriptor", "US", [len(values), 0, bits])
        order = "<u2" if syntax.is_little_endian else ">u2"
        data.add_new(f"{name}PaletteColorLookupTableData", "OW", np.array(values, order).tobytes())
    data.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(path, data, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    return path


# pydicom 3.0.2 takes the words of a palette in big endian for little endian.
@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "big endian"])
@pytest.mark.parametrize("low", ["none", "same"])
def test_numbers_of_a_palette_are_colours(low, syntax, tmp_path):
    colours = np.array([[255, 0, 0], [0, 200, 10], [7, 8, 9]])
    entries = (colours << 8 | (colours if low == "same" else 0)).T.tolist()
    picture = DicomFile(palette(tmp_path / "a.dcm", entries, 16, syntax)).read()
    assert picture[0].tolist() == [*colours.tolist(), [7, 8, 9]]


def test_a_palette_in_segments_is_laid_out(tmp_path):
    path = palette(tmp_path / "a.dcm", [[0]] * 3, 16, pydicom.uid.ExplicitVRLittleEndian)
    data = pydicom.dcmread(path)
    for name in ("Red", "Green", "Blue"):
        del data[f"{name}PaletteColorLookupTableData"]
        data[f"{name}PaletteColorLookupTableDescriptor"].value = [11, 0, 16]
        # One entry of 0, then a ramp of ten to 65280.
        words = np.array([0, 1, 0, 1, 10, 65280], "<u2")
        data.add_new(f"Segmented{name}PaletteColorLookupTableData", "OW", words.tobytes())
    data.save_as(path)
    assert DicomFile(path).read()[0, :, 0].tolist() == [0, 25, 51, 229]


def test_spaces_of_colour_become_rgb(tmp_path):
    # PS3.3, C.7.6.3.1.2: Y = .299 R + .587 G + .114 B and so on; full red, green, grey.
    ybr = np.array([[[76, 85, 255], [150, 44, 21], [90, 128, 128]]], np.uint8)
    picture = DicomFile(write_colours(tmp_path / "a.dcm", ybr, "YBR_FULL")).read().astype(int)
    assert np.abs(picture - [[[255, 0, 0], [0, 255, 0], [90, 90, 90]]]).max() <= 2
    # Two pixels share the colour: Y Y B R.
    half = np.array([[[76, 85, 255], [85, 255, 0]]], np.uint8)
    stored = np.array([[76, 76, 85, 255]], np.uint8)
    path = write_colours(tmp_path / "b.dcm", half, "YBR_FULL_422")
    data = pydicom.dcmread(path)
    data.PixelData = stored.tobytes()
    data.save_as(path)
    assert np.abs(DicomFile(path).read().astype(int) - [255, 0, 0]).max() <= 2


def test_planes_of_colour_and_deep_colours_are_shown(tmp_path):
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
    path = write_colours(tmp_path / "a.dcm", rgb)
    assert (DicomFile(path).read() == rgb).all()
    data = pydicom.dcmread(path)
    data.PlanarConfiguration, data.PixelData = 1, np.moveaxis(rgb, 2, 0).tobytes()
    data.save_as(path)
    assert (DicomFile(path).read() == rgb).all()
    for bits in (12, 16):
        deep = rng.integers(0, 1 << bits, (4, 5, 3)).astype(np.uint16)
        picture = DicomFile(write_colours(tmp_path / "b.dcm", deep, bits=bits)).read()
        assert (picture == deep >> (bits - 8)).all()


def test_other_spaces_of_colour_are_refused_by_name(tmp_path):
    path = write_colours(tmp_path / "a.dcm", np.zeros((2, 2, 3), np.uint8), "HSV")
    with pytest.raises(UserError, match=r"a\.dcm.*HSV"):
        DicomFile(path).read()


# Directions.


@pytest.mark.parametrize("axes", [AXIAL, CORONAL, SAGITTAL], ids=["axial", "coronal", "sagittal"])
def test_a_slice_lies_alike_however_it_is_stored(axes, tmp_path):
    standard = np.arange(24, dtype=np.int16).reshape(4, 6)
    row, column = np.reshape(axes, (2, 3))
    expected = levels(write_slice(tmp_path / "a.dcm", standard, 0, axes))
    assert expected == levels(write_dicom(tmp_path / "b.dcm", standard))
    stored = {
        "mirrored": (standard[:, ::-1], -row, column),
        "upside down": (standard[::-1], row, -column),
        "turned by half": (standard[::-1, ::-1], -row, -column),
        "on its side": (standard.T, column, row),
        "turned by a quarter": (standard.T[:, ::-1], -column, row),
    }
    for name, (values, right, down) in stored.items():
        path = write_slice(tmp_path / "c.dcm", np.ascontiguousarray(values), 0, [*map(float, (*right, *down))])
        assert levels(path) == expected, name


def write_spect(path, frames, axes, kind="RECON TOMO", spacing=4.0, **more):
    """Slices of nuclear medicine: only the detector says how they lie; [N, H, W]."""
    detector = item(ImageOrientationPatient=axes, ImagePositionPatient=[0, 0, 0])
    fields = {"SOPClassUID": pydicom.uid.NuclearMedicineImageStorage, "DetectorInformationSequence": [detector]}
    fields |= {"SpacingBetweenSlices": spacing, "SliceVector": list(range(1, len(frames) + 1)), "SeriesNumber": 1}
    fields |= {"ImageType": ["ORIGINAL", "PRIMARY", kind, "EMISSION"]} if kind else {}
    return write_dicom(path, frames, len(frames), **(fields | more))


@pytest.mark.parametrize("kind", ["RECON TOMO", "RECON GATED TOMO", None])
@pytest.mark.parametrize(
    "axes", [AXIAL, [-1, 0, 0, 0, -1, 0], [-1, 0, 0, 0, 1, 0], CORONAL, [-1, 0, 0, 0, 0, 1], [0, 1, 0, 1, 0, 0]]
)
def test_slices_of_nuclear_medicine_lie_as_their_detector_says(axes, kind, tmp_path):
    path = write_spect(tmp_path / "a.dcm", np.stack([STORED] * 2), axes, kind)
    where = {"ImageOrientationPatient": axes, "ImagePositionPatient": [0, 0, 0]}
    same = write_dicom(tmp_path / "b.dcm", STORED, **where)
    assert all(np.array_equal(picture.read(), DicomFile(same).read()) for picture in dicom_frames(path))


@pytest.mark.parametrize("axes", [AXIAL, [-1, 0, 0, 0, 1, 0]])
@pytest.mark.parametrize("spacing", [4.0, -4.0])
def test_slices_of_nuclear_medicine_are_counted_from_foot_to_head(spacing, axes, tmp_path):
    path = write_spect(tmp_path / "a.dcm", np.stack([STORED] * 3), axes, spacing=spacing)
    upwards = spacing * np.cross(axes[:3], axes[3:])[2] > 0
    assert [picture.frame for picture in dicom_frames(path)] == ([0, 1, 2] if upwards else [2, 1, 0])
    # The times of a heart that beats are runs of their own.
    more = {"SliceVector": [1, 2, 1, 2], "TimeSlotVector": [1, 1, 2, 2]}
    path = write_spect(tmp_path / "b.dcm", np.stack([STORED] * 4), AXIAL, spacing=4, **more)
    with pytest.raises(UserError, match=r"1/1 \(2 pictures, TimeSlotVector 1\); 1/2"):
        dicom_frames(path)
    assert [picture.frame for picture in dicom_frames(path, series="1/2")] == [2, 3]


@pytest.mark.parametrize("kind", ["STATIC", "WHOLE BODY", "TOMO", "DYNAMIC"])
def test_projections_of_nuclear_medicine_are_shown_as_stored(kind, tmp_path):
    path = write_spect(tmp_path / "a.dcm", np.stack([STORED] * 2), [-1, 0, 0, 0, 0, -1], kind)
    expected = (STORED / 4000 * 255).round()
    assert [levels(path, frame) for frame in (0, 1)] == [expected.tolist()] * 2


def test_an_oblique_slice_is_turned_to_the_nearest_and_no_direction_to_none(tmp_path):
    tilt = np.deg2rad(20)
    axes = [-np.cos(tilt), 0.0, np.sin(tilt), 0.0, 1.0, 0.0]
    stored = np.arange(24, dtype=np.int16).reshape(4, 6)
    straight = levels(write_dicom(tmp_path / "a.dcm", stored))
    assert np.array_equal(levels(write_slice(tmp_path / "b.dcm", stored, 0, axes)), np.array(straight)[:, ::-1])
    assert levels(write_dicom(tmp_path / "c.dcm", stored, ImageOrientationPatient=[0.0] * 6)) == straight
    # A film says what its sides are, and is shown as it hangs.
    assert levels(write_dicom(tmp_path / "d.dcm", stored, PatientOrientation=["R", "F"])) == straight


def test_a_ct_is_the_same_picture_as_slices_as_one_enhanced_file_and_as_nifti(tmp_path):
    rng = np.random.default_rng(0)
    # z from foot to head, y from front to back, x from the patient's right to left.
    volume = rng.integers(-1000, 1000, (3, 4, 5)).astype(np.int16)
    window = Window(0.5, 2001)
    plain = [
        DicomFile(write_slice(tmp_path / f"{z}.dcm", plane, float(z)), 0, window).read()
        for z, plane in enumerate(volume)
    ]
    groups = [{"PlanePositionSequence": {"ImagePositionPatient": [0, 0, z]}} for z in (2, 0, 1)]
    shared = {
        "PlaneOrientationSequence": {"ImageOrientationPatient": AXIAL},
        "PixelValueTransformationSequence": {"RescaleSlope": 1, "RescaleIntercept": -1024},
    }
    enhanced_file = write_enhanced(tmp_path / "e.dcm", volume[[2, 0, 1]] + np.int16(1024), shared, groups)
    enhanced = [picture.read() for picture in dicom_frames(enhanced_file, window)]
    # NIfTI's axes grow to the right, to the front, to the head.
    path, _ = write_nifti(tmp_path / "v.nii.gz", np.diag([-1.0, -1, 1, 1]), volume.transpose(2, 1, 0))
    nifti = [NiftiSlice(path, z, "axial", window).read() for z in range(3)]
    assert np.array_equal(plain, enhanced)
    assert np.array_equal(plain, nifti)


# Errors.


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    path = write_dicom(tmp_path / "a.dcm")
    data = pydicom.dcmread(path)
    for uid in (pydicom.uid.SegmentationStorage, pydicom.uid.BasicTextSRStorage):
        data.SOPClassUID = uid
        if uid == pydicom.uid.BasicTextSRStorage:
            del data.Rows, data.PixelData
        data.save_as(path)
        with pytest.raises(UserError, match=rf"a\.dcm: no picture in it \({uid.name}\)"):
            DicomFile(path).read()


@pytest.mark.parametrize("fields", [{"BitsAllocated": 12}, {"Rows": 100}, {"PhotometricInterpretation": None}])
def test_whatever_a_library_raises_the_file_is_named_and_nobodys_code_is_to_mend(fields, tmp_path):
    path = write_dicom(tmp_path / "a.dcm")
    data = pydicom.dcmread(path)
    for name, value in fields.items():
        setattr(data, name, value)
    data.save_as(path)
    with pytest.raises(UserError, match=r"a\.dcm, frame 0: not a readable DICOM picture .*intact copy") as refused:
        DicomFile(path).read()
    assert "Mend" not in str(refused.value)


def test_a_frame_that_is_not_there_and_too_many_pixels_are_refused(tmp_path):
    path = write_dicom(tmp_path / "a.dcm")
    with pytest.raises(UserError, match=r"no frame 1; it has 0 to 0"):
        DicomFile(path, 1).read()
    data = pydicom.dcmread(path)
    data.Rows = data.Columns = 60_000
    data.save_as(path)
    with pytest.raises(UserError, match=r"60000 x 60000 pixels; expected at most 100,000,000"):
        DicomFile(path).read()


def test_fingerprints_tell_apart_what_looks_different(tmp_path):
    path = write_dicom(tmp_path / "a.dcm", np.stack([STORED, STORED]), frames=2)
    pictures = [DicomFile(path), DicomFile(path, 1), DicomFile(path, window=Window(40, 400))]
    assert len({picture.fingerprint() for picture in pictures}) == 3
    before = DicomFile(path).fingerprint()
    write_dicom(path, np.stack([STORED, STORED + 1]), frames=2)
    assert DicomFile(path).fingerprint() != before


def test_a_file_without_a_finite_value_is_refused_and_a_frame_without_one_is_black(tmp_path):
    pydicom = pytest.importorskip("pydicom")

    def write(values):
        data = pydicom.dcmread(write_dicom(tmp_path / "a.dcm", frames=len(values)))
        for name in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
            delattr(data, name)
        data.BitsAllocated, data.FloatPixelData = 32, values.astype(np.float32).tobytes()
        data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
        return [DicomFile(tmp_path / "a.dcm", frame) for frame in range(len(values))]

    values = np.full((2, 2, 3), np.nan)
    for picture in write(values):
        with pytest.raises(UserError, match=r"a\.dcm: it shows nothing: all its values are NaN or infinite"):
            picture.read()
    values[1] = np.arange(6).reshape(2, 3)
    first, second = write(values)
    assert not first.read().any()
    assert second.read()[..., 0].tolist() == [[0, 51, 102], [153, 204, 255]]

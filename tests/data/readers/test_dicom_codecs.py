"""One CT packed in every way that scanners pack it, read with the same window."""

import builtins
import sys

import numpy as np
import pytest
from dicoms import compressed, phantom, write_colours
from volumes import write_dicom

from mora_bench.data.readers import dicom_codecs
from mora_bench.data.readers.dicom import DicomFile, dicom_frames, dicom_series
from mora_bench.data.readers.window import Window
from mora_bench.errors import UserError

pydicom = pytest.importorskip("pydicom")
imagecodecs = pytest.importorskip("imagecodecs")
uid = pydicom.uid
SOFT = Window(40, 400)
LOSSLESS = {
    uid.RLELossless: None,
    uid.JPEG2000Lossless: None,
    uid.JPEGLosslessSV1: lambda x: imagecodecs.jpeg8_encode(x, lossless=True, predictor=1, bitspersample=12),
    uid.JPEGLossless: lambda x: imagecodecs.jpeg8_encode(x, lossless=True, predictor=5, bitspersample=12),
    uid.JPEGLSLossless: imagecodecs.jpegls_encode,
    uid.HTJ2KLossless: lambda x: imagecodecs.htj2k_encode(x, reversible=True),
    uid.HTJ2KLosslessRPCL: lambda x: imagecodecs.htj2k_encode(x, reversible=True),
}
LOSSY = {
    uid.JPEGExtended12Bit: lambda x: imagecodecs.jpeg8_encode(x, level=90, bitspersample=12),
    uid.JPEGLSNearLossless: lambda x: imagecodecs.jpegls_encode(x, level=4),
    uid.JPEG2000: lambda x: imagecodecs.jpeg2k_encode(x, level=75, codecformat="j2k", reversible=False),
}


@pytest.fixture
def plain(tmp_path):
    """Twelve bits without a sign, as scanners store CT."""
    bits = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    stored = (phantom() + 1024).astype(np.uint16)
    return write_dicom(tmp_path / "plain.dcm", stored, RescaleIntercept=-1024, RescaleSlope=1, **bits)


def packed(plain, syntax, encode):
    path = plain.with_name("packed.dcm")
    data = pydicom.dcmread(plain)
    if encode is None:
        data.compress(syntax)
        data.save_as(path)
        return path
    return compressed(plain, path, syntax, encode(data.pixel_array))


def by_simpleitk(path):
    """The same by GDCM's decoders, and the window's formula by hand."""
    simpleitk = pytest.importorskip("SimpleITK")
    reader = simpleitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("GDCMImageIO")
    values = simpleitk.GetArrayFromImage(reader.Execute())[0]
    return (np.clip((values - 39.5) / 399 + 0.5, 0, 1) * 255).round()


def test_the_plain_ct_is_shown_as_another_reader_shows_it(plain):
    picture = DicomFile(plain, window=SOFT).read()[..., 0]
    assert np.array_equal(picture, by_simpleitk(plain))
    assert len(np.unique(picture)) > 50


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.name[:40])
def test_every_lossless_packing_is_the_same_picture(syntax, plain):
    path = packed(plain, syntax, LOSSLESS[syntax])
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(DicomFile(path, window=SOFT).read(), DicomFile(plain, window=SOFT).read())
    assert np.array_equal(DicomFile(path).read(), DicomFile(plain).read())


@pytest.mark.parametrize("syntax", LOSSY, ids=lambda syntax: syntax.name[:40])
def test_every_lossy_packing_is_what_another_decoder_makes_of_it(syntax, plain):
    path = packed(plain, syntax, LOSSY[syntax])
    if syntax == uid.JPEGLSNearLossless:
        # The stream says that it has 16 bits, and a file must say the same.
        path = compressed(
            path, path, syntax, LOSSY[syntax](pydicom.dcmread(plain).pixel_array), BitsStored=16, HighBit=15
        )
    picture = DicomFile(path, window=SOFT).read()[..., 0].astype(int)
    assert np.abs(picture - by_simpleitk(path)).max() <= 1
    # It did lose something, and little.
    apart = np.abs(picture - DicomFile(plain, window=SOFT).read()[..., 0])
    assert apart.max() > 0
    assert apart.mean() < 6


@pytest.mark.parametrize("syntax", [uid.JPEGLosslessSV1, uid.JPEGLSLossless], ids=lambda syntax: syntax.name[:20])
def test_values_with_a_sign_keep_it(syntax, tmp_path):
    source = write_dicom(tmp_path / "plain.dcm", phantom(), PixelRepresentation=1)
    encode = imagecodecs.jpegls_encode if syntax == uid.JPEGLSLossless else LOSSLESS[uid.JPEGLosslessSV1]
    if syntax == uid.JPEGLosslessSV1:
        encode = lambda x: imagecodecs.jpeg8_encode(x, lossless=True, predictor=1, bitspersample=16)  # noqa: E731
    path = compressed(source, tmp_path / "packed.dcm", syntax, encode(phantom().view(np.uint16)))
    assert np.array_equal(DicomFile(path, window=SOFT).read(), DicomFile(source, window=SOFT).read())


def j2k(values, **more):
    return imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True, **more)


@pytest.mark.parametrize("bits", [10, 12, 15])
@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (uid.JPEGLSLossless, imagecodecs.jpegls_encode),
        (uid.JPEGLSNearLossless, imagecodecs.jpegls_encode),
        (uid.JPEG2000Lossless, j2k),
        (uid.JPEG2000, j2k),
        (uid.HTJ2KLossless, lambda x: imagecodecs.htj2k_encode(x, reversible=True)),
        (uid.HTJ2K, lambda x: imagecodecs.htj2k_encode(x, reversible=True)),
        (uid.JPEGLosslessSV1, lambda x: imagecodecs.jpeg8_encode(x, lossless=True, predictor=1, bitspersample=16)),
        (uid.RLELossless, None),
    ],
    ids=lambda value: value.name[:25] if hasattr(value, "name") else "",
)
@pytest.mark.parametrize("extended", [True, False])
def test_a_stream_of_more_bits_than_are_stored_has_the_sign_that_is_stored(extended, syntax, encode, bits, tmp_path):
    values = (np.arange(64).reshape(8, 8) - 32) * 2 ** (bits - 6)
    fields = {"BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": 1}
    stored = (values if extended else values & ((1 << bits) - 1)).astype(np.uint16)
    source = write_dicom(tmp_path / "plain.dcm", stored, **fields)
    plain = DicomFile(source).read()
    expected = ((values - values.min()) / np.ptp(values) * 255).round()
    assert np.array_equal(plain[..., 0], expected)
    if encode is None:
        path = tmp_path / "packed.dcm"
        data = pydicom.dcmread(source)
        data.compress(syntax)
        data.save_as(path)
    else:
        path = compressed(source, tmp_path / "packed.dcm", syntax, encode(stored))
    assert np.array_equal(DicomFile(path).read(), plain)


@pytest.mark.parametrize(
    "syntax", [uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.RLELossless], ids=lambda s: s.name[:9]
)
def test_bits_that_are_not_stored_are_no_part_of_a_value(syntax, tmp_path):
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 60
    # An overlay in the two uppermost bits.
    marked = values | 0x4000 | np.uint16(0x8000) * (values % 7 == 0)
    fields = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    source = write_dicom(tmp_path / "plain.dcm", marked, **fields)
    streams = {uid.JPEGLSLossless: imagecodecs.jpegls_encode, uid.JPEG2000Lossless: j2k}
    path = tmp_path / "packed.dcm"
    if syntax in streams:
        compressed(source, path, syntax, streams[syntax](marked))
    else:
        data = pydicom.dcmread(source)
        data.compress(syntax)
        data.save_as(path)
    assert np.array_equal(DicomFile(path).read()[..., 0], (values / values.max() * 255).round())


def test_what_a_lossy_stream_makes_of_the_largest_value_does_not_wrap(tmp_path):
    # A signed value of 12 bits is at most 2047.
    values = np.full((8, 8), 2047, np.int16)
    values[:4] = 0
    values[7, 7] = 2052
    fields = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1, "WindowCenter": 1024, "WindowWidth": 2048}
    source = write_dicom(tmp_path / "plain.dcm", values, **fields)
    path = compressed(source, tmp_path / "packed.dcm", uid.JPEG2000, j2k(values))
    assert DicomFile(path).read()[7, 7, 0] == 255


@pytest.mark.parametrize("meaning", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize(
    "syntax", [uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.RLELossless], ids=lambda s: s.name[:20]
)
def test_lossless_colours_are_the_same_as_plain_ones(syntax, meaning, tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    source = write_colours(tmp_path / "plain.dcm", colours, meaning)
    space = "RGB" if meaning == "RGB" else "YCBCR"
    streams = {
        uid.JPEGLosslessSV1: lambda: imagecodecs.jpeg8_encode(
            colours, lossless=True, colorspace=space, outcolorspace=space
        ),
        uid.JPEGLSLossless: lambda: imagecodecs.jpegls_encode(colours),
        uid.RLELossless: lambda: pydicom.encaps.get_frame(rle(source), 0, number_of_frames=1),
    }
    path = compressed(source, tmp_path / "packed.dcm", syntax, streams[syntax]())
    assert np.array_equal(DicomFile(path).read(), DicomFile(source).read())


def rle(source):
    data = pydicom.dcmread(source)
    data.compress(uid.RLELossless)
    return data.PixelData


def without(monkeypatch, *absent):
    """As if these packages were not installed."""
    find_spec = dicom_codecs.find_spec
    monkeypatch.setattr(dicom_codecs, "find_spec", lambda name: None if name in absent else find_spec(name))
    for syntax in dicom_codecs.DECODER_DEPENDENCIES:
        decoder = pydicom.pixels.get_decoder(syntax)
        monkeypatch.setattr(decoder, "_available", {k: v for k, v in decoder._available.items() if k not in absent})


@pytest.mark.parametrize("syntax", [uid.JPEGLSLossless, uid.JPEGLosslessSV1, uid.JPEGExtended12Bit])
def test_what_to_install_is_said_when_a_table_is_read_not_once_a_slice(syntax, plain, monkeypatch):
    path = packed(plain, syntax, (LOSSLESS | LOSSY)[syntax])
    plain.unlink()
    without(monkeypatch, "imagecodecs", "gdcm", "pylibjpeg", "pyjpegls")
    for read in (lambda: dicom_series(path.parent), lambda: dicom_frames(path), lambda: DicomFile(path).read()):
        with pytest.raises(UserError) as refused:
            read()
        assert str(refused.value).startswith(f"{path}: packed as {syntax.name}")
        assert "pip install 'mora-bench[dicom]'" in str(refused.value)


@pytest.mark.parametrize("syntax", [uid.JPEGLosslessSV1, uid.JPEGExtended12Bit, uid.JPEGLSLossless, uid.HTJ2KLossless])
def test_a_stream_that_is_cut_is_refused_not_filled_up(syntax, plain):
    stream = (LOSSLESS | LOSSY)[syntax](pydicom.dcmread(plain).pixel_array)
    path = compressed(plain, plain.with_name("cut.dcm"), syntax, stream[: len(stream) // 2])
    with pytest.raises(UserError, match=r"cut\.dcm, frame 0: not a readable DICOM picture"):
        DicomFile(path).read()


def test_a_video_is_refused_by_name(plain):
    path = compressed(plain, plain.with_name("video.dcm"), uid.MPEG4HP41, b"\0" * 64)
    with pytest.raises(UserError, match=r"video\.dcm: packed as MPEG-4.*Convert it"):
        dicom_frames(path)


def test_without_pydicom_its_extra_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def absent(name, *more):
        if name.startswith("pydicom"):
            raise ImportError(name)
        return real(name, *more)

    for name in [name for name in sys.modules if name.startswith("pydicom")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(UserError, match=r"DICOM needs pydicom: pip install 'mora-bench\[dicom\]'"):
        DicomFile(tmp_path / "a.dcm").read()

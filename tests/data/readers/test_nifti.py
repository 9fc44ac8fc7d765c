"""NIfTI slices: orientation, windows, colours, several volumes, reading once, and files that are broken."""

import gzip
import itertools
import subprocess

import numpy as np
import pytest
from volumes import write_dicom, write_nifti

from mora_bench.data.modalities.bag import Bag
from mora_bench.data.modalities.pictures import ImageRule
from mora_bench.data.readers import nifti
from mora_bench.data.readers.dicom import dicom_series
from mora_bench.data.readers.nifti import NiftiSlice, nifti_slices
from mora_bench.data.readers.window import Window, between
from mora_bench.errors import UserError

nibabel = pytest.importorskip("nibabel")
RNG = np.random.default_rng(0)


def test_slices_stand_upright_and_the_patients_right_is_at_the_left(tmp_path):
    path, values = write_nifti(tmp_path / "v.nii.gz")
    assert [len(nifti_slices(path, plane)) for plane in nifti.AXES] == [2, 3, 4]
    window = Window(12, 24)
    levels = values / 24 * 255
    # Of the values, x ascends to the right, y to the front, z to the head. Axial: front at the top.
    expected = levels[::-1, ::-1, 1].T.round()
    assert (NiftiSlice(path, 1, "axial", window).read()[..., 0] == expected).all()
    # Coronal: head at the top. Sagittal: head at the top, front at the left.
    expected = levels[::-1, 2, ::-1].T.round()
    assert (NiftiSlice(path, 2, "coronal", window).read()[..., 0] == expected).all()
    expected = levels[1, ::-1, ::-1].T.round()
    assert (NiftiSlice(path, 1, "sagittal", window).read()[..., 0] == expected).all()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_every_orientation_is_turned_as_nibabel_turns_it(order, suffix, tmp_path):
    stored = RNG.integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    for flips in itertools.product((1.0, -1.0), repeat=3):
        affine = np.eye(4)
        # Turned by some degrees, as oblique scans are: the nearest of the standard orientations is taken.
        angle = np.deg2rad(20)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        affine[:3, :3] = turn @ np.eye(3)[:, order] * flips
        path, _ = write_nifti(tmp_path / f"v{suffix}", affine, stored)
        upright = np.asarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj, float)
        window = Window(0, 1501)
        for plane, axis in (("sagittal", 0), ("coronal", 1), ("axial", 2)):
            for picture in nifti_slices(path, plane, window):
                values = upright.take(picture.index, axis)[::-1, ::-1].T
                assert (picture.read()[..., 0] == between(values, -750.5, 749.5)[..., 0]).all()


def test_without_a_window_all_slices_have_the_scale_of_the_volume(tmp_path):
    values = np.zeros((40, 40, 4), np.int16)
    values[..., 1], values[..., 2], values[..., 3] = 500, 1000, np.arange(1600).reshape(40, 40)
    values[0, 0, 0] = 30_000
    path, _ = write_nifti(tmp_path / "v.nii.gz", values=values)
    # By hand: 0.1 % of 6,400 values are above 1,593 or so; the hot one is far beyond.
    high = np.quantile(values, 0.999)
    shown = [picture.read()[5, 5, 0] * high / 255 for picture in nifti_slices(path)[:3]]
    assert shown == pytest.approx([0, 500, 1000], abs=4)


def test_slope_and_intercept_are_applied(tmp_path):
    path, _ = write_nifti(tmp_path / "v.nii", values=np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([-2, 100], "<f4").tobytes()
    path.write_bytes(raw)
    picture = NiftiSlice(path, 0).read()[..., 0]
    values = 100 - 2 * np.arange(24).reshape(2, 3, 4)[::-1, ::-1, 0].T
    assert (picture == ((values - 54) / 46 * 255).round()).all()


def test_the_headers_range_is_a_window(tmp_path):
    path, values = write_nifti(tmp_path / "v.nii", cal_min=4, cal_max=9)
    picture = NiftiSlice(path, 0).read()[..., 0]
    assert (picture == (np.clip((values[::-1, ::-1, 0].T - 4) / 5, 0, 1) * 255).round()).all()


@pytest.mark.parametrize("as_floats", [True, False])
def test_a_window_of_fractions_is_as_wide_as_it_says(as_floats, tmp_path):
    values = np.linspace(0, 1, 256, dtype=np.float32).reshape(256, 1, 1)
    image = nibabel.Nifti1Image(values, np.diag([-1, -1, 1, 1]))
    if not as_floats:
        image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "v.nii")
    picture = NiftiSlice(tmp_path / "v.nii", 0, window=Window(0.5, 1))
    assert np.abs(picture.read()[0, :, 0] - np.arange(256.0)).max() <= 1
    assert f" {nifti.EXACT} " in picture.fingerprint()


def test_a_window_of_whole_values_spans_so_many_of_them_as_in_dicom(tmp_path):
    values = np.arange(5, dtype=np.int16).reshape(5, 1, 1)
    path, _ = write_nifti(tmp_path / "v.nii", values=values)
    picture = NiftiSlice(path, 0, window=Window(2.5, 3))
    assert picture.read()[0, ::-1, 0].tolist() == [0, 0, 128, 255, 255]
    assert f" {nifti.VERSION} " in picture.fingerprint()


def test_voxels_that_are_no_numbers_are_black(tmp_path):
    values = np.full((3, 4, 2), 50, np.float32)
    values[0, 0] = np.nan, np.inf
    values[1, 0], values[2, 0] = 0, 100
    path, _ = write_nifti(tmp_path / "v.nii", values=values)
    for picture in nifti_slices(path):
        assert picture.read()[-1, :, 0].tolist() == [255, 0, 0]
        assert picture.read()[0, 0, 0] == 128


@pytest.mark.parametrize("fields", ["RGB", "RGBA"])
def test_colours_are_shown_as_they_are(fields, tmp_path):
    values = np.zeros((2, 3, 4), [(name, "u1") for name in fields])
    for name in fields:
        values[name] = RNG.integers(0, 256, (2, 3, 4))
    path, _ = write_nifti(tmp_path / "v.nii.gz", values=values)
    expected = np.stack([values[name] for name in "RGB"], -1).astype(float)
    if fields == "RGBA":
        expected *= values["A"][..., None] / 255
    expected = expected[::-1, ::-1, 1].transpose(1, 0, 2).round()
    assert (NiftiSlice(path, 1, window=Window(0, 1)).read() == expected).all()


def test_of_several_volumes_one_is_chosen_or_three_are_colours(tmp_path):
    values = RNG.integers(0, 256, (2, 3, 4, 5)).astype(np.uint8)
    values[0, 0, 0], values[1, 0, 0] = 0, 255
    for name in ("v.nii", "v.nii.gz"):
        path, _ = write_nifti(tmp_path / name, values=values)
        with pytest.raises(UserError, match=rf"{name}: 5 volumes .* --volume N, 0 to 4; or three numbers"):
            nifti_slices(path)
        with pytest.raises(UserError, match=rf"{name}: volume 5; expected one number, or three, of 0 to 4"):
            nifti_slices(path, volume=5)
        with pytest.raises(UserError, match=r"volume 0, 1; expected one number, or three"):
            nifti_slices(path, volume=(0, 1))
        expected = values[::-1, ::-1, 3].transpose(1, 0, 2)
        for volume in range(5):
            picture = nifti_slices(path, volume=volume)[3].read()
            assert (picture == expected[..., volume][..., None]).all()
        assert (nifti_slices(path, volume=(4, 0, 1))[3].read() == expected[..., [4, 0, 1]]).all()


def test_vectors_are_volumes_and_one_volume_needs_no_choice(tmp_path):
    values = RNG.integers(0, 256, (2, 3, 4, 1, 3)).astype(np.uint8)
    values[0, 0, 0], values[1, 0, 0] = 0, 255
    path, _ = write_nifti(tmp_path / "v.nii", values=values)
    with pytest.raises(UserError, match=r"3 volumes \(shape \[2, 3, 4, 1, 3\]\)"):
        nifti_slices(path)
    expected = values[::-1, ::-1, 2, 0].transpose(1, 0, 2)
    assert (nifti_slices(path, volume=(0, 1, 2))[2].read() == expected).all()
    path, _ = write_nifti(tmp_path / "w.nii", values=values[..., 0])
    assert (nifti_slices(path)[2].read() == nifti_slices(path, volume=0)[2].read()).all()


def test_complex_values_are_refused_by_name(tmp_path):
    path, _ = write_nifti(tmp_path / "v.nii", values=np.ones((2, 3, 4), np.complex64))
    with pytest.raises(UserError, match=r"v\.nii: complex values \(complex64\). Save what is to be shown"):
        nifti_slices(path)


def test_long_voxels_become_square_pixels(tmp_path):
    path, _ = write_nifti(tmp_path / "v.nii", np.diag([1, 1, 5, 1.0]))
    assert nifti_slices(path, "axial")[0].read().shape == (3, 2, 3)
    assert nifti_slices(path, "coronal")[0].read().shape == (20, 2, 3)
    assert nifti_slices(path, "sagittal")[0].read().shape == (20, 3, 3)


def test_a_flat_file_is_one_slice(tmp_path):
    values = RNG.integers(0, 256, (5, 4)).astype(np.uint8)
    values[0, 0], values[1, 0] = 0, 255
    path, _ = write_nifti(tmp_path / "v.nii.gz", values=values)
    (picture,) = nifti_slices(path)
    assert (picture.read()[..., 0] == values[::-1, ::-1].T).all()


def test_a_compressed_volume_is_decoded_once_for_all_its_slices_and_anew_when_it_changes(tmp_path, monkeypatch):
    opened = []

    class Counted:
        @staticmethod
        def open(path):
            opened.append(path)
            return gzip.open(path)

    monkeypatch.setattr(nifti, "_gzip", lambda: Counted)
    values = RNG.normal(size=(6, 5, 4)).astype(np.float32)
    path, _ = write_nifti(tmp_path / "v.nii.gz", values=values)
    first = [p.read() for plane in nifti.AXES for p in nifti_slices(path, plane)]
    assert len(first) == 15
    assert opened == [path]
    write_nifti(path, values=-values)
    again = [p.read() for plane in nifti.AXES for p in nifti_slices(path, plane)]
    assert opened == [path] * 2
    assert all((np.abs(255.0 - a - b) <= 1).all() for a, b in zip(first, again, strict=True))
    plain, _ = write_nifti(tmp_path / "v.nii", values=values)
    assert all((p.read() == q).all() for p, q in zip(nifti_slices(plain, "sagittal"), first, strict=False))
    assert len(opened) == 2
    assert nifti._held.cache_info().currsize == 1


def test_fingerprints_tell_apart_what_looks_different(tmp_path):
    path, _ = write_nifti(tmp_path / "v.nii", values=np.zeros((4, 4, 4, 4), np.uint8))
    looks = [
        NiftiSlice(path, 0, volume=0), NiftiSlice(path, 1, volume=0), NiftiSlice(path, 0, volume=1),
        NiftiSlice(path, 0, "coronal", volume=0), NiftiSlice(path, 0, "axial", Window(1, 2), 0),
    ]  # fmt: skip
    assert len({picture.fingerprint() for picture in looks}) == len(looks)
    # The convention of left and right is part of it.
    assert all(f" {nifti.VERSION} " in picture.fingerprint() for picture in looks)


def test_a_ct_that_dcm2niix_converted_is_the_same_picture(tmp_path):
    dcm2niix = pytest.importorskip("dcm2niix")
    (tmp_path / "ct").mkdir()
    stored = RNG.integers(0, 2000, (5, 24, 32)).astype(np.int16)
    for k, values in enumerate(stored):
        write_dicom(
            tmp_path / "ct" / f"{k}.dcm", values, Modality="CT", PatientID="p", SOPInstanceUID=f"1.2.3.{k}",
            StudyInstanceUID="1.2.4", SeriesInstanceUID="1.2.5", SeriesNumber=1, InstanceNumber=k + 1,
            ImagePositionPatient=[-10, -12, 2.5 * k], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.8, 0.8], SliceThickness=2.5, RescaleSlope=1, RescaleIntercept=-1024,
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        )  # fmt: skip
    command = [dcm2niix.bin, "-z", "y", "-f", "scan", "-o", str(tmp_path), str(tmp_path / "ct")]
    subprocess.run(command, check=True, capture_output=True)
    window = Window(40, 400)
    films, slices = dicom_series(tmp_path / "ct", window), nifti_slices(tmp_path / "scan.nii.gz", "axial", window)
    assert len(films) == len(slices) == 5
    for film, picture in zip(films, slices, strict=True):
        assert np.abs(film.read().astype(int) - picture.read()).max() <= 1


def test_broken_nifti_is_named(tmp_path):
    (tmp_path / "v.nii").write_bytes(b"no volume")
    with pytest.raises(UserError, match=r"v\.nii: not a readable NIfTI file"):
        nifti_slices(tmp_path / "v.nii")
    path, _ = write_nifti(tmp_path / "w.nii")
    with pytest.raises(UserError, match="no axial slice 4; it has 0 to 3"):
        NiftiSlice(path, 4).read()
    with pytest.raises(UserError, match="plane 'oblique'; expected one of sagittal, coronal, axial"):
        nifti_slices(path, "oblique")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_damaged_volume_is_named_once_for_all_its_slices(suffix, tmp_path):
    path, _ = write_nifti(tmp_path / f"v{suffix}", values=RNG.normal(size=(20, 20, 20)).astype(np.float32))
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(UserError) as caught:
        Bag().encode([nifti_slices(path)], ["one"], ImageRule(32, 32, 16), tmp_path, 1)
    assert str(caught.value).count(f"{path}: its values cannot be read") == 1
    assert "Replace the file by an intact copy" in str(caught.value)
    assert "Mend" not in str(caught.value)


def test_a_flipped_byte_of_a_compressed_volume_is_noticed(tmp_path):
    path, _ = write_nifti(tmp_path / "v.nii.gz", values=RNG.integers(0, 9999, (60, 60, 60)).astype(np.int16))
    raw = bytearray(path.read_bytes())
    raw[-6] ^= 1  # of the checksum
    path.write_bytes(raw)
    # With indexed_gzip nibabel reads that far for the header.
    with pytest.raises(UserError, match=r"v\.nii\.gz: (its values cannot be read|not a readable)"):
        nifti_slices(path)[0].read()


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_volume_without_a_finite_value_is_refused_once_for_all_its_slices(suffix, tmp_path):
    values = np.full((20, 20, 5), np.nan, np.float32)
    values[3] = np.inf
    path, _ = write_nifti(tmp_path / f"v{suffix}", values=values)
    with pytest.raises(UserError) as caught:
        Bag().encode([nifti_slices(path)], ["one"], ImageRule(32, 32, 16), tmp_path, 1)
    assert str(caught.value).startswith(f"{path}: it shows nothing: all its values are NaN or infinite. Replace")
    assert str(caught.value).count("shows nothing") == 1
    # A slice may show nothing where another one shows something.
    values[7, 7, 2] = 1
    write_nifti(path, values=values)
    assert not NiftiSlice(path, 0).read().any()


def test_a_colour_may_show_nothing_where_another_one_shows_something(tmp_path):
    values = np.full((4, 5, 2, 2), np.nan, np.float32)
    values[..., 1] = np.arange(40).reshape(4, 5, 2)
    path, _ = write_nifti(tmp_path / "v.nii", values=values)
    shown = NiftiSlice(path, 1, volume=(0, 1, 0)).read()
    assert not shown[..., [0, 2]].any()
    assert shown[..., 1].any()
    with pytest.raises(UserError, match="it shows nothing"):
        NiftiSlice(path, 1, volume=0).read()

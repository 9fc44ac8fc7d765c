"""DICOM files of the kinds that scanners make, for tests: slices, enhanced files, palettes, compressed ones."""

import numpy as np
import pytest
from volumes import write_dicom

#: From the patient's right to left and from front to back; then what coronal and sagittal slices usually are.
AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]


def item(**values):
    """An item of a sequence."""
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    for name, value in values.items():
        setattr(data, name, value)
    return data


def write_slice(path, stored, height, axes=AXIAL, series="1.2", **more):
    """A slice that lies `height` millimetres along its normal, with a UID of its own."""
    normal = np.cross(*np.reshape(np.array(axes, float), (2, 3)))
    where = {"ImagePositionPatient": [float(v) for v in normal * height], "ImageOrientationPatient": axes}
    uid = {"SOPInstanceUID": f"1.2.{abs(hash(str(path))) % 10**12}", "SeriesInstanceUID": series}
    return write_dicom(path, stored, **uid, **where, **more)


def write_enhanced(path, frames, shared=(), per_frame=(), **more):
    """Frames [N, H, W]; `shared` and each of `per_frame`: sequences of functional groups, by name their item."""

    def groups(named):
        return item(**{name: [item(**values)] for name, values in dict(named).items()})

    pydicom = pytest.importorskip("pydicom")
    return write_dicom(
        path,
        frames,
        frames=len(frames),
        SOPClassUID=pydicom.uid.EnhancedCTImageStorage,
        SharedFunctionalGroupsSequence=[groups(shared)],
        PerFrameFunctionalGroupsSequence=[groups(one) for one in per_frame] or [item() for _ in frames],
        **more,
    )


def write_colours(path, stored, meaning="RGB", bits=8, **more):
    """Three values a pixel, [H, W, 3]."""
    fields = {"Rows": stored.shape[0], "Columns": stored.shape[1], "SamplesPerPixel": 3, "PlanarConfiguration": 0}
    fields |= {"PhotometricInterpretation": meaning, "PixelRepresentation": 0, "BitsStored": bits, "HighBit": bits - 1}
    fields |= {"BitsAllocated": 8 * stored.dtype.itemsize}
    return write_dicom(path, stored, **(fields | more))


def compressed(source, path, syntax, stream, **more):
    """A copy of a file whose one frame is packed as `stream`."""
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.dcmread(source)
    data.PixelData = pydicom.encaps.encapsulate([stream])
    data["PixelData"].is_undefined_length = True
    data.file_meta.TransferSyntaxUID = syntax
    for name, value in more.items():
        setattr(data, name, value)
    data.save_as(path)
    return path


def phantom(side=64):
    """A slice of a body in Hounsfield units, int16: air, fat, muscle, bone, a graded lung, and no symmetry."""
    y, x = np.mgrid[:side, :side] / side
    values = np.full((side, side), -1000.0)
    values[(x - 0.5) ** 2 / 0.2 + (y - 0.55) ** 2 / 0.12 < 1] = -90
    values[(x - 0.5) ** 2 / 0.16 + (y - 0.55) ** 2 / 0.09 < 1] = 50
    lung = (x - 0.3) ** 2 / 0.015 + (y - 0.5) ** 2 / 0.03 < 1
    values[lung] = -800 + 400 * y[lung]
    values[(x - 0.55) ** 2 + (y - 0.78) ** 2 < 0.004] = 900
    return (values + 30 * np.sin(9 * x + 5 * y)).astype(np.int16)

"""DICOM and NIfTI files for tests."""

import numpy as np
import pytest

STORED = np.array([[0, 1000, 2000], [3000, 4000, 500]], np.int16)


def write_dicom(path, stored=STORED, frames=1, **more):
    pydicom = pytest.importorskip("pydicom")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3"
    data.Rows, data.Columns = stored.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    if frames > 1:
        data.NumberOfFrames = frames
    data.PixelData = stored.tobytes()
    for name, value in more.items():
        setattr(data, name, value)
    data.save_as(path, enforce_file_format=True)
    return path


def write_nifti(path, affine=None, values=None, **header):
    nibabel = pytest.importorskip("nibabel")
    if values is None:
        # x from left to right, y from back to front, z from foot to head.
        values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
    for name, value in header.items():
        image.header[name] = value
    nibabel.save(image, path)
    return path, values

#!/bin/sh
# What one would expect: fastrad, "full parity with PyRadiomics", reads a folder of DICOM slices by MedicalImage.from_dicom. A
#   stored value of DICOM becomes a value by RescaleSlope and RescaleIntercept, which a PET has of its own for each slice, and
#   which SimpleITK, the reader of PyRadiomics, applies. Features are then of becquerels per ml, and of Hounsfield units.
# What happens: its reader stacks the stored values and applies neither. In a PET each slice keeps a scale of its own: of two
#   lesions of 10,000 and 1,000 Bq/ml, each in one slice, it says that both have the mean 30,000 and that contrast between them
#   is none. In a CT air is 24 and not -1000. The README says "Accepts DICOM paths out-of-the-box (powered by pydicom and
#   SimpleITK)". Nothing is raised or printed.
# Versions: fastrad 1.0.0, torch 2.13.0, pydicom 3.0.2, SimpleITK 2.5.7, numpy 2.4.6, scipy 1.17.1, Python 3.11. Seen on
#   2026-12-01 (the repository's newest commit, of April 2026, has no word of rescaling either).
# Why it matters here: radiomics of PET and CT are the numbers that stand beside text and age in a multi-modal table. Here
#   the numbers of a PET follow how the scanner stored each slice, and those of CTs from two scanners the intercept.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile fastrad==1.0.0 torch==2.13.0 pydicom==3.0.2 SimpleITK==2.5.7 numpy==2.4.6 scipy==1.17.1
cat > seen.py <<'PYTHON'
import sys
import warnings
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from fastrad import FeatureExtractor, FeatureSettings, Mask, MedicalImage
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

KINDS = {"PT": "1.2.840.10008.5.1.4.1.1.128", "CT": "1.2.840.10008.5.1.4.1.1.2"}


def write(folder, kind, volume, slopes, intercepts):
    """One file a slice; what is stored is (value - intercept) / slope."""
    Path(folder).mkdir()
    series, frame, study = generate_uid(), generate_uid(), generate_uid()
    for place, (plane, slope, intercept) in enumerate(zip(volume, slopes, intercepts, strict=True)):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = KINDS[kind], generate_uid(), kind
        ds.SeriesInstanceUID, ds.FrameOfReferenceUID, ds.StudyInstanceUID = series, frame, study
        ds.InstanceNumber, ds.ImagePositionPatient = place + 1, [0, 0, place]
        ds.ImageOrientationPatient, ds.PixelSpacing, ds.SliceThickness = [1, 0, 0, 0, 1, 0], [1, 1], 1
        ds.Rows, ds.Columns = plane.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.RescaleSlope, ds.RescaleIntercept = slope, intercept
        ds.PixelData = np.round((plane - intercept) / slope).astype(np.uint16).tobytes()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
        ds.save_as(f"{folder}/{place}.dcm", enforce_file_format=True)


def by_itk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    return torch.from_numpy(sitk.GetArrayFromImage(reader.Execute()).astype(np.float32))


def mean(image, mask):
    settings = FeatureSettings(feature_classes=["firstorder"], device="cpu")
    return FeatureExtractor(settings).extract(image, Mask(mask))["firstorder:mean"]


# A PET of six slices: lesions in slice 1 and slice 4. Each slice is stored so that its own maximum is 30,000.
pet = np.full((6, 16, 16), 100.0)
pet[1, 5:9, 5:9], pet[4, 5:9, 5:9] = 10_000, 1_000
write("pet", "PT", pet, [plane.max() / 30_000 for plane in pet], [0] * 6)
ct = np.full((6, 16, 16), 40.0)
ct[:, :, :4] = -1000
write("ct", "CT", ct, [1] * 6, [-1024] * 6)
seen, right = {}, {}
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for name, folder, where in (
        ("lesion of 10,000 Bq/ml", "pet", (1, slice(5, 9), slice(5, 9))),
        ("lesion of 1,000 Bq/ml", "pet", (4, slice(5, 9), slice(5, 9))),
        ("background of 100 Bq/ml, slice 0", "pet", (0, slice(None), slice(None))),
        ("air of -1000 HU", "ct", (slice(None), slice(None), slice(0, 4))),
    ):
        mask = torch.zeros(6, 16, 16)
        mask[where] = 1
        seen[name] = mean(MedicalImage.from_dicom(folder), mask)
        right[name] = mean(MedicalImage(by_itk(folder)), mask)
        print(f"{name:32}: mean {seen[name]:.0f} by from_dicom, {right[name]:.0f} of the same folder read by SimpleITK")
told = [str(one.message) for one in told if "fastrad" in str(one.filename)]
print("warnings of the package:", told or "none")
stored = np.allclose(list(seen.values()), [30_000, 30_000, 30_000, 24], rtol=1e-4)
fine = np.allclose(list(right.values()), [10_000, 1_000, 100, -1000], rtol=1e-3)
sys.exit(0 if stored and fine and not told else 1)
PYTHON
venv/bin/python seen.py

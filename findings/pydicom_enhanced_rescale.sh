#!/bin/sh
# What one would expect: pydicom's apply_rescale gives the Hounsfield units of any CT, and apply_windowing its window, or they
#   say that they cannot.
# What happens: of an enhanced CT, in which slope, intercept and window stand in the functional groups of the frames as the
#   standard has them, both give back the stored values. Nothing is raised and nothing is said. The same slice as a plain CT
#   is 1024 less.
# Versions: pydicom 3.0.2, numpy 2.4.6, Python 3.11. Seen on 2026-11-28.
# Why it matters here: a dataset of plain and enhanced CT, from scanners of two makers say, then has two scales, and the
#   scale tells the maker. A window for lungs shows the enhanced ones white. Ours looks into the groups of each frame.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pydicom==3.0.2 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys

import numpy as np
import pydicom
from pydicom.pixels import apply_rescale, apply_windowing
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

STORED = np.array([[24, 1024], [1064, 2024]], np.uint16)


def written(name, uid, **fields):
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID = uid, generate_uid()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.Modality, data.Rows, data.Columns = "CT", 2, 2
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = STORED.tobytes()
    for field, value in fields.items():
        setattr(data, field, value)
    data.save_as(name, enforce_file_format=True)
    return pydicom.dcmread(name)


def item(**fields):
    data = pydicom.Dataset()
    for field, value in fields.items():
        setattr(data, field, value)
    return data


scale = {"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU"}
window = {"WindowCenter": 40, "WindowWidth": 400}
plain = written("plain.dcm", CTImageStorage, **scale, **window)
shared = item(PixelValueTransformationSequence=[item(**scale)], FrameVOILUTSequence=[item(**window)])
enhanced = written(
    "enhanced.dcm", EnhancedCTImageStorage, NumberOfFrames=1, SharedFunctionalGroupsSequence=[shared],
    PerFrameFunctionalGroupsSequence=[item(FrameContentSequence=[item(DimensionIndexValues=1)])],
)
units = [apply_rescale(data.pixel_array, data).tolist() for data in (plain, enhanced)]
shown = [apply_windowing(apply_rescale(d.pixel_array, d), d).tolist() for d in (plain, enhanced)]
print("plain CT, in Hounsfield units:   ", units[0], "windowed:", shown[0])
print("enhanced CT, by the same function:", units[1], "windowed:", shown[1])
right = units[0] == (STORED.astype(int) - 1024).tolist() and shown[0] != units[0]
sys.exit(0 if right and units[1] == STORED.tolist() and shown[1] == STORED.tolist() else 1)
PYTHON
venv/bin/python seen.py

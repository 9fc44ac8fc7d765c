#!/bin/sh
# What one would expect: rt-utils writes a mask on a DICOM series as an RTSTRUCT whose contours, in mm, lie where the
#   mask lies in the patient, and makes the mask of any RTSTRUCT again. By the standard PixelSpacing is the distance
#   between rows first, then that between columns.
# What happens: both are swapped, both ways. On pixels 2 mm high and 1 mm wide, a lesion at 30 to 59 mm from the left
#   and 20 to 38 mm from the top is written to 60 to 118 and 10 to 19 mm; read again by rt-utils it looks right. A
#   right RTSTRUCT of such a series, as another program writes it, is read as a mask at half the column and twice the
#   row. Rows and columns are swapped as well where the mask is made: of 64 rows and 96 columns it has 96 rows and 64
#   columns, and what lies beyond column 64 is lost, half of one lesion and all of another. Square pixels in square
#   pictures are right. Nothing is raised or printed, and the README names no limit.
# Versions: rt-utils 1.2.7, pydicom 3.0.2, opencv-python 5.0.0.93, numpy 2.4.6, Python 3.11. Seen on 2026-12-01.
# Why it matters here: MR is often acquired with fewer rows than columns, and lesions outlined for radiotherapy come
#   as RTSTRUCT. Cropped pictures, radiomics and Dice scores of such patients are those of healthy tissue beside the
#   lesion.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder"
python3 -m venv venv
venv/bin/pip install --quiet pydicom==3.0.2 numpy==2.4.6 opencv-python-headless==5.0.0.93
venv/bin/pip install --quiet --no-deps rt-utils==1.2.7
cat > seen.py <<'PYTHON'
import pathlib
import sys
import tempfile
import warnings

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from rt_utils import RTStructBuilder

SLICES = 3


def series(folder, rows, columns, spacing):
    """A series of plain axial slices, 5 mm apart."""
    study, uid, frame = generate_uid(), generate_uid(), generate_uid()
    for number in range(SLICES):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        file.SOPClassUID, file.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
        file.StudyInstanceUID, file.SeriesInstanceUID, file.FrameOfReferenceUID = study, uid, frame
        file.Modality, file.PatientName, file.PatientID = "MR", "A", "1"
        file.StudyDate, file.StudyTime, file.StudyID = "20260101", "000000", "1"
        file.PatientBirthDate = file.PatientSex = file.AccessionNumber = file.ReferringPhysicianName = ""
        file.SeriesNumber, file.InstanceNumber = 1, number + 1
        file.Rows, file.Columns, file.PixelSpacing, file.SliceThickness = rows, columns, list(spacing), 5
        file.ImageOrientationPatient, file.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 5 * number]
        file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
        file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 0
        file.PixelData = np.zeros((rows, columns), np.uint16).tobytes()
        file.save_as(pathlib.Path(folder) / f"{number}.dcm", enforce_file_format=True)


def tried(rows, columns, spacing, box):
    """Where the contours of a box (rows, columns) lie, how many of its pixels come back, and where a right contour is read."""
    (top, bottom), (left, right) = box
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        series(folder, rows, columns, spacing)
        structure = RTStructBuilder.create_new(dicom_series_path=folder)
        mask = np.zeros((rows, columns, SLICES), bool)
        mask[top : bottom + 1, left : right + 1, 1] = True
        structure.add_roi(mask=mask, color=[255, 0, 0], name="lesion")
        contour = structure.ds.ROIContourSequence[0].ContourSequence[0]
        points = np.array(contour.ContourData, float).reshape(-1, 3)
        back = structure.get_roi_mask_by_name("lesion")
        # What another program would have written, by the standard.
        corners = [(x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
        contour.ContourData = [float(one) for x, y in corners for one in (x * spacing[1], y * spacing[0], 5)]
        read = structure.get_roi_mask_by_name("lesion")
    if any(not issubclass(one.category, DeprecationWarning) for one in said):
        sys.exit(f"a warning: {said[0].message}")
    where = [(int(one.min()), int(one.max())) if len(one) else None for one in np.nonzero(read)[:2]]
    return points[:, :2].min(0), points[:, :2].max(0), back.shape[:2], int(back.sum()), int(mask.sum()), where


good = True
for name, rows, columns, spacing, box, wrong in (
    ("square", 128, 128, (1, 1), ((10, 19), (30, 59)), False),
    ("pixels 2 mm high, 1 mm wide", 128, 128, (2, 1), ((10, 19), (30, 59)), True),
    ("64 rows, 96 columns", 64, 96, (1, 1), ((10, 19), (50, 77)), True),
    ("64 rows, 96 columns, further right", 64, 96, (1, 1), ((10, 19), (70, 90)), True),
):
    low, high, shape, back, all_, where = tried(rows, columns, spacing, box)
    must = [(side[0] * step, side[1] * step) for side, step in zip(box[::-1], spacing[::-1])]
    written = [(float(one), float(other)) for one, other in zip(low, high)]
    print(
        f"{name}: x and y of the contour {written} mm, by the standard {must}; mask of {shape}, {back} of {all_} pixels back; "
        f"a right contour of rows and columns {list(box)} is read as {where}"
    )
    right = written == must and shape == (rows, columns) and back == all_ and where == list(box)
    good &= right != wrong
    if spacing == (2, 1):
        good &= written == [(60, 118), (10, 19)] and where == [(20, 38), (15, 30)]
    if columns == 96:
        good &= shape == (96, 64) and back == (all_ // 2 if box[1][0] == 50 else 0)
sys.exit(0 if good else 1)
PYTHON
venv/bin/python seen.py

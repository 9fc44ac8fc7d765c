#!/bin/sh
# What one would expect: SimpleITK reads a folder of one MR series as the volume that was scanned. Of a series of two
#   echoes, which has each slice twice under one SeriesInstanceUID, it gives one echo, or both apart, or refuses.
# What happens: GetGDCMSeriesIDs names one series. The reader puts the second echo on top of the first: twice as many
#   slices as the body has, first all of one contrast, then all of the other, with a spacing that no slice has (15 mm over 7
#   gaps for slices 5 mm apart). It warns of "non uniform sampling" on stderr, and goes on.
# Versions: SimpleITK 2.5.7, pydicom 3.0.2, numpy 2.4.6, Python 3.11. Seen on 2026-11-28.
# Why it matters here: folders of slices are often read through ITK, by MONAI's and TorchIO's readers too, and saved as NIfTI.
#   Half of such a volume is another contrast at the wrong height. Ours names the two echoes and asks which one is meant.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet SimpleITK==2.5.7 pydicom==3.0.2 numpy==2.4.6
cat > seen.py <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

study, series, place = generate_uid(), generate_uid(), generate_uid()
Path("scan").mkdir()
for echo in (1, 2):
    for slice_ in range(4):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, generate_uid()
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, place
        data.Modality, data.SeriesNumber, data.InstanceNumber = "MR", 1, 4 * (echo - 1) + slice_ + 1
        data.EchoTime, data.EchoNumbers = 20 * echo, echo
        data.ImageType = ["ORIGINAL", "PRIMARY", "M", "SE"]
        data.ScanningSequence, data.SequenceVariant, data.MRAcquisitionType = "SE", "NONE", "2D"
        data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 5.0 * slice_], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [1, 1], 5
        data.Rows = data.Columns = 8
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
        data.PixelData = np.full((8, 8), 100 * echo + slice_, np.uint16).tobytes()
        data.save_as(f"scan/{echo}{slice_}.dcm", enforce_file_format=True)

names = SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs("scan")
reader = SimpleITK.ImageSeriesReader()
reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames("scan", names[0]))
volume = reader.Execute()
values = SimpleITK.GetArrayFromImage(volume)[:, 0, 0].tolist()
print(f"series: {len(names)}; size {volume.GetSize()}; spacing {volume.GetSpacing()[2]:.3f} mm; slices 5 mm apart")
print("echo and slice, by value:", values)
stacked = values == [100, 101, 102, 103, 200, 201, 202, 203]
sys.exit(0 if len(names) == 1 and stacked and abs(volume.GetSpacing()[2] - 15 / 7) < 0.01 else 1)
PYTHON
venv/bin/python seen.py

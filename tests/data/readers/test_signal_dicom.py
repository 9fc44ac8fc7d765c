"""Waveforms of DICOM: units, multiplex groups, gaps, and what is not read."""

from pathlib import Path

import numpy as np
import pytest
from dicoms import item

from mora_bench.data.readers.signal_columns import READERS
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.errors import UserError

pydicom = pytest.importorskip("pydicom", reason="the extra dicom")
files = pytest.importorskip("pydicom.data")

STEPS = np.arange(-50, 50)


def lead(label, unit="uV", sensitivity="2.5", **more):
    """The definition of a channel."""
    scale = {"ChannelSensitivity": sensitivity, "ChannelSensitivityUnitsSequence": [item(CodeValue=unit)]}
    return item(ChannelSourceSequence=[item(CodeMeaning=label)], **(scale if unit else {}), **more)


def group(stored, leads, rate="500", label="", kind="SS", **more):
    """A multiplex group of whole numbers [T, C]."""
    stored = np.asarray(stored)
    bits = 8 * stored.dtype.itemsize
    return item(
        NumberOfWaveformChannels=stored.shape[1], NumberOfWaveformSamples=len(stored), SamplingFrequency=rate,
        WaveformBitsAllocated=bits, WaveformSampleInterpretation=kind, WaveformData=stored.tobytes(),
        MultiplexGroupLabel=label, ChannelDefinitionSequence=leads, **more,
    )  # fmt: skip


def ecg(folder, *groups, words="", syntax="ExplicitVRLittleEndian"):
    data = item(SOPClassUID=pydicom.uid.TwelveLeadECGWaveformStorage, SOPInstanceUID="1.2", WaveformSequence=[*groups])
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    data.save_as(folder / "a.dcm", enforce_file_format=True)
    return opened(folder / "a.dcm", words)


def opened(path, words=""):
    return READERS[".dcm"](path, SignalEntry.of(f"x={{id}}.dcm{words}"))


def two(**more):
    """Two leads that differ."""
    return np.stack([STEPS, STEPS[::-1]], 1).astype(np.int16), [lead("Lead I"), lead("Lead II", **more)]


def refused(file):
    with pytest.raises(UserError) as error:
        file.read()
    return str(error.value).removeprefix(f"{file.path}: ")


def test_an_ecg_of_twelve_leads_is_read_in_millivolts():
    path = Path(files.get_testdata_file("waveform_ecg.dcm"))
    groups = "1 'RHYTHM' (12 channels of 10,000 steps at 1000 Hz from 0 s on); 2 'MEDIAN BEAT' (12 channels of 1,200 "
    groups += "steps at 1000 Hz from 0 s on)"
    series = opened(path, ":group=RHYTHM").read()
    assert (series.rate, series.values.shape, set(series.units)) == (1000, (10_000, 12), {"mV"})
    assert series.channels[::11] == ("Lead I (Einthoven)", "Lead V6")
    stored = pydicom.waveforms.multiplex_array(pydicom.dcmread(path), 0, as_raw=True)
    np.testing.assert_allclose(series.values, stored * 1.25e-3, rtol=1e-6)
    beat = opened(path, ":group=2;channels=Lead V1,Lead II;rate=500").read()
    assert (beat.rate, beat.values.shape, beat.channels) == (500, (600, 2), ("Lead V1", "Lead II"))
    assert refused(opened(path)) == (
        f"multiplex groups of several lengths, rates or beginnings: {groups}. Say group= with the name or the number "
        "of the one to read."
    )
    assert refused(opened(path, ":group=BEAT")) == (
        f"no multiplex group is called 'BEAT'; it has {groups}. Say group= with one's number."
    )
    # What is read depends on the group.
    assert len({opened(path, words).fingerprint() for words in ("", ":group=1", ":group=2")}) == 3


def test_sensitivity_baseline_and_correction_make_the_values(tmp_path):
    more = {"ChannelBaseline": "-3", "ChannelSensitivityCorrectionFactor": "2"}
    leads = [
        lead("Pressure", "mm[Hg]", "0.5", **more),
        lead("V1", "mV", "0.25", ChannelLabel="V1 of ours"),
        lead("X", ""),
    ]
    series = ecg(tmp_path, group(np.stack([STEPS] * 3, 1).astype(np.int16), leads)).read()
    assert (series.channels, series.units) == (("Pressure", "V1 of ours", "X"), ("mm[Hg]", "mV", ""))
    np.testing.assert_array_equal(series.values, np.stack([STEPS - 3, STEPS / 4, STEPS], 1))


def test_padding_is_a_gap(tmp_path):
    stored, leads = two()
    stored[[3, 7], 1] = -32768
    padding = np.int16(-32768).tobytes()
    series = ecg(tmp_path, group(stored, leads, WaveformPaddingValue=padding)).read()
    assert np.argwhere(np.isnan(series.values)).tolist() == [[3, 1], [7, 1]]


def test_groups_that_are_alike_are_read_side_by_side(tmp_path):
    stored, leads = two()
    others = [lead("Lead III"), lead("Lead V1")]
    both = ecg(tmp_path, group(stored, leads), group(2 * stored, others))
    series = both.read()
    assert series.channels == ("Lead I", "Lead II", "Lead III", "Lead V1")
    np.testing.assert_allclose(series.values, np.concatenate([stored, 2 * stored], 1) * 2.5e-3, rtol=1e-6)
    assert refused(ecg(tmp_path, group(stored, leads), group(stored, leads))).startswith(
        "2 channels are called 'Lead I'"
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"rate": "250"}, "2 (2 channels of 100 steps at 250 Hz from 0 s on)"),
        ({"MultiplexGroupTimeOffset": "2500"}, "2 (2 channels of 100 steps at 500 Hz from 2.5 s on)"),
    ],
)
def test_groups_that_are_unlike_are_refused_with_the_choice(tmp_path, more, said):
    stored, leads = two()
    groups = group(stored, leads), group(stored, [lead("Lead III"), lead("Lead V1")], **more)
    assert said in refused(ecg(tmp_path, *groups))
    assert ecg(tmp_path, *groups, words=":group=2").read().channels == ("Lead III", "Lead V1")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ChannelSampleSkew": "2"}, "2 samples beside"),
        ({"ChannelTimeSkew": "0.01"}, "5 samples beside"),
        ({"ChannelOffset": "-0.004"}, "-2 samples beside"),
    ],
)
def test_channels_that_lie_beside_the_others_are_refused(tmp_path, more, said):
    stored, leads = two(**more)
    assert refused(ecg(tmp_path, group(stored, leads))) == (
        f"channel 'Lead II' is {said} the others, which are not moved. Leave it out (channels=)."
    )
    assert ecg(tmp_path, group(stored, leads), words=":channels=Lead I").read().values.shape == (100, 1)
    assert ecg(tmp_path, group(*two(ChannelSampleSkew="0.5"))).read().values.shape == (100, 2)


def test_what_is_no_waveform_that_pydicom_reads_rightly_is_refused(tmp_path):
    stored, leads = two()
    packed = group(stored.astype(np.uint8), leads, kind="MB")
    assert refused(ecg(tmp_path, packed)) == (
        "channel 'Lead I' has samples by a logarithm (MB). Leave it out (channels=)."
    )
    turned = ecg(tmp_path, group(stored, leads), syntax="ExplicitVRBigEndian")
    assert refused(turned).startswith("its higher bytes come first")
    assert refused(ecg(tmp_path)) == "no waveform in it (12-lead ECG Waveform Storage). Pictures are read by --image."
    for broken in (group(stored, leads[:1]), group(stored, leads, rate="")):
        assert refused(ecg(tmp_path, broken)).startswith("not a readable waveform of DICOM (")
    short = group(stored, leads)
    short.WaveformData = short.WaveformData[:-10]
    assert refused(ecg(tmp_path, short)).startswith("not a readable waveform of DICOM (")
    assert refused(ecg(tmp_path, group(stored, leads, rate="0"))).startswith("channel 'Lead I' has a rate of 0 Hz")
    (tmp_path / "a.dcm").write_bytes(b"nothing")
    assert refused(opened(tmp_path / "a.dcm")).startswith("not a DICOM file")


def test_a_group_is_of_dicom_alone():
    with pytest.raises(UserError, match="group= is for files of DICOM, and this file is none"):
        SignalEntry.of("x={id}.edf:group=1")

"""Records of clinical recorders: units, ranges, and files that are cut short."""

import json

import numpy as np
import pandas as pd
import pytest

from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import own_table, signal_notes
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.signal_entry import SignalEntry
from mora_bench.data.readers.signal_records import BdfFile, EdfFile, WfdbFile
from mora_bench.errors import UserError

wfdb = pytest.importorskip("wfdb", reason="the extra signals")
edfio = pytest.importorskip("edfio", reason="the extra signals")

#: Whole numbers of a digital step in every unit below.
STEPS = np.array([0.0, 1.0, -2.0, 1.5] * 25)
#: Of each unit how many are a millivolt.
VOLTAGES = {"mV": 1, "uV": 1e3, "nV": 1e6, "V": 1e-3}
KINDS = {"hea": WfdbFile, "edf": EdfFile, "bdf": BdfFile}
#: Those of EDF and its like: the classes of their signals and files, and bytes of a sample.
EDFS = {"edf": (edfio.EdfSignal, edfio.Edf, 2), "bdf": (edfio.BdfSignal, edfio.Bdf, 3)}


def write(folder, kind, name, channels, rate=100):
    """A record of channels: of each its name, unit and values."""
    if kind == "hea":
        wfdb.wrsamp(
            name, fs=rate, units=[unit for _, unit, _ in channels], sig_name=[label for label, _, _ in channels],
            p_signal=np.stack([values for _, _, values in channels], 1), fmt=["16"] * len(channels),
            write_dir=str(folder),
        )  # fmt: skip
        return
    signal, record, _ = EDFS[kind]
    signals = [
        signal(values, rate, label=label, physical_dimension=unit, physical_range=(-scale, scale))
        for label, unit, values in channels
        for scale in [float(np.abs(values).max() or 1)]
    ]
    record(signals, data_record_duration=1).write(folder / f"{name}.{kind}")


def opened(folder, kind, name, words=""):
    return KINDS[kind](folder / f"{name}.{kind}", SignalEntry.of(f"x={{id}}.{kind}{words}"))


def field(file, name, value, channel=0):
    """Write a field of an EDF header over."""
    content = bytearray(file.read_bytes())
    count = int(content[252:256])
    places = {"unit": (96, 8), "physical minimum": (104, 8), "physical maximum": (112, 8), "digital minimum": (120, 8),
              "digital maximum": (128, 8), "samples": (216, 8)}  # fmt: skip
    before, size = places[name]
    at = 256 + count * before + channel * size
    content[at : at + size] = value.ljust(size)
    file.write_bytes(content)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", VOLTAGES)
def test_voltages_are_read_in_millivolts_whatever_their_file_says(tmp_path, kind, unit):
    write(tmp_path, kind, "a", [("I", unit, STEPS * VOLTAGES[unit]), ("Resp", "NU", STEPS)])
    series = opened(tmp_path, kind, "a").read()
    assert series.units == ("mV", "NU")
    np.testing.assert_allclose(series.values, np.stack([STEPS, STEPS], 1), atol=1e-4)


@pytest.mark.parametrize("written", ["\u00b5V".encode(), "\u00b5V".encode("latin-1"), "\u03bcV".encode(), b"UV"])
def test_microvolts_are_known_however_they_are_written(tmp_path, written):
    write(tmp_path, "edf", "a", [("I", "uV", STEPS * 1000)])
    field(tmp_path / "a.edf", "unit", written)
    series = opened(tmp_path, "edf", "a").read()
    assert series.units == ("mV",)
    np.testing.assert_allclose(series.values[:, 0], STEPS, atol=1e-4)


def test_a_record_of_wfdb_that_says_no_unit_is_in_millivolts(tmp_path):
    """So its format says."""
    write(tmp_path, "hea", "a", [("I", "mV", STEPS)])
    header = tmp_path / "a.hea"
    header.write_text(header.read_text().replace("/mV", ""))
    assert opened(tmp_path, "hea", "a").read().units == ("mV",)


def stored(folder, name, fmt, samples, frames=(1, 1), skews=(0, 0), sums=True):
    """A record of whole numbers, of each channel [T], 200 a millivolt, with the checksums of what is stored."""
    parts = [channel.reshape(-1, frame) for channel, frame in zip(samples, frames, strict=True)]
    (folder / f"{name}.dat").write_bytes(np.concatenate(parts, 1).astype(">i2" if fmt == "61" else "<i2").tobytes())
    lines = [f"{name} {len(samples)} 250 {len(parts[0])}"]
    for label, channel, frame, skew in zip(("I", "II"), samples, frames, skews, strict=True):
        what = f"{fmt}x{frame}:{skew}" if frame > 1 else f"{fmt}:{skew}" if skew else fmt
        ends = f"{channel[0]} {(int(channel.sum()) + 2**15) % 2**16 - 2**15} 0 {label}"
        lines.append(f"{name}.dat {what} 200/mV 16 0 {ends if sums else ''}")
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    return opened(folder, "hea", name)


WHOLE = np.arange(1, 201) * 7 % 101


@pytest.mark.parametrize("sums", [True, False])
@pytest.mark.parametrize(("frames", "skews"), [((1, 1), (3, 0)), ((1, 1), (1, 2)), ((2, 2), (3, 1)), ((4, 1), (2, 0))])
def test_skewed_channels_of_wfdb_are_brought_together(tmp_path, frames, skews, sums):
    """Their checksums are those of the samples as they are stored; `wfdb` has a gap at their end of one sample for
    each frame of several, and zeros before it."""
    samples = [WHOLE, 2 * WHOLE[: 200 * frames[1] // frames[0]]]
    file = stored(tmp_path, "a", "16", samples, frames, skews, sums)
    for channel, values, frame, skew in zip(file.channels(), samples, frames, skews, strict=True):
        late = frame * skew
        np.testing.assert_allclose(channel.values[: len(values) - late], values[late:] / 200)
        assert len(channel.values) == len(values)
        assert np.isnan(channel.values[len(values) - late :]).all()
    if sums:
        content = bytearray((tmp_path / "a.dat").read_bytes())
        content[-1] ^= 1
        (tmp_path / "a.dat").write_bytes(content)
        with pytest.raises(UserError, match=r"a\.hea: the values of I.* are not those that it holds the checksum of"):
            file.read()


@pytest.mark.parametrize("frames", [(1, 1), (2, 2)])
def test_a_record_of_wfdb_with_the_higher_byte_first_is_read(tmp_path, frames):
    samples = [np.append(WHOLE, [-200, 0]), np.append(WHOLE[::-1], [400, -1])]
    file = stored(tmp_path, "a", "61", samples, frames)
    np.testing.assert_allclose(file.read().values, np.stack(samples, 1) / 200)
    content = (tmp_path / "a.dat").read_bytes()
    # The mark of a missing sample, and a changed one.
    (tmp_path / "a.dat").write_bytes(b"\x80\0" + content[2:])
    header = tmp_path / "a.hea"
    whole = header.read_text()
    header.write_text(whole.replace(f" 7 {samples[0].sum()} ", f" 7 {samples[0].sum() - 7 - 2**15} "))
    assert np.flatnonzero(np.isnan(file.read().values)).tolist() == [0]
    header.write_text(whole)
    (tmp_path / "a.dat").write_bytes(b"\0\2" + content[2:])
    with pytest.raises(UserError, match=r"a\.hea: the values of I are not those that it holds the checksum of"):
        file.read()


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "a 0 250 1000\n",
            "its header says 0 signals, as that of annotations alone does. Name a record that has some, or leave the "
            "cell empty.",
        ),
        ("a 2 250 1000\n", "its header says 2 signals and describes 0. Download it again."),
        ("a/2 2 250 2000\nb 1000\nc 1000\n", "a record of several segments. Write it as one (wfdb.rdrecord, wrsamp)."),
    ],
)
def test_a_header_of_wfdb_without_signals_of_its_own_is_refused(tmp_path, header, said):
    (tmp_path / "a.hea").write_text(header)
    with pytest.raises(UserError) as error:
        opened(tmp_path, "hea", "a").read()
    assert str(error.value) == f"{tmp_path}/a.hea: {said}"


def test_a_unit_that_no_file_says_is_unknown(tmp_path):
    write(tmp_path, "edf", "a", [("I", "", STEPS)])
    assert opened(tmp_path, "edf", "a").read().units == ()


def test_a_comma_in_the_range_of_an_edf_file_is_a_point(tmp_path):
    write(tmp_path, "edf", "a", [("I", "mV", STEPS), ("II", "mV", STEPS)])
    field(tmp_path / "a.edf", "physical minimum", b"-2,0", channel=1)
    field(tmp_path / "a.edf", "physical maximum", b"2,0", channel=1)
    np.testing.assert_allclose(opened(tmp_path, "edf", "a").read().values, np.stack([STEPS, STEPS], 1), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("physical minimum", b""),
        ("physical minimum", b"2"),
        ("physical minimum", b"nan"),
        ("physical maximum", b"1.2.3"),
        ("digital maximum", b"-32768"),
        ("digital minimum", b"?"),
    ],
)
def test_an_edf_channel_whose_range_cannot_be_read_is_refused(tmp_path, name, value, recwarn):
    """Its digital numbers had been taken for physical ones."""
    write(tmp_path, "edf", "a", [("I", "mV", STEPS), ("II", "mV", STEPS)])
    whole = opened(tmp_path, "edf", "a", ":channels=I").read().values
    field(tmp_path / "a.edf", name, value, channel=1)
    ranges = {
        "physical minimum": "-2",
        "physical maximum": "2",
        "digital minimum": "-32768",
        "digital maximum": "32767",
    }
    said = ", ".join(f"{key} {text!r}" for key, text in (ranges | {name: value.decode()}).items())
    recwarn.clear()
    with pytest.raises(UserError) as error:
        opened(tmp_path, "edf", "a").read()
    assert str(error.value) == (
        f"{tmp_path}/a.edf: channel 'II' has the {said}; expected four numbers, no minimum that is its maximum. "
        "Correct the header, or leave the channel out (channels=)."
    )
    np.testing.assert_array_equal(opened(tmp_path, "edf", "a", ":channels=I").read().values, whole)
    assert not recwarn.list


def cut(folder, lost, records=None, kind="edf"):
    """An EDF file of ten data records of a second, of which so many bytes are lost."""
    write(folder, kind, "a", [("I", "mV", np.tile(STEPS, 10))])
    content = bytearray((folder / f"a.{kind}").read_bytes())
    content[236:244] = content[236:244] if records is None else records.ljust(8)
    (folder / f"a.{kind}").write_bytes(bytes(content[: len(content) - lost]))
    return opened(folder, kind, "a")


@pytest.mark.parametrize("kind", EDFS)
@pytest.mark.parametrize("lost", [1, 200, 350, 2000])
def test_an_edf_file_that_is_cut_short_is_refused(tmp_path, lost, kind, recwarn):
    with pytest.raises(UserError) as error:
        cut(tmp_path, lost, kind=kind).read()
    size = 512 + 1000 * EDFS[kind][2]
    assert str(error.value) == (
        f"{tmp_path}/a.{kind}: cut short: its header says 10 data records, {size:,} bytes, and it has {size - lost:,}. "
        "Copy it again."
    )
    assert not recwarn.list


@pytest.mark.parametrize(
    ("kind", "lost", "seconds"), [("edf", 0, 10), ("edf", 350, 8), ("bdf", 0, 10), ("bdf", 350, 8)]
)
def test_an_edf_file_that_was_never_closed_has_its_whole_data_records(tmp_path, kind, lost, seconds, recwarn):
    """Its header cannot say how many."""
    assert len(cut(tmp_path, lost, b"-1", kind).read().values) == 100 * seconds
    with pytest.raises(UserError, match=rf"a\.{kind}: cut short: it has no whole data record\. Copy it again"):
        cut(tmp_path, 900 * EDFS[kind][2] + 1, b"-1", kind).read()
    assert not recwarn.list


def test_what_edfio_warns_of_is_not_printed(tmp_path, recwarn):
    """A file that is longer than its header says has all its data records: a recorder that was not stopped wrote no
    number, and MNE reads such a file alike."""
    assert len(cut(tmp_path, 0, b"9").read().values) == 1000
    assert not recwarn.list


@pytest.mark.parametrize(
    ("kind", "other", "said"),
    [
        ("bdf", "edf", "a BDF file, of 24 bits a sample, though its name says EDF. Call it .bdf."),
        ("edf", "bdf", "an EDF file, of 16 bits a sample, though its name says BDF. Call it .edf."),
    ],
)
def test_a_bdf_file_that_is_called_edf_is_refused(tmp_path, kind, other, said):
    """Its samples of three bytes had been read as half as many again of two: noise."""
    write(tmp_path, kind, "a", [("I", "mV", STEPS)])
    (tmp_path / f"a.{kind}").rename(tmp_path / f"a.{other}")
    with pytest.raises(UserError) as error:
        opened(tmp_path, other, "a").read()
    assert str(error.value) == f"{tmp_path}/a.{other}: {said}"
    (tmp_path / "a.bdf").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"a\.bdf: not a readable BDF file \(it does not begin as one\)"):
        opened(tmp_path, "bdf", "a").read()


def test_a_bdf_file_has_all_its_bits(tmp_path):
    """Steps of 31.25 nV beside an offset of 0.2 V, as BioSemi stores an EEG; 16 bits of this are steps of 8 uV."""
    steps = np.array([0, 1, -1, 100] * 25)
    values = 200_000 + steps * 0.03125
    signal = edfio.BdfSignal(values, 100, label="Cz", physical_dimension="uV", physical_range=(-262144, 262144))
    edfio.Bdf([signal], data_record_duration=1).write(tmp_path / "a.bdf")
    (channel,) = opened(tmp_path, "bdf", "a").channels()
    assert (channel.name, channel.rate, channel.unit) == ("Cz", 100, "uV")
    np.testing.assert_allclose(np.diff(channel.values), np.diff(values), atol=0.02)
    np.testing.assert_allclose(channel.values, values, atol=0.05)


def test_an_edf_channel_without_samples_is_refused(tmp_path):
    """It had been said to have a rate of its own, and divided by."""
    write(tmp_path, "edf", "a", [("I", "mV", STEPS), ("Z", "mV", STEPS)])
    field(tmp_path / "a.edf", "samples", b"0", channel=1)
    (tmp_path / "a.edf").write_bytes((tmp_path / "a.edf").read_bytes()[:-200])
    for words in ("", ":rate=10", ":channels=Z"):
        with pytest.raises(UserError) as error:
            opened(tmp_path, "edf", "a", words).read()
        assert str(error.value) == f"{tmp_path}/a.edf: channel 'Z' has no samples. Leave it out (channels=)."
    np.testing.assert_allclose(opened(tmp_path, "edf", "a", ":channels=I").read().values[:, 0], STEPS, atol=1e-4)
    field(tmp_path / "a.edf", "samples", b"0")
    with pytest.raises(UserError, match=r"a\.edf: its header says 0 samples of every channel\. Correct the header\."):
        opened(tmp_path, "edf", "a").read()
    field(tmp_path / "a.edf", "samples", b"-1")
    with pytest.raises(UserError, match=r"a\.edf: not a readable EDF file \(channel 'I' has less than 0 samples"):
        opened(tmp_path, "edf", "a").read()


@pytest.mark.parametrize("duration", ["0", "-1", "nan", "x"])
def test_an_edf_file_whose_data_records_last_no_time_is_refused(tmp_path, duration):
    write(tmp_path, "edf", "a", [("I", "mV", STEPS)])
    content = (tmp_path / "a.edf").read_bytes()
    (tmp_path / "a.edf").write_bytes(content[:244] + duration.ljust(8).encode() + content[252:])
    with pytest.raises(UserError) as error:
        opened(tmp_path, "edf", "a").read()
    assert str(error.value) == (
        f"{tmp_path}/a.edf: its data records last {duration!r} s, and rates follow from a time above 0. Correct the "
        "header."
    )


def test_an_edf_header_that_is_cut_short_is_named(tmp_path):
    cut(tmp_path, 2512 - 400)
    with pytest.raises(UserError, match=r"a\.edf: not a readable EDF file \(its header is cut short\)"):
        opened(tmp_path, "edf", "a").read()


def clinic(folder, kind, *records):
    """A table of a record a row, each of channels as in `write`."""
    ids = "abc"[: len(records)]
    for name, channels in zip(ids, records, strict=True):
        write(folder, kind, name, channels)
    pd.DataFrame({"id": [*ids], "ill": [k % 2 for k in range(len(ids))], "note": "x"}).to_csv(
        folder / "t.csv", index=False
    )
    return own_table("t", "t.csv", labels=["ill"], text=["note"], signal=[f"x={{id}}.{kind}"], id="id")


def decoded(dataset, folder):
    table = dataset.read(folder)
    (folder / "decoded").mkdir()
    kind = table.kind("x")
    kind.encode(table.modalities["x"].values, table.ids, None, folder / "decoded", 1)
    return kind.open(folder / "decoded")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [("mV", "uV"), ("uV", "mV"), ("uV", "uV")])
def test_a_data_set_of_several_units_of_voltage_is_one(tmp_path, kind, order):
    content = decoded(clinic(tmp_path, kind, *([("I", unit, STEPS * VOLTAGES[unit])] for unit in order)), tmp_path)
    np.testing.assert_allclose(content.series(0)[:, 0], STEPS, atol=1e-4)
    np.testing.assert_allclose(content.series(1)[:, 0], STEPS, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_other_units_that_differ_are_refused_with_both_files(tmp_path, kind):
    stays = clinic(tmp_path, kind, [("ABP", "mmHg", STEPS)], [("ABP", "kPa", STEPS)])
    with pytest.raises(UserError) as error:
        decoded(stays, tmp_path)
    assert str(error.value) == (
        f"sample 'b' ({tmp_path}/b.{kind}): its signal has the channel 'ABP' in 'kPa', and 'mmHg' in sample 'a' "
        f"({tmp_path}/a.{kind}). Bring all to one unit, correct what the files say, or leave the channel out."
    )


def test_units_that_differ_in_case_alone_or_blanks_are_one(tmp_path):
    content = decoded(clinic(tmp_path, "edf", [("ABP", "mmHg", STEPS)], [("ABP", "mm HG", STEPS)]), tmp_path)
    np.testing.assert_allclose(content.series(1)[:, 0], STEPS, atol=1e-4)


def test_a_unit_that_one_file_says_and_another_does_not_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"has the channel 'I' in no unit, and 'mV' in sample 'a'"):
        decoded(clinic(tmp_path, "edf", [("I", "mV", STEPS)], [("I", "", STEPS)]), tmp_path)


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ([("I", "uV"), ("II", "mV")], "2 channels (I, II) in mV, 100 Hz"),
        ([("I", "uV"), ("ABP", "mmHg"), ("X", "")], "3 channels (I in mV, ABP in mmHg, X without a unit), 100 Hz"),
        ([("I", "")], "1 channel (I), 100 Hz"),
    ],
)
def test_units_are_said(tmp_path, channels, said):
    stays = clinic(tmp_path, "edf", [(name, unit, STEPS) for name, unit in channels])
    columns = Columns(labels=("ill",), text=("note",), signal=("x={id}.edf",), id="id")
    assert signal_notes(columns, stays.read(tmp_path)) == [
        f"signal 'x': 1 of 1 rows have one; the first: {said}, 1 s, 0 % of it gaps"
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_new_records_are_brought_to_the_units_of_training_or_refused(tmp_path, kind):
    dataset = clinic(tmp_path, kind, *[[("I", "uV", STEPS * 1000), ("ABP", "mmHg", STEPS)]] * 2)
    trained = dataset.read(tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    for name, unit in (("m", "mmHg"), ("n", "kPa")):
        write(new, kind, name, [("I", "mV", STEPS), ("ABP", unit, STEPS)])
    (new / "new.csv").write_text("id,note\nm,x\nn,x\n")
    (part,) = new_records(trained, new / "new.csv", Views(), made=dataset.made, id="id")
    good, odd = part.table.modalities["x"].values
    np.testing.assert_allclose(good.read().values, np.stack([STEPS, STEPS], 1), atol=1e-4)
    with pytest.raises(UserError) as error:
        odd.read()
    assert str(error.value) == (
        f"{new}/n.{kind}: channel 'ABP' is in 'kPa', and was in 'mmHg' in training. Bring it to that unit, or correct "
        "what the file says."
    )
    # What was decoded for nets that know other units says nothing here.
    assert repr(("mV", "mmHg")) in good.details()


def test_only_what_was_always_in_millivolts_keeps_its_fingerprint(tmp_path):
    """What was decoded of others before is not believed."""
    write(tmp_path, "hea", "a", [("I", "mV", STEPS)])
    write(tmp_path, "hea", "b", [("I", "mV", STEPS), ("II", "uV", STEPS)])
    values = [json.dumps(opened(tmp_path, "hea", name).details()) for name in "ab"]
    assert [" wfdb 2 " in text for text in values] == [False, True]
    cases = [((1, 1), (0, 0)), ((1, 1), (3, 0)), ((2, 2), (0, 0)), ((2, 2), (0, 3)), ((2, 1), (0, 3)), ((2, 1), (3, 0))]
    details = []
    for frames, skews in cases:
        values = [WHOLE, WHOLE[: 200 * frames[1] // frames[0]]]
        details.append(stored(tmp_path, "c", "16", values, frames, skews).details())
    assert [" skewed frames " in text for text in details] == [False, False, False, True, False, True]
    write(tmp_path, "edf", "a", [("I", "mV", STEPS)])
    assert opened(tmp_path, "edf", "a").details() == " edf 2 "
    assert opened(tmp_path, "bdf", "a").details() == " bdf 2 "

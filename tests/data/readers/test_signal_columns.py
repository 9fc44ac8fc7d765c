"""Signals of a table of one's own: files of a sample each, and one table of all."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from mora_bench.data.modalities.series import Series
from mora_bench.data.readers import own, signal_columns
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import own_table, signal_notes
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.readers.signal_entry import TABLES, SignalEntry
from mora_bench.data.readers.signal_files import ArrayFile, resampled
from mora_bench.data.readers.signal_sounds import FlacFile, WavFile
from mora_bench.data.readers.watched import watched
from mora_bench.data.table import Column
from mora_bench.errors import UserError

NAN = np.nan
#: A signal that was trained on.
SAVED = Series(np.zeros((1000, 2), np.float32), 500.0, ("I", "II"), ("mV", "mV"))
IDS = ("a", "b", "c")


@pytest.fixture
def clinic(tmp_path):
    """Three stays."""
    pd.DataFrame({"id": IDS, "ill": [0, 1, 0], "note": ["x", "y", "z"], "intime": ["2150-01-01 10:00:00"] * 3}).to_csv(
        tmp_path / "stays.csv", index=False
    )
    return tmp_path


def read(clinic, entry, **more):
    options = {"labels": ["ill"], "text": ["note"], "signal": [entry], "id": "id"}
    (name,) = [signal.name for signal in Columns(**options).signals]
    return own_table("stays", "stays.csv", **(options | more)).read(clinic).modalities[name].values


def write(clinic, name, **columns):
    pd.DataFrame(columns).to_csv(clinic / name, index=False)


def test_one_table_of_all_with_a_row_a_step(clinic):
    write(
        clinic,
        "charts.csv",
        id=["b", "a", "a", "a", "z"],
        hour=[2, 0, 0.5, 3, 0],
        hr=[60, 70, 90, "", 1],
        bp=["", 1, 2, 3, 1],
    )
    first, second, third = read(clinic, "vitals=charts.csv:key=id;time=hour;unit=h;step=1")
    assert first.channels == second.channels == ("hr", "bp")
    assert first.rate == pytest.approx(1 / 3600)
    # Two rows fall into the first hour of a, none into the next two, and nothing of hr into the last.
    np.testing.assert_array_equal(first.values, [[80, 1.5], [NAN, NAN], [NAN, NAN], [NAN, 3]])
    np.testing.assert_array_equal(second.values, [[NAN, NAN], [NAN, NAN], [60, NAN]])
    assert third is None


def test_one_table_of_all_with_a_row_a_measurement(clinic):
    write(
        clinic,
        "charts.csv",
        id=["a", "a", "b", "b"],
        t=["0:30", "1:10", "0:00", "5:00"],
        item=["hr", "bp", "hr", "o2"],
        v=[70, 1, 60, 99],
    )
    entry = "vitals=charts.csv:key=id;time=t;step=1;unit=h;channel=item;value=v"
    first, second, third = read(clinic, entry)
    assert first.channels == ("bp", "hr", "o2")
    np.testing.assert_array_equal(first.values, [[NAN, 70, NAN], [1, NAN, NAN]])
    assert len(second.values) == 6
    chosen = read(clinic, f"{entry};channels=hr,bp;until=4")[1]
    assert chosen.channels == ("hr", "bp")
    np.testing.assert_array_equal(chosen.values, [[60, NAN]])
    assert third is None


def test_dates_count_from_a_column_of_the_main_table(clinic):
    write(
        clinic,
        "charts.csv",
        id=["a", "a", "a"],
        at=["2150-01-01 09:59:00", "2150-01-01 10:00", "2150-01-01T12:30:00"],
        hr=[1, 2, 3],
    )
    entry = "vitals=charts.csv:key=id;time=at;step=1;unit=h"
    first = read(clinic, f"{entry};since=intime")[0]
    # What was before is left out.
    np.testing.assert_array_equal(first.values[:, 0], [2, NAN, 3])
    with pytest.raises(UserError, match=r"column 'at' holds no time in row 2: .* Say since=COLUMN of your table"):
        read(clinic, entry)


def test_a_beginning_that_is_no_time_is_named_where_it_stands(clinic):
    """It is a cell of the main table, not of the one with the measurements; without one a sample has no signal."""
    write(clinic, "charts.csv", id=["a", "b", "c"], at=["2150-01-01 11:00", "2150-01-01 12:00", "5"], hr=[1, 2, 3])
    stays = pd.read_csv(clinic / "stays.csv", dtype=str)
    entry = "vitals=charts.csv:key=id;time=at;step=1;unit=h;since=intime"
    stays["intime"] = ["2150-01-01 10:00", "", "4"]
    stays.to_csv(clinic / "stays.csv", index=False)
    first, second, third = read(clinic, entry)
    np.testing.assert_array_equal(first.values[:, 0], [NAN, 1])
    assert second is None
    np.testing.assert_array_equal(third.values[:, 0], [NAN, 3])
    stays["intime"] = ["2150-01-01 10:00", "", "at night"]
    stays.to_csv(clinic / "stays.csv", index=False)
    with pytest.raises(UserError, match=r"stays\.csv, column 'intime' holds no time in row 4: 'at night'\. Correct"):
        read(clinic, entry)


BY_THE_HOUR = "vitals=charts.csv:key=id;time=at;step=1;unit=h;since=intime"


def begins(clinic, *cells):
    pd.DataFrame({"id": IDS, "ill": [0, 1, 0], "note": ["x", "y", "z"], "intime": cells}).to_csv(
        clinic / "stays.csv", index=False
    )


@pytest.mark.parametrize(
    ("intime", "times"),
    [
        # The night in which summer time ends: half past two comes twice.
        ("2020-10-25T01:30:00+02:00", ["2020-10-25T02:30:00+02:00", "2020-10-25T02:30:00+01:00"]),
        ("2020-10-24T23:30Z", ["2020-10-25 02:30:00+0200", "2020-10-24T20:30:00-0500"]),
        ("2020-10-25 00:30:00.5+01", ["2020-10-25T00:30:00.5Z", "2020-10-25T01:30:00.75Z"]),
        # Beyond what 64 bits of nanoseconds hold.
        ("2300-01-01 10:00", ["2300-01-01 11:00", "2300-01-01T12:00"]),
    ],
)
def test_dates_with_time_zones_are_instants(clinic, intime, times):
    begins(clinic, intime, intime, intime)
    write(clinic, "charts.csv", id=["a", "a"], at=times, hr=[1, 2])
    np.testing.assert_array_equal(read(clinic, BY_THE_HOUR)[0].values[:, 0], [NAN, 1, 2])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", None])
def test_a_parquet_column_keeps_its_time_zone(clinic, zone):
    """Over a change of its offset, too."""
    at = pd.to_datetime(["2020-10-24T23:30Z", "2020-10-25T00:30Z", "2020-10-25T01:30Z"]).tz_convert(zone)
    begins(clinic, *[str(at[0])] * 3)
    pd.DataFrame({"id": ["a"] * 3, "at": at, "hr": [1, 2, 3]}).to_parquet(clinic / "charts.parquet")
    first = read(clinic, BY_THE_HOUR.replace("csv", "parquet"))[0]
    np.testing.assert_array_equal(first.values[:, 0], [1, 2, 3])


def test_a_column_of_dates_of_which_some_have_a_time_zone_is_refused(clinic):
    times = ["2020-07-28 10:00", "2020-07-28T10:00:00+02:00", "2020-07-28T11:00:00Z", "2020-07-28", "7:30"]
    write(clinic, "charts.csv", id=["a"] * 5, at=times, hr=range(5))
    begins(clinic, *["2020-07-28T09:00:00+02:00"] * 3)
    message = (
        f"{clinic}/charts.csv, column 'at' holds dates with a time zone (row 3: '2020-07-28T10:00:00+02:00'), and "
        "dates without one in row 2: '2020-07-28 10:00'; row 5: '2020-07-28'. Write all of them with a time "
        "zone, or all without."
    )
    with pytest.raises(UserError) as error:
        read(clinic, BY_THE_HOUR)
    assert str(error.value) == message
    begins(clinic, "2020-07-28T09:00:00+02:00", "", "2020-07-28T09:00:00")
    with pytest.raises(
        UserError, match=r"stays\.csv, column 'intime' holds dates with .* in row 4: '2020-07-28T09:00:00'"
    ):
        read(clinic, BY_THE_HOUR)


def test_a_time_zone_in_one_of_two_columns_is_refused(clinic):
    """It would shift all times, and drop the first measurement."""
    begins(clinic, *["2020-07-28T09:00:00"] * 3)
    write(clinic, "charts.csv", id=["a", "b"], at=["2020-07-28T10:00:00+02:00"] * 2, hr=[1, 2])
    with pytest.raises(UserError) as error:
        read(clinic, BY_THE_HOUR)
    assert str(error.value) == (
        f"{clinic}/charts.csv, column 'at' holds dates with a time zone (row 2: '2020-07-28T10:00:00+02:00'), and "
        f"{clinic}/stays.csv, column 'intime', from which they count, dates without one (row 2: "
        "'2020-07-28T09:00:00'). Write both columns with a time zone, or both without."
    )
    begins(clinic, "", "2020-07-28T09:00:00Z", "")
    write(clinic, "charts.csv", id=["a", "b"], at=["2020-07-28 10:00"] * 2, hr=[1, 2])
    message = (
        r"column 'at' holds dates without a time zone \(row 2: '2020-07-28 10:00'\), and .*column 'intime', from which "
        r"they count, dates with one \(row 3: '2020-07-28T09:00:00Z'\)"
    )
    with pytest.raises(UserError, match=message):
        read(clinic, BY_THE_HOUR)


@pytest.mark.parametrize("begin", ["20200728100000", "202007281000", "2020072810", "2020-07-28T10:00"])
@pytest.mark.parametrize(
    "times",
    [
        ["20200728103000", "20200728113000", "20200728140000"],
        ["20200728103000.0", "20200728113000.250", "20200728140000"],
        ["202007281030", "202007281130", "202007281400"],
        ["202007281030.0", "2020-07-28 11:30", "2020072814.0"],
    ],
)
def test_dates_as_hospitals_write_them_are_no_numbers(clinic, begin, times):
    """HL7's digits; 10:30 had been 3,000 s after 10:00, and 70,000,000 s a day."""
    begins(clinic, *[begin] * 3)
    write(clinic, "charts.csv", id=["a"] * 3, at=times, hr=[1, 2, 3])
    first = read(clinic, BY_THE_HOUR)[0]
    np.testing.assert_array_equal(first.values[:, 0], [1, 2, NAN, NAN, 3])


def test_days_as_hospitals_write_them_are_no_numbers(clinic):
    begins(clinic, *["20200730"] * 3)
    write(clinic, "charts.csv", id=["a"] * 2, at=["20200730", "20200801"], hr=[1, 2])
    first = read(clinic, BY_THE_HOUR.replace("unit=h", "unit=d"))[0]
    np.testing.assert_array_equal(first.values[:, 0], [1, NAN, 2])


@pytest.mark.parametrize("begin", ["2020-07-28 08:00:00", "202007280800"])
@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y%m%d"])
def test_dates_without_a_time_do_not_count_from_dates_with_one(clinic, begin, form):
    """Each sample had lost its first day."""
    entry = BY_THE_HOUR.replace("unit=h", "unit=d")
    days = pd.to_datetime(["2020-07-28", "2020-07-29", "2020-07-30"]).strftime(form)
    write(clinic, "charts.csv", id=["a"] * 3, at=days, hr=[11, 22, 33])
    begins(clinic, "", begin, begin)
    with pytest.raises(UserError) as error:
        read(clinic, entry)
    assert str(error.value) == (
        f"{clinic}/charts.csv, column 'at' holds dates without a time of day (row 2: '{days[0]}'), and "
        f"{clinic}/stays.csv, column 'intime', from which they count, dates with one (row 3: '{begin}'), so nobody "
        "knows which of the first day are before it. Name a column of dates with times in time=, or one of dates "
        "without in since=."
    )
    # Of midnight, and of another date without a time, nothing is lost.
    for midnight in ("2020-07-28 00:00:00", "20200728"):
        begins(clinic, midnight, "", "")
        np.testing.assert_array_equal(read(clinic, entry)[0].values[:, 0], [11, 22, 33])


def test_a_few_dates_without_a_time_among_others_are_midnight(clinic):
    """R writes midnight so."""
    begins(clinic, *["2020-07-28 22:00"] * 3)
    write(clinic, "charts.csv", id=["a"] * 3, at=["2020-07-28 23:00", "2020-07-29", "2020-07-29 01:00"], hr=[1, 2, 3])
    np.testing.assert_array_equal(read(clinic, BY_THE_HOUR)[0].values[:, 0], [NAN, 1, 2, 3])


def test_dates_that_are_not_whole_or_of_other_forms_are_refused_with_what_to_write(clinic):
    begins(clinic, *["2020-02-01"] * 3)
    write(clinic, "charts.csv", id=["a"] * 3, at=["2020-02", "2020-02-15", "2020/03"], hr=[1, 2, 3])
    message = "holds dates without a day in row 2: '2020-02'; row 4: '2020/03'. Write the day, or leave these rows out."
    with pytest.raises(UserError) as error:
        read(clinic, BY_THE_HOUR)
    assert str(error.value) == f"{clinic}/charts.csv, column 'at' {message}"
    write(clinic, "charts.csv", id=["a"], at=["02/01/2020 09:00"], hr=[1])
    message = "dates are read as 2020-07-28 10:00 (ISO 8601) or 202007281000 (HL7)."
    with pytest.raises(UserError) as error:
        read(clinic, BY_THE_HOUR)
    assert str(error.value).endswith(f"holds no time in row 2: '02/01/2020 09:00'. Correct the table: {message}")


def test_hospitals_dates_may_have_time_zones(clinic):
    begins(clinic, *["20201025013000+0200"] * 3)
    write(clinic, "charts.csv", id=["a"] * 2, at=["20201025023000+0200", "20201025023000+0100"], hr=[1, 2])
    np.testing.assert_array_equal(read(clinic, BY_THE_HOUR)[0].values[:, 0], [NAN, 1, 2])
    begins(clinic, *["20201025013000"] * 3)
    with pytest.raises(UserError, match=r"holds dates with a time zone \(row 2: '20201025023000\+0200'\), and"):
        read(clinic, BY_THE_HOUR)


def test_numbers_of_which_a_few_could_be_dates_are_numbers(clinic):
    begins(clinic, "20200000", "20200000", "20200000")
    write(clinic, "charts.csv", id=["a"] * 3, at=["20200000", "20200101", "20200199"], hr=[1, 2, 3])
    values = read(clinic, BY_THE_HOUR.replace("unit=h", "unit=s").replace("step=1", "step=100"))[0].values[:, 0]
    np.testing.assert_array_equal(values, [1, 2.5])


@pytest.mark.parametrize("time", ["20200231", "20200728250000", "2020072810300", "18991231"])
def test_what_is_no_date_among_hospitals_dates_is_named(clinic, time):
    begins(clinic, *["20200728"] * 3)
    write(clinic, "charts.csv", id=["a"] * 4, at=["20200728", "20200729", "20200730", time], hr=[1, 2, 3, 4])
    message = r"charts\.csv, column 'at' holds (no time in |plain numbers or clock times \()row 5: "
    with pytest.raises(UserError, match=f"{message}'{time}'"):
        read(clinic, BY_THE_HOUR)


@pytest.mark.parametrize(
    ("begin", "time", "kinds"),
    [
        ("2020-07-28", "44040.5", ("plain numbers or clock times", "dates")),
        ("2020-07-28", "10:30", ("plain numbers or clock times", "dates")),
        ("44040.5", "20200728103000", ("dates", "plain numbers or clock times")),
    ],
)
def test_numbers_do_not_count_from_dates_nor_dates_from_numbers(clinic, begin, time, kinds):
    """The series had been silently absent."""
    begins(clinic, "", begin, begin)
    write(clinic, "charts.csv", id=["a", "b", "b"], at=[time] * 3, hr=[1, 2, 3])
    message = (
        f"column 'at' holds {kinds[0]} (row {{}}: '{time}'), and {clinic}/stays.csv, column 'intime', from which they "
        f"count, {kinds[1]} (row 3: '{begin}'). Write both as dates, or both as numbers that count from one time."
    )
    with pytest.raises(UserError) as error:
        read(clinic, BY_THE_HOUR)
    assert str(error.value) == f"{clinic}/charts.csv, " + message.format("3: '{0}'; row 4").replace("{0}", time)
    for id in IDS:
        write(clinic, f"of_{id}.csv", at=[time], hr=[1])
    with pytest.raises(UserError) as error:
        read(clinic, f"{A_FILE_A_STAY};since=intime")
    assert str(error.value) == f"{clinic}/of_b.csv, " + message.format(2)


@pytest.mark.parametrize(("separator", "begin"), [(";", "2,5"), ("|", "2.5"), ("\t", "2,5")])
def test_decimal_commas_are_points_where_no_comma_separates_fields(clinic, separator, begin):
    frame = pd.DataFrame({"id": ["a", "a"], "at": ["2,5", "4.5"], "hr": ["70,5", "7.25"], "bp": ["-1,5", ""]})
    frame.to_csv(clinic / "charts.csv", index=False, sep=separator)
    pd.DataFrame({"id": IDS, "ill": [0, 1, 0], "note": ["x", "y", "z"], "intime": [begin] * 3}).to_csv(
        clinic / "stays.csv", index=False, sep=separator
    )
    np.testing.assert_array_equal(read(clinic, BY_THE_HOUR)[0].values, [[70.5, -1.5], [NAN, NAN], [7.25, NAN]])
    long = frame.melt(["id", "at"], ["hr", "bp"])
    long.to_csv(clinic / "charts.csv", index=False, sep=separator)
    first = read(clinic, f"{BY_THE_HOUR};channel=variable;value=value;channels=hr,bp")[0]
    np.testing.assert_array_equal(first.values, [[70.5, -1.5], [NAN, NAN], [7.25, NAN]])


@pytest.mark.parametrize("cell", ["1,2,3", "1,", "1.2,3", "a,5"])
def test_other_commas_are_in_no_number(clinic, cell):
    pd.DataFrame({"id": ["a"], "at": [1], "hr": [cell]}).to_csv(clinic / "charts.csv", index=False, sep=";")
    with pytest.raises(UserError, match=f"column 'hr' is no finite number in row 2: '{cell}'"):
        read(clinic, "v=charts.csv:key=id;time=at;step=1")
    write(clinic, "charts.csv", id=["a"], at=[1], hr=["7,5"])
    with pytest.raises(UserError, match="column 'hr' is no finite number in row 2: '7,5'"):
        read(clinic, "v=charts.csv:key=id;time=at;step=1")


def test_clock_times_over_midnight_are_refused(clinic):
    """Four hours had been two: what was after midnight was taken for before the beginning."""
    begins(clinic, *["22:00"] * 3)
    times = [f"{(22 + half // 2) % 24}:{30 * (half % 2):02}" for half in range(8)]
    write(clinic, "charts.csv", id=["b"] * 8, at=times, hr=range(8))
    message = (
        f"column 'at' holds clock times (row 6: '0:00'; row 7: '0:30'; row 8: '1:00'; row 9: '1:30') that are before "
        f"the one from which they count, {clinic}/stays.csv, column 'intime' (row {{}}: '22:00'), so nobody knows "
        "whether they are of the day after. Write dates in both, or times that count on over midnight (24:10)."
    )
    with pytest.raises(UserError) as error:
        read(clinic, BY_THE_HOUR)
    assert str(error.value) == f"{clinic}/charts.csv, {message.format(3)}"
    for id in IDS:
        write(clinic, f"of_{id}.csv", at=times, hr=range(8))
    with pytest.raises(UserError) as error:
        read(clinic, f"{A_FILE_A_STAY};since=intime")
    assert str(error.value) == f"{clinic}/of_a.csv, {message.format(2)}"
    # Those that count on over midnight say what they mean.
    later = [f"{22 + half // 2}:{30 * (half % 2):02}" for half in range(8)]
    write(clinic, "charts.csv", id=["b"] * 9, at=[*later, "21:30"], hr=[*range(8), 9])
    np.testing.assert_array_equal(read(clinic, BY_THE_HOUR)[1].values[:, 0], [0.5, 2.5, 4.5, 6.5])


def test_clock_times_after_a_clock_time_count_from_it(clinic):
    begins(clinic, "8:15", "", "9")
    write(clinic, "charts.csv", id=[*"aabc"], at=["8:15", "10:15", "7:00", "8:30"], hr=[1, 2, 3, 4])
    first, second, third = read(clinic, BY_THE_HOUR)
    np.testing.assert_array_equal(first.values[:, 0], [1, NAN, 2])
    # Before a number of hours there is a time, as before a date.
    assert (second, third) == (None, None)


A_FILE_A_STAY = "vitals=of_{id}.csv:time=at;step=1;unit=h"


def test_dates_in_a_file_a_sample_count_from_its_row_of_the_main_table(clinic):
    begins(clinic, "2150-01-01 10:00", "2150-03-01 23:00", "")
    for id, day in zip(IDS, ("2150-01-01", "2150-03-02", "2150-04-01"), strict=True):
        write(clinic, f"of_{id}.csv", at=[f"{day} 00:30", f"{day} 12:00"], hr=[1, 2])
    with pytest.raises(UserError, match=r"of_a\.csv, column 'at' holds no time in row 2: .* Say since=COLUMN of your"):
        read(clinic, A_FILE_A_STAY)
    first, second, third = read(clinic, f"{A_FILE_A_STAY};since=intime")
    np.testing.assert_array_equal(first.values[:, 0], [NAN, NAN, 2])
    np.testing.assert_array_equal(second.values[:, 0], [NAN, 1, *[NAN] * 11, 2])
    # Nobody knows when its stay began.
    assert third is None
    stays = own_table("stays", "stays.csv", labels=["ill"], signal=[f"{A_FILE_A_STAY};since=intime"], id="id")
    new = clinic / "new.csv"
    new.write_text("id,intime\nb,2150-03-02 11:00\n")
    (part,) = new_records(stays.read(clinic), new, Views(), made=stays.made, id="id")
    np.testing.assert_array_equal(part.table.modalities["vitals"].values[0].values, [[NAN], [2]])
    measured = {"at": ["2150-03-02 00:30"] * 2, "item": ["hr", "bp"], "v": [1, 2]}
    for id in IDS:
        write(clinic, f"of_{id}.csv", **measured)
    entry = f"{A_FILE_A_STAY};channel=item;value=v;channels=bp,hr;since=intime;until=24"
    first, second, third = read(clinic, entry)
    assert (first, third) == (None, None)
    assert second.channels == ("bp", "hr")
    np.testing.assert_array_equal(second.values, [[NAN, NAN], [2, 1]])


def test_beginnings_that_do_not_fit_a_file_a_sample_are_named(clinic):
    for id in IDS:
        write(clinic, f"of_{id}.csv", at=["2150-01-01T12:00Z"], hr=[1])
    with pytest.raises(UserError) as error:
        read(clinic, f"{A_FILE_A_STAY};since=intime")
    assert str(error.value) == (
        f"{clinic}/of_a.csv, column 'at' holds dates with a time zone (row 2: '2150-01-01T12:00Z'), and "
        f"{clinic}/stays.csv, column 'intime', from which they count, dates without one (row 2: "
        "'2150-01-01 10:00:00'). Write both columns with a time zone, or both without."
    )
    begins(clinic, *["2151-01-01T10:00Z"] * 3)
    with pytest.raises(UserError) as error:
        read(clinic, f"{A_FILE_A_STAY};since=intime")
    assert str(error.value) == (
        f"{clinic}/stays.csv, column 'intime': no file of_{{id}}.csv has a measurement within the time that is read "
        "from there on. Compare its times with theirs, and the unit of time."
    )


def test_a_table_a_sample_has_no_signal_where_it_has_no_measurement(clinic):
    write(clinic, "a.psv", **{"hr|bp": ["70|1", "|"]})
    write(clinic, "b.psv", **{"hr|bp": ["|", "|"]})
    (clinic / "c.psv").write_text("hr|bp\n")
    first, second, third = read(clinic, "vitals={id}.psv:rate=1")
    np.testing.assert_array_equal(first.values, [[70, 1], [NAN, NAN]])
    assert second is None
    assert third is None


def test_steps_are_not_moved_by_rounding(clinic):
    write(clinic, "charts.csv", id=["a"] * 10, t=[k / 10 for k in range(10)], v=range(10))
    first = read(clinic, "x=charts.csv:key=id;time=t;step=0.1")[0]
    assert first.values[:, 0].tolist() == list(range(10))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("vitals", "expected NAME=FILE with columns in braces"),
        ("vitals=charts.csv", "expected NAME=FILE with columns in braces"),
        ("v=charts.csv:key=id;when=t", "'when=t' is not one of key=, channels="),
        ("v=charts.csv:key=id;step=1", "time= and step= go together"),
        ("v=charts.csv:key=id", "a table needs time= and step=, or rate= in Hz"),
        ("v=charts.csv:key=id;time=t;step=0", "step=0 is no number above 0"),
        ("v=charts.csv:key=id;time=t;step=1;unit=y", "unit=y; expected s, min, h, d"),
        ("v={id}.csv:key=id;rate=1", "key= is for one table of all samples"),
        ("v={id}.csv:time=t;step=1;channel=item;value=x", "say which channels= there are"),
        ("v={id}.npy", "an array does not say its rate"),
        ("v={id}.wav:time=t;step=1", "are for tables, and this file is none"),
        ("v={id}.npy:rate=1;axes=NT", "axes=NT; expected TC or CT"),
        ("v={id}.csv:rate=1;axes=CT", "axes= is for arrays, and this file is none"),
        ("v={id}.csv:rate=1;since=intime", "since= says from when times count; give time= and step= too"),
        ("v=charts.csv:key=id;rate=1;since=intime", "since= says from when times count; give time= and step= too"),
        ("v={id}.csv:rate=1;channels=a,,b", "expected names with commas"),
    ],
)
def test_words_that_do_not_go_together_are_refused_before_anything_is_read(clinic, entry, message):
    with pytest.raises(UserError, match=message):
        own_table("stays", "stays.csv", labels=["ill"], signal=[entry])


def test_a_colon_in_braces_is_part_of_a_path():
    entry = SignalEntry.of("ecg=files/p{id:.2}/{id}.hea:rate=100;channels=I,II")
    assert (entry.path, entry.rate, entry.channels) == ("files/p{id:.2}/{id}.hea", 100, ("I", "II"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"id": ["a"], "t": [1], "v": ["high"]}, "column 'v' is no finite number in row 2: 'high'"),
        ({"id": ["a"], "t": ["soon"], "v": [1]}, "column 't' holds no time in row 2: 'soon'"),
        (
            {"id": ["z"], "t": [1], "v": [1]},
            "csv, such as 'a'; there it is 'z'. Write them alike, or name another key.",
        ),
        ({"id": ["z", "a"], "t": [1, -1], "v": [1, 1]}, "column 'id': none of its rows is of a sample of stays.csv"),
        ({"id": ["a"], "t": [1e9], "v": [1]}, "a series of 1,000,000,001 steps of 1 s; .* Is unit= right"),
    ],
)
def test_what_cannot_be_read_of_a_table_is_named(clinic, rows, message):
    write(clinic, "charts.csv", **rows)
    with pytest.raises(UserError, match=message):
        read(clinic, "v=charts.csv:key=id;time=t;step=1")


def test_times_beyond_whole_numbers_are_as_others(clinic, recwarn):
    """NumPy had warned on stderr, and the series was absent."""
    write(clinic, "charts.csv", id=["a", "a", "a", "b"], t=["-1e22", 0, "1e22", "-1e300"], v=[1, 2, 3, 4])
    entry = "v=charts.csv:key=id;time=t;step=1"
    first, second, _ = read(clinic, f"{entry};until=5")
    np.testing.assert_array_equal(first.values, [[2]])
    assert second is None
    with pytest.raises(UserError, match=r"a series of 10,000,000,000,000,000,000,001 steps of 1 s; .* Is unit= right"):
        read(clinic, entry)
    assert not recwarn.list


def test_a_channel_that_no_row_is_of_is_refused_with_those_that_there_are(clinic):
    write(clinic, "charts.csv", id=["a", "b", "c"], t=[0, 0, 0], item=["hr", " bp", ""], v=[70, 1, 2])
    with pytest.raises(UserError) as error:
        read(clinic, "v=charts.csv:key=id;time=t;step=1;channel=item;value=v;channels=hr,Foo")
    assert str(error.value) == (
        f"{clinic}/charts.csv, column 'item': no row is of channel 'Foo'; there are bp, hr. Correct channels=."
    )
    write(clinic, "steps.csv", id=["a"], t=[0], hr=[70])
    with pytest.raises(UserError, match=r"steps\.csv: no column 'Foo'\. Found: id, t, hr\."):
        read(clinic, "v=steps.csv:key=id;time=t;step=1;channels=hr,Foo")


@pytest.mark.parametrize(("first", "other"), [("Temp", "temp"), ("Heart Rate", "HeartRate"), ("aVR", "AVR")])
def test_channels_that_differ_in_case_or_blanks_alone_are_named(clinic, first, other):
    """They are two, each half of gaps."""
    write(clinic, "charts.csv", id=["a"] * 2, t=[0, 1], item=[other, first], v=[36, 37])
    entry = "v=charts.csv:key=id;time=t;step=1;channel=item;value=v"
    columns = {"labels": ("ill",), "text": ("note",), "id": "id"}

    def notes(entry):
        asked = Columns(**columns, signal=(entry,))
        return signal_notes(asked, own.read("stays", clinic / "stays.csv", asked))

    differ = "differ in case or blanks alone. Write them alike if they are one."
    warning = "WARNING: signal 'v': its channels '{}' and '{}' " + differ
    assert notes(entry)[1:] == [warning.format(*sorted([first, other]))]
    assert notes(f"{entry};channels={other},{first}")[1:] == [warning.format(other, first)]
    # Of a table with a row a step, too.
    write(clinic, "steps.csv", id=["a"], t=[0], **{first: [36], other: [37], "hr": [70]})
    assert notes("v=steps.csv:key=id;time=t;step=1")[1:] == [warning.format(first, other)]
    message = (
        f"{clinic}/charts.csv, column 'item': '{other}' differs from the channel '{first}' in case or blanks alone, "
        "and its rows would be left out. Write them alike if they are one, or say both in channels=."
    )
    with pytest.raises(UserError) as error:
        read(clinic, f"{entry};channels={first}")
    assert str(error.value) == message
    write(clinic, "charts.csv", id=["a"] * 2, t=[0, 1], item=[first, "hr"], v=[36, 37])
    assert len(notes(entry)) == 1


def test_new_records_that_spell_a_channel_otherwise_are_refused(clinic):
    """They would lack what they have."""
    write(clinic, "charts.csv", id=["a", "b"], t=[0, 1], item=["Temp", "Temp"], v=[36, 37])
    entry = "v=charts.csv:key=id;time=t;step=1;channel=item;value=v"
    stays = own_table("stays", "stays.csv", labels=["ill"], text=["note"], signal=[entry], id="id")
    trained = stays.read(clinic)
    write(clinic, "charts.csv", id=["a", "b"], t=[0, 1], item=["temp", "Temp"], v=[36, 37])
    with pytest.raises(UserError, match="'temp' differs from the channel 'Temp' in case or blanks alone"):
        list(new_records(trained, clinic / "stays.csv", Views(), made=stays.made, id="id"))


def sounds(clinic, **channels):
    """A new record a name, whose sound has as many channels and the rate as said."""
    for name, (count, rate) in channels.items():
        wavfile.write(clinic / f"{name}.wav", rate, np.tile([[100], [200]], (rate // 2, count)).astype(np.int16))
    rows = "".join(f"{name},0,x\n" for name in channels)
    (clinic / "new.csv").write_text("id,ill,note\n" + rows)
    return clinic / "new.csv"


@pytest.mark.parametrize("options", ["", "channels=0"])
def test_of_new_records_with_more_channels_without_names_none_is_chosen(clinic, options):
    """The left one alone had been read of a sound of two."""
    entry = f"cough={{id}}.wav:{options}"
    stays = own_table("stays", sounds(clinic, a=(1, 100), b=(1, 100)).name, labels=["ill"], signal=[entry], id="id")
    trained = stays.read(clinic)
    (new,) = new_records(trained, sounds(clinic, n=(2, 100), m=(1, 100)), Views(), made=stays.made, id="id")
    two, one = new.table.modalities["cough"].values
    assert one.read().values.shape == (100, 1)
    if options:
        # Training, too, would read the first channel of each.
        assert two.read().channels == ("0",)
        return
    with pytest.raises(UserError) as error:
        two.read()
    assert str(error.value) == (
        f"{clinic}/n.wav: 2 channels without names, where those that were trained on have 1. Write a file with as "
        "many, such as one of a sound's two."
    )
    assert "trained" in two.details()


@pytest.mark.parametrize("options", ["", "rate=100"])
def test_new_records_of_another_rate_are_noted_unless_a_rate_was_asked_for(clinic, options):
    entry = f"cough={{id}}.wav:{options}"
    stays = own_table("stays", sounds(clinic, a=(1, 100), b=(1, 100)).name, labels=["ill"], signal=[entry], id="id")
    trained = stays.read(clinic)
    new = sounds(clinic, n=(1, 200), m=(1, 100))
    (part,) = new_records(trained, new, Views(), made=stays.made, id="id")
    table, notes = watched(part.table)
    assert table.fingerprint() == part.table.fingerprint()
    other, same = (value.read() for value in table.modalities["cough"].values)
    assert (other.rate, other.values.shape, same.values.shape) == (100, (100, 1), (100, 1))
    assert notes.resampled == ({} if options else {clinic / "n.wav": "200 for 100 Hz"})


def test_a_new_record_without_a_channel_of_training_says_so(clinic):
    for id in IDS:
        record(clinic, id, np.zeros((1000, 2)))
    stays = own_table("stays", "stays.csv", labels=["ill"], signal=["ecg={id}.hea"], id="id")
    trained = stays.read(clinic)
    record(clinic, "a", np.zeros((1000, 2)), channels=("I", "V1"))
    # Whether training chose channels or not.
    for made in (stays.made, {"ecg": "ecg={id}.hea:channels=I,II"}):
        (part,) = new_records(replace(trained, modalities={"ecg": Column("signal", (SAVED,) * 3)}),
                              clinic / "stays.csv", Views(), made=made, id="id")  # fmt: skip
        with pytest.raises(UserError) as error:
            part.table.modalities["ecg"].values[0].read()
        assert str(error.value) == (
            f"{clinic}/a.hea: no channel 'II', which was trained on; it has I, V1. Give it that name if it is one of "
            "these, or leave the cell empty."
        )


def test_keys_in_another_spelling_are_said(clinic):
    write(clinic, "charts.csv", id=["a", "B", " c", "z"], t=[0] * 4, hr=[70] * 4)
    entry = "v=charts.csv:key=id;time=t;step=1"
    asked = Columns(labels=("ill",), text=("note",), id="id", signal=(entry,))
    assert [value is not None for value in read(clinic, entry)] == [True, False, True]
    warning = (
        "WARNING: charts.csv: 1 of 3 values of 'id' are spelled otherwise there, so that these rows have nothing of "
        "it: 'b' is 'B' there. Write both columns alike."
    )
    assert own.notes(clinic / "stays.csv", asked)[1:] == [warning]
    write(clinic, "charts.csv", id=["a", "b", "z"], t=[0] * 3, hr=[70] * 3)
    assert own.notes(clinic / "stays.csv", asked)[1:] == []


@pytest.mark.parametrize("entry", ["v=charts.xlsx:key=id;time=t;step=1", "v={id}.xlsx:time=t;step=1"])
def test_rows_that_a_table_of_signals_hides_are_said(clinic, entry):
    openpyxl = pytest.importorskip("openpyxl")
    for name in ("charts", *IDS):
        pd.DataFrame({"id": IDS, "t": [0, 1, 2], "hr": [1, 2, 3]}).to_excel(clinic / f"{name}.xlsx", index=False)
        book = openpyxl.load_workbook(clinic / f"{name}.xlsx")
        book.active.row_dimensions[3].hidden = True
        book.save(clinic / f"{name}.xlsx")
    entry += ";channels=hr"
    stays = own_table("stays", "stays.csv", labels=["ill"], text=["note"], signal=[entry], id="id")
    asked = Columns(labels=("ill",), text=("note",), id="id", signal=(entry,))
    tables = ["charts"] if "key" in entry else IDS
    what = "1 row that the sheet hides, as a filter does, are read like all others: row 3. Remove them if they are not"
    said = [f"WARNING: {name}.xlsx: {what} meant." for name in tables]
    assert own.notes(clinic / "stays.csv", asked)[1:] == said
    (new,) = new_records(stays.read(clinic), clinic / "stays.csv", Views(), made=stays.made, id="id")
    assert [*new.notes.values()] == said


def test_two_columns_of_one_name_are_no_channel(clinic):
    (clinic / "steps.csv").write_text("id,t,hr,hr,bp\na,0,1,2,3\n")
    pq.write_table(pa.table([["a"], [0], [1], [2], [3]], names=["id", "t", "hr", "hr", "bp"]), clinic / "steps.parquet")
    for kind in ("csv", "parquet"):
        entry = f"v=steps.{kind}:key=id;time=t;step=1"
        for asked in (entry, f"{entry};channels=hr"):
            with pytest.raises(UserError, match=rf"steps\.{kind}: two columns are called 'hr'\. Rename one"):
                read(clinic, asked)
        assert read(clinic, f"{entry};channels=bp")[0].values.tolist() == [[3]]


def test_a_label_is_no_channel(clinic):
    write(clinic, "charts.csv", id=["a"], t=[0], ill=[1])
    with pytest.raises(UserError, match=r"charts.csv: column 'ill' is a label, and would be a channel of v"):
        read(clinic, "v=charts.csv:key=id;time=t;step=1")


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32"])
def test_sounds_are_scaled(clinic, kind):
    for id in IDS:
        values = np.array([[0.5, -0.5], [-1, 0], [0.25, 0]])
        if kind == "uint8":
            values = values * 128 + 128
        elif kind != "float32":
            values = values * -float(np.iinfo(kind).min)
        wavfile.write(clinic / f"{id}.wav", 8000, values.astype(kind))
    series = read(clinic, "cough={id}.wav")[0].read()
    assert (series.rate, series.channels) == (8000, ("0", "1"))
    np.testing.assert_array_equal(series.values, np.float32([[0.5, -0.5], [-1, 0], [0.25, 0]]))
    assert read(clinic, "cough={id}.wav:channels=1")[0].read().values.shape == (3, 1)
    with pytest.raises(UserError, match=r"a\.wav: no channel 'left'; it has 0, 1\. Correct channels=\."):
        read(clinic, "cough={id}.wav:channels=left")[0].read()


def test_a_sound_that_was_cut_short_is_refused_and_one_from_a_pipe_is_read(tmp_path):
    wavfile.write(tmp_path / "a.wav", 1000, np.arange(1000, dtype=np.int16))
    content = (tmp_path / "a.wav").read_bytes()
    file = WavFile(tmp_path / "a.wav", SignalEntry.of("x={id}.wav"))
    (tmp_path / "a.wav").write_bytes(content[:1044])
    with pytest.raises(UserError, match=r"a\.wav: cut short"):
        file.read()
    (tmp_path / "a.wav").write_bytes(content[:4] + b"\xff" * 4 + content[8:40] + b"\xff" * 4 + content[44:])
    assert len(file.read().values) == 1000
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(UserError, match=r"a\.wav: not a readable WAV file"):
        file.read()


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24), ("PCM_S8", 8)])
def test_a_sound_of_flac_is_that_of_wav(clinic, subtype, bits):
    soundfile = pytest.importorskip("soundfile", reason="the extra signals")
    whole = np.random.default_rng(0).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (4000, 2))
    scaled = whole / 2 ** (bits - 1)
    for id in IDS:
        soundfile.write(clinic / f"{id}.flac", scaled, 8000, subtype=subtype)
        wavfile.write(clinic / f"{id}.wav", 8000, scaled.astype(np.float32))
    flac, wav = (read(clinic, f"cough={{id}}.{end}")[0].read() for end in ("flac", "wav"))
    assert (flac.rate, flac.channels) == (wav.rate, wav.channels) == (8000, ("0", "1"))
    np.testing.assert_array_equal(flac.values, wav.values)
    np.testing.assert_array_equal(flac.values, scaled.astype(np.float32))
    assert read(clinic, "cough={id}.flac:channels=1;rate=4000;until=0.25")[0].read().values.shape == (1000, 1)


def test_a_sound_of_flac_that_is_not_whole_is_refused(tmp_path, monkeypatch):
    soundfile = pytest.importorskip("soundfile", reason="the extra signals")
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 20_000), 8000)
    content = path.read_bytes()

    def refused(content):
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            FlacFile(path, SignalEntry.of("x={id}.flac")).read()
        return str(error.value).removeprefix(f"{path}: ")

    changed = bytearray(content)
    changed[20_000] ^= 16
    for damaged in (content[:-1], content[:20_000], content[:60], bytes(changed), b""):
        assert refused(damaged).startswith("not a readable FLAC file (")
    # The 36 bits of how many samples there are.
    unknown = content[:21] + bytes([content[21] & 0xF0, 0, 0, 0, 0]) + content[26:]
    assert refused(unknown).startswith("its header does not say how long it is")
    many = content[:21] + bytes([content[21] | 0x0F]) + content[22:]
    assert refused(many) == "over 1024 MiB of values. Cut it into shorter sounds."
    soundfile.write(tmp_path / "a.wav", np.zeros(10), 8000)
    other = (tmp_path / "a.wav").read_bytes()
    assert refused(other) == "a file of WAV, though its name says FLAC. Convert it to FLAC."
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda self, dtype: np.zeros(self.frames - 1))
    assert refused(content) == "cut short: its header says more than it holds. Copy it again."


@pytest.mark.parametrize(
    ("name", "do"),
    [
        ("a.mp3", "Convert it to FLAC (ffmpeg -i OLD NEW.flac)."),
        ("a.OGG", "Convert it to FLAC (ffmpeg -i OLD NEW.flac)."),
        ("a.dat", "Name the header of its record, which ends in .hea."),
        ("a.vhdr", "Convert it to EDF (mne.io.read_raw(OLD).export(NEW))."),
        ("a.mat", "Save its values as an array (numpy.save)."),
        ("a", "Convert it to one of them."),
    ],
)
def test_a_signal_of_another_format_is_refused_with_what_to_do(clinic, name, do):
    (clinic / name).write_bytes(b"")
    pd.DataFrame({"id": IDS, "ill": [0, 1, 0], "note": "x", "file": name}).to_csv(clinic / "stays.csv", index=False)
    with pytest.raises(UserError) as error:
        read(clinic, "x={file}")
    known = ", ".join((*signal_columns.READERS, *TABLES))
    assert str(error.value) == f"{clinic}/{name}: a signal whose name ends in none of {known}. {do}"


def test_a_sound_without_a_rate_is_refused(tmp_path):
    wavfile.write(tmp_path / "a.wav", 0, np.zeros(10, np.int16))
    for words in ("", ":rate=10"):
        with pytest.raises(UserError) as error:
            WavFile(tmp_path / "a.wav", SignalEntry.of(f"x={{id}}.wav{words}")).read()
        assert str(error.value) == (
            f"{tmp_path}/a.wav: channel '0' has a rate of 0 Hz; expected one above 0. Correct the file's header."
        )


def test_arrays_have_gaps_and_no_pickles(tmp_path):
    file = ArrayFile(tmp_path / "a.npy", SignalEntry.of("x={id}.npy:rate=10;until=0.3"))
    np.save(tmp_path / "a.npy", np.array([1.0, NAN, 3.0, 4.0]))
    series = file.read()
    np.testing.assert_array_equal(series.values, [[1], [NAN], [3]])
    assert series.rate == 10
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(UserError, match="no array that NumPy reads without pickle"):
        file.read()


def test_a_file_s_fingerprint_sees_what_is_asked_of_it(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(10))
    entries = [
        "x={id}.npy:rate=10",
        "x={id}.npy:rate=20",
        "x={id}.npy:rate=10;until=0.5",
        "x={id}.npy:rate=10;channels=0",
    ]
    prints = [ArrayFile(tmp_path / "a.npy", SignalEntry.of(entry)).fingerprint() for entry in entries]
    assert len(set(prints)) == 4


@settings(deadline=None)
@given(
    measured=st.lists(st.floats(-100, 100), min_size=2, max_size=40),
    rates=st.sampled_from([(1, 250), (1, 3), (250, 1), (100, 40), (40, 100)]),
)
def test_no_resampled_value_lies_outside_what_was_measured(measured, rates, tmp_path_factory):
    values = np.repeat(np.array(measured)[:, None], 50 if rates[0] > rates[1] else 1, axis=0)
    samples = resampled(values, *rates, tmp_path_factory.getbasetemp())
    assert len(samples) == -(-len(values) * rates[1] // rates[0])
    assert samples.min() >= values.min()
    assert samples.max() <= values.max()


def test_an_array_of_more_channels_than_steps_says_its_axes(tmp_path):
    """It is nearly always one whose channels come first."""
    values = np.arange(12.0).reshape(3, 4)
    np.save(tmp_path / "a.npy", values)

    def array(words=""):
        return ArrayFile(tmp_path / "a.npy", SignalEntry.of(f"x={{id}}.npy:rate=10{words}"))

    with pytest.raises(UserError) as error:
        array().read()
    assert str(error.value) == (
        f"{tmp_path}/a.npy: an array [3, 4], which as [T, C] is 4 channels of 3 steps. Most such have their channels "
        "first: turn it or say axes=CT if so; say axes=TC if it is right."
    )
    np.testing.assert_array_equal(array(";axes=CT").read().values, values.T)
    np.testing.assert_array_equal(array(";axes=CT;channels=2").read().values, values.T[:, 2:])
    np.testing.assert_array_equal(array(";axes=TC").read().values, values)
    assert len({array(words).details() for words in ("", ";axes=CT", ";axes=TC")}) == 3
    # What is read as ever has the fingerprint that it had.
    for shape in ((4, 3), (3, 3), (5,)):
        np.save(tmp_path / "a.npy", np.ones(shape))
        assert array().read().values.shape == (*shape, 1)[:2]
        assert array().details() == repr([(), 10.0, None, None])
    for content in (b"", b"nothing", (tmp_path / "a.npy").read_bytes()[:-1]):
        (tmp_path / "a.npy").write_bytes(content)
        assert array().details() == repr([(), 10.0, None, None])


def test_a_slow_channel_is_joined_by_straight_lines(tmp_path):
    slow = np.array([[99.0], [99.0], [85.0], [NAN], [85.0]])
    samples = resampled(slow, 1, 4, tmp_path)[:, 0]
    expected = [99.0] * 5 + [95.5, 92.0, 88.5, 85.0, 85.0, 85.0]
    np.testing.assert_allclose(samples[:11], expected)
    # Half a second to either side of what was not measured.
    assert np.flatnonzero(np.isnan(samples)).tolist() == [11, 12, 13]


def test_a_slow_wave_keeps_its_shape_at_another_rate(tmp_path):
    time = np.arange(0, 4, 1 / 500)
    slow = np.sin(2 * np.pi * time)[:, None]
    samples = resampled(slow, 500, 100, tmp_path)
    assert len(samples) == 400
    np.testing.assert_allclose(samples[20:-20, 0], np.sin(2 * np.pi * np.arange(400) / 100)[20:-20], atol=1e-3)
    slow[1000:1500] = NAN
    gapped = resampled(slow, 500, 100, tmp_path)[:, 0]
    assert np.flatnonzero(np.isnan(gapped)).tolist() == list(range(200, 300))
    with pytest.raises(UserError, match=r"cannot be resampled from 500 to 3\.14159 Hz"):
        resampled(slow, 500, 3.14159265, tmp_path)


wfdb = pytest.importorskip("wfdb", reason="the extra signals")


def record(folder, name, values, rate=500, channels=("I", "II"), **more):
    wfdb.wrsamp(
        name, fs=rate, units=["mV"] * len(channels), sig_name=list(channels), p_signal=values, write_dir=str(folder),
        fmt=["16"] * len(channels), **more,
    )  # fmt: skip


def test_a_record_of_wfdb(clinic):
    rng = np.random.default_rng(0)
    wanted = {}
    for id in IDS:
        wanted[id] = rng.normal(size=(1000, 2))
        wanted[id][100:200, 1] = NAN
        record(clinic, id, wanted[id])
    files = read(clinic, "ecg={id}.hea")
    series = files[0].read()
    assert (series.rate, series.channels) == (500, ("I", "II"))
    np.testing.assert_allclose(series.values, wanted["a"], atol=2e-4)
    assert read(clinic, "ecg={id}.hea:channels=II;rate=100")[0].read().values.shape == (200, 1)
    # The values lie beside the header, and are part of what a signal is.
    before = files[0].fingerprint()
    record(clinic, "a", wanted["a"] + 0.5)
    assert files[0].fingerprint() != before


def test_a_damaged_record_is_named(clinic):
    record(clinic, "a", np.random.default_rng(0).normal(size=(1000, 1)), channels=["I"])
    file = read(clinic, "ecg={id}.hea", absent_pictures="allow")[0]
    content = (clinic / "a.dat").read_bytes()
    (clinic / "a.dat").write_bytes(bytes([content[0] ^ 64]) + content[1:])
    with pytest.raises(UserError, match=r"a\.hea: the values of I are not those that it holds the checksum of"):
        file.read()
    header = (clinic / "a.hea").read_text().splitlines()
    (clinic / "a.hea").write_text("\n".join([header[0], *(line.rsplit(" ", 4)[0] for line in header[1:])]) + "\n")
    assert file.read().values.shape == (1000, 1)
    (clinic / "a.dat").write_bytes(content[:-10])
    with pytest.raises(UserError, match=r"a\.hea: not a readable WFDB record"):
        file.read()


def test_channels_of_a_record_are_told_apart_by_their_names(clinic):
    """Those of two leads called I were one, the last."""
    record(clinic, "a", np.zeros((100, 3)), channels=("I", "J", "V"))
    header = (clinic / "a.hea").read_text()
    (clinic / "a.hea").write_text(header.replace(" J\n", " I\n"))
    file = read(clinic, "ecg={id}.hea:channels=V", absent_pictures="allow")[0]
    assert file.read().channels == ("V",)
    for entry in ("ecg={id}.hea", "ecg={id}.hea:channels=V,I"):
        file = read(clinic, entry, absent_pictures="allow")[0]
        with pytest.raises(UserError) as error:
            file.read()
        assert str(error.value) == (
            f"{clinic}/a.hea: 2 channels are called 'I', so nobody knows which is meant. Give each a name of its "
            "own, or say channels= of others."
        )
    (clinic / "a.hea").write_text(header.replace(" J\n", "\n"))
    assert read(clinic, "ecg={id}.hea", absent_pictures="allow")[0].read().channels == ("I", "", "V")
    (clinic / "a.hea").write_text(header.replace(" I\n", "\n").replace(" J\n", "\n"))
    with pytest.raises(UserError, match=r"a\.hea: 2 channels have no name, so nobody knows which is meant"):
        read(clinic, "ecg={id}.hea", absent_pictures="allow")[0].read()
    (clinic / "a.hea").write_text(header.replace(" J\n", "\n"))
    file = read(clinic, "ecg={id}.hea:channels=II", absent_pictures="allow")[0]
    with pytest.raises(
        UserError, match=r"a\.hea: no channel 'II'; it has I, one without a name, V\. Correct channels="
    ):
        file.read()


def framed(folder, values):
    """A record whose first channel has four samples a frame."""
    recording = wfdb.Record(
        record_name="f", fs=10, n_sig=2, sig_name=["a", "b"], units=["mV"] * 2, fmt=["16"] * 2, samps_per_frame=[4, 1],
        adc_gain=[1000.0] * 2, baseline=[0, 0], adc_res=[16, 16], adc_zero=[0, 0], file_name=["f.dat"] * 2,
        sig_len=len(values) // 4, e_p_signal=[values, np.ones(len(values) // 4)], block_size=[0, 0],
    )  # fmt: skip
    recording.e_d_signal = recording.adc(expanded=True)
    recording.init_value = [int(samples[0]) for samples in recording.e_d_signal]
    recording.checksum = recording.calc_checksum(expanded=True)
    recording.wrheader(write_dir=str(folder))
    recording.wr_dats(expanded=True, write_dir=str(folder))


def test_the_mark_of_a_missing_sample_is_never_averaged(clinic):
    values = np.ones(40)
    values[5] = NAN
    framed(clinic, values)
    (clinic / "stays.csv").write_text("id,ill,note\nf,1,x\ng,0,y\n")
    (file, _) = read(clinic, "ecg={id}.hea:channels=a", absent_pictures="allow")
    series = file.read()
    assert series.rate == 40
    np.testing.assert_array_equal(series.values[:, 0], values)
    (file, _) = read(clinic, "ecg={id}.hea", absent_pictures="allow")
    with pytest.raises(UserError, match=r"its channels have several rates \(a 40 Hz, b 10 Hz\)\. Say channels="):
        file.read()
    (file, _) = read(clinic, "ecg={id}.hea:rate=10", absent_pictures="allow")
    together = file.read()
    assert (together.rate, together.channels) == (10, ("a", "b"))
    np.testing.assert_allclose(together.values[3:-3], 1, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        # wfdb 4.3 refuses these itself.
        (lambda text: text.replace("a.dat", "../a.dat"), r"names the file '\.\./a\.dat'|invalid syntax in signal line"),
        (
            lambda text: text.replace("a.dat", "s3://a.dat"),
            r"names the file 's3://a\.dat'|invalid syntax in signal line",
        ),
        (lambda text: text.replace("a 2 500 1000", "a 2 500 900000000"), "over 1024 MiB of values"),
        (lambda text: "a/2 2 500 1000\nfirst 500\nsecond 500\n", "a record of several segments"),
        (lambda text: "nothing", "not a readable WFDB record"),
    ],
)
def test_what_a_header_may_not_say(clinic, change, message):
    record(clinic, "a", np.zeros((1000, 2)))
    (clinic / "a.hea").write_text(change((clinic / "a.hea").read_text()))
    file = read(clinic, "ecg={id}.hea", absent_pictures="allow")[0]
    with pytest.raises(UserError, match=message):
        file.read()


def test_what_a_signal_was_taken_for_is_said(clinic):
    for id in IDS[:2]:
        record(clinic, id, np.zeros((1000, 2)))
    columns = Columns(labels=("ill",), text=("note",), signal=("ecg={id}.hea",), id="id", absent_pictures="allow")
    lines = signal_notes(columns, own.read("stays", clinic / "stays.csv", columns))
    assert (
        "signal 'ecg': 2 of 3 rows have one; the first: 2 channels (I, II) in mV, 500 Hz, 2 s, 0 % of it gaps" in lines
    )


edfio = pytest.importorskip("edfio", reason="the extra signals")


def edf(folder, name, seconds=10, marks=None):
    """An EDF+ or BDF+ file of data records of a second; from record 5 on they begin 90 seconds later if `marks`."""
    ecg, spo2 = np.arange(100 * seconds) % 1000 / 1000, np.arange(seconds) / 10
    limits = {"physical_range": (-2, 2)}
    signal, record = (edfio.BdfSignal, edfio.Bdf) if name.endswith(".bdf") else (edfio.EdfSignal, edfio.Edf)
    signals = [signal(ecg, 100, label="ECG", **limits), signal(spo2, 1, label="SpO2", **limits)]
    record(signals, annotations=[edfio.EdfAnnotation(0, None, "on")], data_record_duration=1).write(folder / name)
    content = bytearray((folder / name).read_bytes())
    for k in range(5, seconds if marks else 0):
        at = content.index(f"+{k}".encode() + b"\x14\x14\x00")
        later = f"+{k + 90}".encode() + b"\x14\x14\x00"
        content[at : at + len(later)] = later
    (folder / name).write_bytes(bytes(content).replace(b"DF+C", b"DF+D") if marks else bytes(content))
    return ecg, spo2


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_an_edf_file_is_read_in_its_units(clinic, kind):
    for id in IDS:
        ecg, spo2 = edf(clinic, f"{id}.{kind}")
    series = read(clinic, f"psg={{id}}.{kind}:channels=ECG")[0].read()
    assert (series.rate, series.channels) == (100, ("ECG",))
    np.testing.assert_allclose(series.values[:, 0], ecg, atol=1e-4)
    together = read(clinic, f"psg={{id}}.{kind}:channels=SpO2,ECG;rate=1")[0].read()
    assert together.channels == ("SpO2", "ECG")
    np.testing.assert_allclose(together.values[:, 0], spo2, atol=1e-4)
    with pytest.raises(UserError, match=r"several rates \(ECG 100 Hz, SpO2 1 Hz\)"):
        read(clinic, f"psg={{id}}.{kind}")[0].read()
    (clinic / f"a.{kind}").write_bytes(b"nothing")
    with pytest.raises(UserError, match=rf"a\.{kind}: not a readable {kind.upper()} file"):
        read(clinic, f"psg={{id}}.{kind}")[0].read()


def labelled(folder, name, labels):
    """An EDF file of a channel a label, the k-th of which is constant, k / 100."""
    limits = {"physical_range": (-1, 1)}
    signals = [edfio.EdfSignal(np.full(10, k / 100), 1, label=label, **limits) for k, label in enumerate(labels)]
    edfio.Edf(signals, annotations=None if labels else [edfio.EdfAnnotation(0, None, "on")]).write(folder / name)


def test_a_channel_that_an_edf_file_has_not_or_has_twice_is_refused(clinic):
    for id in IDS:
        labelled(clinic, f"{id}.edf", ["EEG", "ECG", "ECG", "EOG"])
    assert read(clinic, "psg={id}.edf:channels=EOG,EEG")[0].read().channels == ("EOG", "EEG")
    cases = {
        "Foo": "no channel 'Foo'; it has EEG, ECG, ECG, EOG. Correct channels=.",
        "EEG,ECG": "2 channels are called 'ECG', so nobody knows which is meant. Give each a name of its own, or "
        "say channels= of others.",
    }
    for channels, message in cases.items():
        with pytest.raises(UserError) as error:
            read(clinic, f"psg={{id}}.edf:channels={channels}")[0].read()
        assert str(error.value) == f"{clinic}/a.edf: {message}"
    labelled(clinic, "a.edf", [f"E{k}" for k in range(64)])
    with pytest.raises(UserError, match=r"a\.edf: no channel 'ECG'; it has E0, E1, .*, E39 and 24 more\. Correct"):
        read(clinic, "psg={id}.edf:channels=ECG")[0].read()
    labelled(clinic, "a.edf", [])
    with pytest.raises(UserError, match=r"a\.edf: it has no channels\."):
        read(clinic, "psg={id}.edf:channels=ECG")[0].read()


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_what_a_discontinuous_recording_left_out_is_a_gap(clinic, kind):
    for id in IDS:
        ecg, _ = edf(clinic, f"{id}.{kind}", marks=True)
    values = read(clinic, f"psg={{id}}.{kind}:channels=ECG")[0].read().values[:, 0]
    assert len(values) == 100 * 100
    np.testing.assert_allclose(values[:500], ecg[:500], atol=1e-4)
    assert np.isnan(values[500:9500]).all()
    np.testing.assert_allclose(values[9500:], ecg[500:], atol=1e-4)
    slow = read(clinic, f"psg={{id}}.{kind}:channels=SpO2")[0].read().values[:, 0]
    assert np.flatnonzero(np.isfinite(slow)).tolist() == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]

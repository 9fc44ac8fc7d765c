"""Tables that other people made: their width costs nothing."""

import time

import pytest

from mora_bench.data.readers import frames
from mora_bench.errors import UserError
from mora_bench.training import import_predictions


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A table of 100,000 columns."""
    file = tmp_path_factory.mktemp("wide") / "wide.csv"
    lines = [",".join(f"c{column}" for column in range(100_000)), ",".join(["1"] * 100_000)]
    file.write_text("\n".join([*lines, lines[1]]) + "\n")
    return file


def test_two_columns_of_100_000_are_read_within_seconds(wide):
    begun = time.process_time()
    frame = frames.frame(wide, ["c99999", "c0"])
    assert time.process_time() - begun < 5
    assert frame.shape == (2, 2)
    assert list(frame["c99999"]) == ["1", "1"]


def test_a_column_that_is_not_among_them_is_said(wide):
    with pytest.raises(UserError, match=r"wide\.csv: no column 'text'\. Found: c0, c1, .*c39\.$"):
        frames.frame(wide, ["c0", "text"])


def test_no_predictions_have_so_many_columns(wide):
    with pytest.raises(UserError, match=r"wide\.csv: over 10,000 columns; expected id, pattern and one a label"):
        import_predictions.read(wide)

"""Labels and categories that are likely slips are said: codes for what nobody knows, and several spellings."""

import pandas as pd
import pytest

from mora_bench.data.readers.label_slips import likely_codes, spelled_alike
from mora_bench.data.readers.own import notes
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.targets import Policy, targets


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        ("0 1 9", "9"),
        ("0 1 -9", "-9"),
        ("0.0 1.0 99.0", "99.0"),
        ("0 1 -999 -888", "-999 -888"),
        ("0 1 2 8 9", "8 9"),
        ("1 2 3 99 999", "99 999"),
        ("0 1 2 3 -1", "-1"),
        ("yes no 9", "9"),
        ("A B 99", "99"),
        # A scale, a count, and codes of another kind.
        ("0 1 2 3 4 5 6 7 8 9", ""),
        ("6 7 8 9 10", ""),
        ("1 3 5 7 9", ""),
        ("-1 0 1", ""),
        ("-2 -1 0 1 2", ""),
        ("-2 -1 0 1", ""),
        ("7 8 9 10 J", ""),
        ("0 9", ""),
        ("2 4 40", ""),
        ("A B", ""),
        ("", ""),
    ],
)
def test_numbers_that_may_mean_that_nobody_knows(labels, codes):
    assert likely_codes(labels.split()) == codes.split()


def test_a_code_among_classes_is_said_by_row():
    """It had been a class without a word."""
    told = targets(pd.DataFrame({"ill": ["0", "1", "9"] * 20}), ["ill"], "t.csv", Policy())
    assert (told.labels, told.task) == (("0", "1", "9"), "multi-class")
    rows = "row 4: '9'; row 7: '9'; row 10: '9'; row 13: '9'; row 16: '9'; and 15 more"
    assert told.notes == (f"WARNING: '9' is taken for a label of its own ({rows}). Empty the cells if it is none.",)
    told = targets(pd.DataFrame({"ill": ["1;9", "0", "1"]}), ["ill"], "t.csv", Policy())
    assert "'9' is taken for a label of its own (row 2: '1;9')" in told.notes[0]
    # Whoever names grades knows them.
    told = targets(pd.DataFrame({"ill": ["0", "1", "9"]}), ["ill"], "t.csv", Policy(grades=("0", "1", "9")))
    assert told.notes == ()


def test_a_number_below_0_is_no_spelling_of_the_one_above():
    assert spelled_alike(["-1", "1", "2"]) == []
    assert spelled_alike(["1", "1.0", "yes", "Y.", "no-finding", "No finding"]) == [
        ["1", "1.0", "yes", "Y."],
        ["no-finding", "No finding"],
    ]


def test_categories_in_several_spellings_and_unknown_ones_are_said(tmp_path):
    """Each had been a category of its own without a word."""
    cells = {
        "sex": ["Male", "male", "MALE ", "F", "f", "x"],
        "smokes": ["yes", "Y", "1.0", "no", "N", "0"],
        "site": ["Ulm", "Bonn", "Ulm", "HER2+", "HER2-", "Ulm"],
        "test": ["+", "Unknown", "+", "a", "not done", "a"],
        "age": ["1", "1.0", "2", "3", "4", "5"],
    }
    pd.DataFrame({"id": list("abcdef"), "ill": ["1", "0", "0"] * 2} | cells).to_csv(tmp_path / "t.csv", index=False)
    lines = notes(tmp_path / "t.csv", Columns(("ill",), table=tuple(cells), id="id"))
    do = "Write them alike if they are one."
    assert [line for line in lines if "WARNING" in line] == [
        f"WARNING: column 'sex': 'F', 'f'; 'MALE', 'Male', 'male' are categories of their own. {do}",
        f"WARNING: column 'smokes': '0', 'N', 'no'; '1.0', 'Y', 'yes' are categories of their own. {do}",
        "WARNING: column 'test': row 3: 'Unknown'; row 6: 'not done' counts as a category. Empty these cells if "
        "nothing is there.",
    ]

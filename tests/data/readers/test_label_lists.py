"""Several labels in one cell, as people and programs write them."""

import warnings

import numpy as np
import pandas as pd
import pytest

from mora_bench.data.readers.label_lists import broken, parts
from mora_bench.data.readers.own import notes, own_table
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.targets import Policy, targets
from mora_bench.errors import UserError


def labelled(cells, **policy):
    return targets(pd.DataFrame({"ill": cells}), ["ill"], "t.csv", Policy(**policy))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a; b|c", ["a", "b", "c"]),
        ("['a', 'pleural effusion']", ["a", "pleural effusion"]),
        ('["a", "b\\u00e9", "it\'s"]', ["a", "b\u00e9", "it's"]),
        ("['a' 'pleural effusion'\n 'c']", ["a", "pleural effusion", "c"]),
        ("[\"it's\" 'b']", ["it's", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("('a',)", ["a"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("frozenset({'a'})", ["a"]),
        ("[np.str_('a'), np.str_('b')]", ["a", "b"]),
        ("['a', None, nan, <NA>]", ["a", "None", "nan", "<NA>"]),
        ('["a", null]', ["a", "null"]),
        ("[nan nan]", ["nan", "nan"]),
        ("['a\\qb']", ["a\\qb"]),
        *[(empty, []) for empty in ("", "[]", "()", "{}", "set()", "frozenset()")],
        # Names, intervals and numbers are no lists.
        *[(name, [name]) for name in ("(none)", "[not available]", "[0, 30]", "(0, 30]", "[A, B]", "['b'", "{a}")],
    ],
)
def test_what_a_cell_names(cell, expected):
    with warnings.catch_warnings(action="error"):
        assert parts(cell, "") == expected
    assert not broken(cell)


@pytest.mark.parametrize("several", [np.array, list, tuple, set, frozenset])
def test_lists_that_pandas_writes_are_read_back(tmp_path, several):
    """Of an array 'pneumonia' 'effusion' had been one class, pneumoniaeffusion, without a word."""
    both, one = several(["pneumonia", "effusion"]), several(["pneumonia"])
    pd.DataFrame({"ill": [both, one] * 3, "age": range(6)}).to_csv(tmp_path / "t.csv", index=False)
    table = own_table("t", tmp_path / "t.csv", labels=["ill"], table=["age"]).read(tmp_path)
    assert (table.task, table.labels) == ("multi-label", ("effusion", "pneumonia"))
    assert table.targets.tolist() == [[1, 1], [0, 1]] * 3


@pytest.mark.parametrize("cell", ["['a', 5]", "['a' 'b' ... 'z']", "{'a': 1}", "['a''b']", "[['a'], ['b']]"])
def test_a_list_that_cannot_be_read_is_refused_by_row(cell):
    assert broken(cell)
    with pytest.raises(UserError) as error:
        labelled(["a", cell])
    assert f"t.csv, column 'ill' holds a list that cannot be read in row 3: {cell!r}. Write" in str(error.value)


@pytest.mark.parametrize("cell", ["A;nan", "NA | A", "None;A;<NA>", "['A', nan]", "['A' None]", '["A", null]'])
def test_what_says_in_a_list_that_nothing_is_there_is_no_label(cell):
    """nan and None had been labels."""
    outcome = labelled([cell, "B", "B;A", "nan"], empty="negative")
    assert (outcome.labels, outcome.values.tolist()) == (("A", "B"), [[1, 0], [0, 1], [1, 1], [0, 0]])
    note = f"1 row with nan, NA or the like beside a label, which counts as not there: row 2: {cell!r}"
    assert [line for line in outcome.notes if "beside" in line] == [note]
    with pytest.raises(UserError, match=r"column 'ill' has no label in row 3: '\[nan\]'; row 4: 'nan;NA'"):
        labelled(["A", "[nan]", "nan;NA"])


def test_a_grade_that_is_called_none_is_a_grade():
    assert labelled(["none", "mild"], grades=("none", "mild")).values.tolist() == [[1, 0], [0, 1]]
    with pytest.raises(UserError, match="is not one of the grades in row 2: 'mild;none'"):
        labelled(["mild;none", "mild"], grades=("none", "mild"))


def test_what_a_joined_table_says_is_not_there_is_not_in_its_lists(tmp_path):
    (tmp_path / "t.csv").write_text("id,age\np,1\nq,2\nr,3\n")
    more = "id,dx,note,grade\np,A,red,mild\np,nan,NA,mild\nq,None,none,none\nq,B,old,\nr,B,nan,none\nr,A,<NA>,\n"
    (tmp_path / "d.csv").write_text(more)
    asked = {"id": "id", "text": ["note"], "join": ["d.csv:id:list"]}
    table = own_table("t", tmp_path / "t.csv", labels=["dx"], **asked).read(tmp_path)
    assert (table.labels, table.targets.tolist()) == (("A", "B"), [[1, 0], [0, 1], [1, 1]])
    assert table.modalities["note"].values == ("red", "old", None)
    # Two grades of one row stay an error, also if one of them is none.
    asked |= {"labels": ["grade"], "grades": ["none", "mild"]}
    with pytest.raises(UserError, match="is not one of the grades in row 2: 'mild;mild'"):
        own_table("t", tmp_path / "t.csv", **asked).read(tmp_path)
    (tmp_path / "d.csv").write_text(more.replace("NA,mild", "NA,none"))
    with pytest.raises(UserError, match="is not one of the grades in row 2: 'mild;none'"):
        own_table("t", tmp_path / "t.csv", **asked).read(tmp_path)
    (tmp_path / "d.csv").write_text(more.replace("NA,mild", "NA,"))
    table = own_table("t", tmp_path / "t.csv", **asked).read(tmp_path)
    assert table.targets.tolist() == [[0, 1], [1, 0], [1, 0]]


def test_labels_that_say_that_nobody_knows_are_named_by_row_also_in_lists(tmp_path):
    (tmp_path / "t.csv").write_text("id,age,ill\np,1,A;unknown\nq,2,A\n")
    warned = "WARNING: 'unknown' is taken for a label of its own (row 2: 'A;unknown'). Empty the cells if it is none."
    assert warned in notes(tmp_path / "t.csv", Columns(("ill",), table=("age",), id="id"))

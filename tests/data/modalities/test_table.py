"""Numbers and categories: how they are read, scaled by what training shows, and embedded."""

import numpy as np
import pytest
import torch

from mora_bench.data.modalities.columns import ColumnEmbedder
from mora_bench.data.modalities.table import TableKind
from mora_bench.errors import UserError

VALUES = (
    {"age": 50, "sex": "f"},
    None,
    {"age": None, "sex": "m"},
    {"sex": None, "age": 70.0},
    {"crp": 1.5, "sex": "f"},
)


@pytest.fixture
def content(tmp_path):
    TableKind().encode(VALUES, [f"s{i}" for i in range(5)], None, tmp_path, 1)
    return TableKind().open(tmp_path)


def test_columns_are_numbers_or_categories_and_empty_cells_stay_empty(content):
    # Columns by name: age and crp are numbers, sex is a category.
    nan = np.nan
    np.testing.assert_array_equal(content.numbers, [[50, nan], [nan, nan], [nan, nan], [70, nan], [nan, 1.5]])
    assert content.codes.tolist() == [[1], [0], [2], [0], [1]]
    assert content.sizes.tolist() == [3]


def test_the_dummy_shows_nothing(content):
    shown = content.collate(np.array([0, 3]), np.array([True, False]))
    assert shown.numbers[0, 0] == 50
    assert shown.numbers[1].isnan().all()
    assert shown.codes.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ((57, "f"), "is tuple; expected a dict"),
        ({"age": float("nan")}, "write None"),
        ({"age": float("inf")}, "write None"),
        ({"smokes": True}, "has smokes = True"),
        ({"age": [57]}, "expected a number, a text"),
        ({3: 1.0}, "is dict; expected a dict, name of column"),
        ({"age": 57, "sex": "f", "crp": None}, None),
    ],
)
def test_what_is_no_record_is_said(value, message):
    problem = TableKind().problem(value)
    assert problem is None if message is None else message in problem


def test_a_record_with_nothing_in_it_is_absent():
    assert not TableKind().exists({"age": None})
    assert not TableKind().exists({})
    assert TableKind().exists({"age": 0})


def test_a_column_that_mixes_numbers_and_texts_is_refused_by_sample(tmp_path):
    with pytest.raises(UserError, match=r"sample 's1': age is the number 5, and text in other samples, e\.g\. 'old'"):
        TableKind().encode(({"age": "old"}, {"age": 5}), ["s0", "s1"], None, tmp_path, 1)


def test_scaling_sees_the_rows_it_is_given_and_no_others(content):
    embedder = TableKind().embedder(content, np.array([0, 2, 3]), 8)
    assert embedder.mean.tolist() == [60, 0]
    assert embedder.deviation.tolist() == [10, 1]
    assert TableKind().embedder(content, np.array([0]), 8).mean.tolist() == [50, 0]


def test_tokens_are_those_of_the_formula():
    torch.manual_seed(0)
    embedder = ColumnEmbedder(np.array([[1.0], [3.0]]), [3], 8)
    inputs = type("In", (), {"numbers": torch.tensor([[5.0], [np.nan]]), "codes": torch.tensor([[2], [0]])})
    tokens, mask = embedder(inputs)
    assert tokens.shape == (2, 3, 8)
    assert mask.all()
    weight, bias, empty = embedder.numbers[:, 0]
    # (5 - 2) / 1 = 3 deviations above the mean.
    torch.testing.assert_close(tokens[0, 1], 3 * weight + bias)
    torch.testing.assert_close(tokens[1, 1], empty)
    torch.testing.assert_close(tokens[:, 2], embedder.categories[0][[2, 0]])
    torch.testing.assert_close(tokens[:, 0], embedder.summary(tokens[:, 1:].mean(1)))
    assert embedder.numbers.abs().max() <= 8**-0.5

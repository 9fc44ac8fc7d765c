"""The closed form by which pictures are aligned with words."""

import numpy as np
import pytest
import torch

from mora_bench.backbones.aligned import RIDGES, means, regression
from mora_bench.cells.recipe import FEWEST_ALIGNED
from mora_bench.data.batch import Batch
from mora_bench.data.modalities.features import FeatureInputs
from mora_bench.data.modalities.text import TextInputs
from mora_bench.errors import UserError


def drawn(samples, noise, features=6, width=4):
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(samples, features)) + 3
    planted = rng.normal(size=(width, features))
    return pictures, pictures @ planted.T + 7 + noise * rng.normal(size=(samples, width)), planted


def test_a_planted_map_comes_back():
    pictures, words, planted = drawn(200, 0)
    weight, bias = regression(pictures, words)
    np.testing.assert_allclose(weight, planted, rtol=0, atol=1e-3)
    np.testing.assert_allclose(bias, 7, rtol=0, atol=1e-2)


@pytest.mark.parametrize(("features", "noise"), [(6, 3.0), (60, 20.0)])
def test_the_ridge_is_the_one_of_the_least_error_on_what_is_left_out(features, noise):
    """Normal equations and leave-one-out, both by hand; with more features than samples, too."""
    pictures, words, _ = drawn(30, noise, features)

    def fitted(x, y, ridge):
        x_mean, y_mean = x.mean(0), y.mean(0)
        weight = np.linalg.solve(
            (x - x_mean).T @ (x - x_mean) + ridge * np.eye(features), (x - x_mean).T @ (y - y_mean)
        )
        return weight.T, y_mean - x_mean @ weight

    def left_out(ridge):
        error = 0.0
        for k in range(len(pictures)):
            others = np.arange(len(pictures)) != k
            weight, bias = fitted(pictures[others], words[others], ridge)
            error += ((words[k] - weight @ pictures[k] - bias) ** 2).sum()
        return error

    ridges = RIDGES * len(pictures) * pictures.var(0).mean()
    best = min(ridges, key=left_out)
    assert ridges[0] < best < ridges[-1]
    weight, bias = regression(pictures, words)
    expected_weight, expected_bias = fitted(pictures, words, best)
    np.testing.assert_allclose(weight, expected_weight, rtol=0, atol=1e-8)
    np.testing.assert_allclose(bias, expected_bias, rtol=0, atol=1e-8)


def test_pictures_that_are_all_alike_say_the_mean_word():
    _, words, _ = drawn(FEWEST_ALIGNED, 1.0)
    weight, bias = regression(np.ones((FEWEST_ALIGNED, 3)), words)
    np.testing.assert_allclose(weight @ np.ones(3) + bias, words.mean(0), rtol=0, atol=1e-9)


def test_too_few_are_refused_with_their_number():
    pictures, words, _ = drawn(FEWEST_ALIGNED - 1, 0)
    with pytest.raises(
        UserError, match=f"{FEWEST_ALIGNED - 1} training samples show both .* expected {FEWEST_ALIGNED} or more"
    ):
        regression(pictures, words)


def test_means_are_of_words_and_pictures_that_are_there():
    table = torch.arange(10.0)[:, None].repeat(1, 2)
    # [CLS] 5 6 [SEP], an empty text, [CLS] 9 [SEP].
    ids = torch.tensor([[1, 5, 6, 2], [1, 2, 0, 0], [1, 9, 2, 0]])
    mask = torch.tensor([[True] * 4, [True, True, False, False], [True, True, True, False]])
    features = torch.arange(3 * 2 * 2.0).reshape(3, 2, 2, 1)
    features[0, 1] = torch.nan
    slots = torch.tensor([[0, -1], [0, 1], [0, 1]])
    batch = Batch((TextInputs(ids, mask), FeatureInputs(features, slots)), torch.ones(3, 2, dtype=torch.bool))
    pictures, words = means(batch, table)
    assert pictures.tolist() == [[0.5], [9.5]]
    assert words.tolist() == [[5.5, 5.5], [9.0, 9.0]]
    # Another text and a bag count as well.
    more = Batch((*batch.inputs, *batch.inputs[::-1]), torch.ones(3, 4, dtype=torch.bool))
    assert all(torch.equal(a, b) for a, b in zip(means(more, table), (pictures, words), strict=True))

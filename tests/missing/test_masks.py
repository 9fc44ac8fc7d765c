"""The missingness protocol."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.missing import masks as missing

N = st.integers(1, 300)
RATE = st.floats(0, 1)
SEED = st.integers(0, 10)


def draw(n, pattern, rate, seed=0, data="d", split="train", modalities=("text", "image")):
    return missing.mask(n, pattern, rate, data=data, split=split, seed=seed, modalities=modalities)


@given(N, RATE, RATE, SEED, st.sampled_from(missing.PATTERNS))
def test_masks_are_nested_in_the_rate(n, a, b, seed, pattern):
    low, high = sorted((a, b))
    assert not (draw(n, pattern, high, seed) & ~draw(n, pattern, low, seed)).any()


@given(N, RATE, SEED)
def test_rates_are_met_to_half_a_sample(n, rate, seed):
    expected = int(np.floor(rate * n + 0.5))
    assert (~draw(n, "image", rate, seed)[:, 1]).sum() == expected
    assert draw(n, "image", rate, seed)[:, 0].all()
    both = ~draw(n, "both", rate, seed)
    assert both.sum() == expected
    assert abs(both[:, 0].sum() - both[:, 1].sum()) <= 1
    assert both.sum(1).max(initial=0) <= 1


def test_paper_sizes():
    """ODIR's training split of 2,781 at "both" 0.7: 835 complete, 973 without text, 973 without image."""
    kept = draw(2781, "both", 0.7)
    lacks_text, lacks_image = (~kept).sum(0)
    assert abs(kept.all(1).sum() - 835) <= 1
    assert abs(lacks_text - 973) <= 1
    assert abs(lacks_image - 973) <= 1


def test_three_modalities_take_turns():
    kept = draw(90, "both", 1.0, modalities=("a", "b", "c"))
    assert (~kept).sum(0).tolist() == [30, 30, 30]


def test_depends_on_data_split_pattern_and_seed_and_on_nothing_else():
    base = draw(100, "both", 0.5)
    assert (base == draw(100, "both", 0.5)).all()
    others = [draw(100, "both", 0.5, data="e"), draw(100, "both", 0.5, split="test"), draw(100, "both", 0.5, seed=1)]
    assert all((base != other).any() for other in others)


@pytest.mark.parametrize(("pattern", "rate"), [("txt", 0.5), ("image", 1.1), ("image", -0.1)])
def test_wrong_arguments_are_refused(pattern, rate):
    with pytest.raises(ValueError, match=r"unknown missing pattern|outside 0\.\.1"):
        draw(10, pattern, rate)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()).filter(any), min_size=1), RATE, st.sampled_from(missing.PATTERNS)
)
def test_a_mask_never_takes_the_last_modality_nor_adds_one(natural, rate, pattern):
    natural = np.array(natural)
    present = missing.combine(natural, draw(len(natural), pattern, rate))
    assert present.any(1).all()
    assert not (present & ~natural).any()


@pytest.mark.parametrize("modalities", [2, 3])
def test_patterns_are_numbered_one_to_one(modalities):
    presence = missing.pattern_presence(modalities)
    assert presence.any(1).all()
    assert missing.pattern_index(presence).tolist() == list(range(2**modalities - 1))


def test_realised():
    natural = np.array([[1, 1], [1, 1], [1, 0], [1, 1]], bool)
    present = np.array([[1, 1], [0, 1], [1, 0], [1, 1]], bool)
    assert missing.realised(natural, present) == {
        "complete": 0.5, "without_text": 0.25, "naturally_without_text": 0.0,
        "without_image": 0.25, "naturally_without_image": 0.25,
    }  # fmt: skip

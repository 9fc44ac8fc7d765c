"""What a record says of a mask."""

import numpy as np
import pytest
from units import drawn, units

from mora_bench.cells.missing import Missing
from mora_bench.data.presence import combine
from mora_bench.missing.contract import Mechanism
from mora_bench.missing.effects import effects
from mora_bench.missing.masks import mask


def test_shares_and_odds_by_hand():
    natural = np.array([[True, True], [True, True], [True, True], [True, True], [True, False]])
    present = np.array([[True, True], [False, True], [False, True], [True, False], [True, False]])
    targets = np.array([[1], [1], [0], [0], [1]], np.uint8)
    by_modality = effects(
        natural, present, ("text", "image"), targets, ("A",), {"old": np.array([1, 1, 0, 0, 1], bool)}
    )
    # The last sample has nothing but its text, so it cannot lose it.
    assert by_modality["text"]["all"] == {"n": 4, "share": 0.5}
    assert by_modality["text"]["share by label"] == {"A": 0.5}
    assert by_modality["text"]["share by group"] == {"old": 0.5}
    assert by_modality["image"]["all"] == {"n": 4, "share": 0.25}
    assert by_modality["image"]["share by label"] == {"A": 0.0}
    assert by_modality["image"]["odds ratio by label"]["A"] == pytest.approx((0.5 * 1.5) / (2.5 * 1.5))
    none = effects(natural, present, ("text", "image"), targets * 0, ("A",), {})
    assert none["text"]["share by label"] == {"A": None}
    assert none["text"]["odds ratio by label"] == {"A": None}
    # Nobody loses the image: half a sample in each count would say how frequent the label is, not who loses it.
    kept = present | np.array([False, True])
    kept[:, 1] &= natural[:, 1]
    untouched = effects(natural, kept, ("text", "image"), targets, ("A",), {})["image"]
    assert untouched["all"]["share"] == 0
    assert untouched["odds ratio by label"] == {"A": None}


def test_a_mechanism_by_a_label_shows_its_odds_ratio():
    cohort = units(20_000)
    present = combine(cohort.natural, drawn(cohort, Missing("label:B", 1.5), pattern="text", rate=0.4))
    text_effects = effects(cohort.natural, present, cohort.modalities, cohort.targets, cohort.labels, {})["text"]
    assert np.log(text_effects["odds ratio by label"]["B"]) == pytest.approx(1.5, abs=0.13)
    assert np.log(text_effects["odds ratio by label"]["A"]) == pytest.approx(0, abs=0.13)
    assert text_effects["all"]["share"] == pytest.approx(0.4, abs=0.015)


def test_a_mask_of_another_rate_is_refused(monkeypatch):
    class Greedy(Mechanism):
        def draw(self, context, rate, strength):
            return np.zeros((len(context), 2), bool)

    monkeypatch.setattr("mora_bench.missing.masks.mechanism", lambda name: (Greedy(), ""))
    with pytest.raises(ValueError, match=r"took something from 300 of 300; asked for 50%"):
        mask(units(300), "both", 0.5, Missing("greedy"), data="d", split="train", seed=0)

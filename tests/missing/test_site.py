"""Missing by group: whole sites lack a modality."""

from itertools import pairwise

import numpy as np
import pytest
from units import drawn, units

from mora_bench.cells.missing import Missing
from mora_bench.checks.mechanism import check
from mora_bench.errors import UserError
from mora_bench.missing.contract import Known
from mora_bench.missing.masks import settled
from mora_bench.missing.site import Site


def test_whole_sites_lack_a_modality():
    cohort = units()
    kept = drawn(cohort, Missing("site:site", 1.0), pattern="image", rate=0.5)
    lost = ~kept[:, 1]
    shares = {s: lost[np.array(cohort.covariates["site"]) == s].mean() for s in "abcdefghij"}
    assert sum(0 < share < 1 for share in shares.values()) <= 1
    assert lost.mean() == pytest.approx(0.5, abs=0.02)


def test_a_site_that_lacks_a_modality_lacks_it_on_all_sides():
    cohort = units()
    site = np.array(cohort.covariates["site"])

    def lacking(split, pattern="image"):
        kept = drawn(cohort, Missing("site:site", 1.0), pattern, split=split)
        return {name for name in "abcdefghij" if not kept[site == name].all(1).any()}

    assert 4 <= len(lacking("train")) <= 5
    assert lacking("train") == lacking("val") == lacking("test") == lacking("test", "text")


def test_sites_without_an_argument_are_patients():
    cohort = units(400, patients=40)
    kept = drawn(cohort, Missing("site", 1.0), pattern="image", rate=0.5)
    by_patient = {}
    for group, row in zip(cohort.patients, kept[:, 1], strict=True):
        by_patient.setdefault(group, set()).add(bool(row))
    assert sum(len(states) > 1 for states in by_patient.values()) <= 1


def test_masks_are_nested_over_rates():
    cohort = units(150)
    masks = [drawn(cohort, Missing("site:site", 0.5), rate=rate) for rate in np.linspace(0, 1, 21)]
    assert all((low | ~high).all() for low, high in pairwise(masks))


def test_a_site_that_is_not_there_is_told():
    with pytest.raises(UserError, match="this dataset has age"):
        settled(Missing("site:ward"), "d", Known({"age": ("1",)}))


def test_a_strength_beyond_whole_groups_is_refused_and_not_clamped():
    """Clamped, it would draw the masks of strength 1 under another key."""
    known = Known({"site": ("a",)})
    assert settled(Missing("site:site", 1.0), "d", known).strength == 1.0
    with pytest.raises(UserError, match=r"'site:site' on d: strength 2 is not one that it knows; expected 0 to 1\."):
        settled(Missing("site:site", 2.0), "d", known)
    with pytest.raises(ValueError, match="mechanism site:site: strength 2"):
        drawn(units(), Missing("site:site", 2.0), rate=0.5)


class Clamped(Site):
    """What `site` was: it takes any strength and draws as at 1."""

    strengths = (0.0, float("inf"))

    def draw(self, context, rate, strength):
        return super().draw(context, rate, min(strength, 1.0))


def test_check_names_a_mechanism_that_clamps():
    broken = [wrong for _, wrong in check(Clamped) if wrong]
    assert broken == ["strengths 1 and 2 draw the same mask; say in `strengths` how far it goes"]

"""The area under a curve where samples come in clusters: against scikit-learn, DeLong's variance, and simulation."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mora_bench.statistics import auroc


def test_it_is_the_area_that_scikit_learn_gives_ties_too():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores, positive = rng.integers(0, 9, 80).astype(float), rng.random(80) < 0.3
        area, _ = auroc.auroc(scores, positive, np.arange(80))
        assert area == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_without_clusters_the_variance_is_delongs():
    rng = np.random.default_rng(1)
    positive = rng.random(300) < 0.4
    scores = rng.normal(size=300) + positive
    area, draws = auroc.auroc(scores, positive, np.arange(300))
    wins = (scores[positive][:, None] > scores[~positive]).astype(float)
    variance = wins.mean(1).var(ddof=1) / positive.sum() + wins.mean(0).var(ddof=1) / (~positive).sum()
    assert draws == pytest.approx(area * (1 - area) / variance, rel=1e-9)


def test_copies_of_a_patient_add_nothing():
    rng = np.random.default_rng(2)
    positive = rng.random(120) < 0.5
    scores = rng.normal(size=120) + 0.8 * positive
    once = auroc.auroc(scores, positive, np.arange(120))
    five = auroc.auroc(np.repeat(scores, 5), np.repeat(positive, 5), np.repeat(np.arange(120), 5))
    assert five == pytest.approx(once, rel=0.02)


def test_an_area_of_one_on_few_is_not_certain():
    scores, positive = np.arange(20.0), np.arange(20) >= 15
    area, draws = auroc.auroc(scores, positive, np.arange(20))
    assert (area, draws) == (1.0, 5.0)
    low, high = auroc.interval(area, draws, 0.025)
    assert low < 0.6
    assert high == pytest.approx(1.0)


def test_the_lower_bound_lies_above_exactly_where_the_test_refuses():
    for share in np.linspace(0.5, 0.99, 30):
        for draws in (12, 80, 900):
            for level in (0.05, 0.001):
                low, _ = auroc.interval(share, draws, level)
                assert (low > 0.6) == (auroc.exceeds(share, draws, 0.6) < level)


@pytest.mark.parametrize("visits", [1, 6])
def test_the_lower_bound_holds_its_level(visits):
    """Patients with several visits, a patient's scores alike; the true area is that of two normals."""
    from scipy.stats import norm

    truth = float(norm.cdf(0.5 / 2**0.5))
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(2000):
        positive = np.repeat(rng.random(60) < 0.4, visits)
        patient = np.repeat(np.arange(60), visits)
        scores = 0.9 * np.repeat(rng.normal(size=60), visits) + (0.19**0.5) * rng.normal(size=len(patient))
        area, draws = auroc.auroc(scores + 0.5 * positive, positive, patient)
        missed += auroc.interval(area, draws, 0.05)[0] > truth
    assert missed / 2000 <= 0.065

"""The ceilings of the twins against a simulation that draws patients and reads everything there is to read."""

import numpy as np
import pytest

from mora_bench.data.presence import pattern_presence
from mora_bench.data.readers import cxr, odir
from mora_bench.data.twins import cxr_patients, odir_patients
from mora_bench.data.twins.noise import telling
from mora_bench.scoring.ceiling import ceiling

N = 400_000
PATTERNS = [(True, False), (False, True), (True, True)]


def drawn(dataset, rng, n):
    """The signs of n patients, and which of them text and image report: bool [n, F], [2, n, F]."""
    if dataset == "odir":
        names, rates = list(odir_patients.SIGNS), np.array([rate for _, rate, _ in odir_patients.SIGNS.values()])
        seen, false, ill = odir_patients.SEEN, odir_patients.FALSE, np.ones((n, 1), bool)
    else:
        names, rates = list(cxr_patients.FINDINGS), 1.5 * np.array([r for r, _ in cxr_patients.FINDINGS.values()])
        seen, false, ill = cxr_patients.SEEN, cxr_patients.FALSE, rng.random((n, 1)) >= cxr_patients.NORMAL_SHARE
    has = ill & (rng.random((n, len(names))) < rates)
    sensitivity = np.array(
        [[telling(name not in seen, None) for name in names], [telling(n in seen, None) for n in names]]
    )
    reported = rng.random((2, n, len(names))) < np.where(has, sensitivity[:, None], false)
    return names, rates, has, reported, sensitivity, false


def of_labels(dataset, names, has):
    """bool [n, F] -> bool [n, C]."""
    if dataset == "cxr":
        return has[:, [names.index(label) for label in cxr.LABELS]]
    of = [odir_patients.SIGNS[name][0] for name in names]
    columns = [
        has[:, [k for k, sign_label in enumerate(of) if sign_label == label]].any(1) for label in odir.LABELS[1:]
    ]
    return np.stack([~has.any(1), *columns], 1)


def posteriors(dataset, names, rates, reported, sensitivity, false, present):
    """By Bayes' rule on the whole evidence of each patient: float [n, C]."""
    if_present, if_absent = np.ones_like(rates), np.ones_like(rates)
    for m in np.flatnonzero(present):
        if_present = if_present * np.where(reported[m], sensitivity[m], 1 - sensitivity[m])
        if_absent = if_absent * np.where(reported[m], false, 1 - false)
    ill, chance = if_present * rates + if_absent * (1 - rates), if_present * rates
    if dataset == "cxr":
        weight = (1 - cxr_patients.NORMAL_SHARE) * ill.prod(1)
        weight /= weight + cxr_patients.NORMAL_SHARE * if_absent.prod(1)
        return (weight[:, None] * chance / ill)[:, [names.index(label) for label in cxr.LABELS]]
    none, of = 1 - chance / ill, [odir_patients.SIGNS[name][0] for name in names]
    columns = [
        1 - none[:, [k for k, sign_label in enumerate(of) if sign_label == label]].prod(1) for label in odir.LABELS[1:]
    ]
    return np.stack([none.prod(1), *columns], 1)


def f1(predicted, true):
    return 2 * (predicted & true).sum(0) / (predicted.sum(0) + true.sum(0))


@pytest.mark.parametrize("dataset", ["odir", "cxr"])
def test_the_ceiling_is_what_a_perfect_reader_gets(dataset):
    rng = np.random.default_rng(0)
    names, rates, has, reported, sensitivity, false = drawn(dataset, rng, N)
    true = of_labels(dataset, names, has)
    assert abs(true.mean() - {"odir": 0.168, "cxr": 0.158}[dataset]) < 0.004
    known = {p: posteriors(dataset, names, rates, reported, sensitivity, false, p) for p in PATTERNS}
    for pattern, posterior in known.items():
        bounds = ceiling(dataset, np.array([pattern]))
        assert bounds["f1_macro"] == pytest.approx(f1(posterior > 0.5, true).mean(), abs=1e-3)
        best = np.max([f1(posterior > cut, true) for cut in np.arange(0.05, 0.95, 0.05)], axis=0)
        assert bounds["f1_macro_tuned"] >= best.mean() - 1e-3
        assert bounds["f1_macro_tuned"] <= bounds["f1_macro"] + 0.01
    # A mixture of patterns, as the "both" test has it.
    which = rng.integers(0, 3, N)
    mixed = np.select([which[:, None] == k for k in range(3)], list(known.values()))
    bounds = ceiling(dataset, np.array(PATTERNS)[which])
    assert bounds["f1_macro"] == pytest.approx(f1(mixed > 0.5, true).mean(), abs=1e-3)


@pytest.mark.parametrize("dataset", ["odir", "cxr"])
def test_the_simulation_draws_what_the_twin_draws(dataset):
    """Rates of signs that are there, told and shown among 4,000 patients of the twin: within four standard errors."""
    n = 4000
    names, _, has, reported, *_ = drawn(dataset, np.random.default_rng(0), 200_000)
    if dataset == "odir":
        cases = [odir_patients.case(np.random.default_rng([7, i])) for i in range(n)]
        shown = np.array([[name in c.visible[0] | c.visible[1] for name in names] for c in cases])
        words = [", ".join(c.keywords) for c in cases]
        text = np.array([[any(w in keywords for w in odir_patients.SIGNS[s][2]) for s in names] for keywords in words])
    else:
        cases = [cxr_patients.case(np.random.default_rng([7, i])) for i in range(n)]
        shown = np.array([[name in c.visible for name in names] for c in cases])
        text = np.array([[c.findings.count(".") for _ in names] for c in cases])
        assert abs(text[:, 0].mean() - reported[0].sum(1).mean()) < 4 * text[:, 0].std() / np.sqrt(n)
        text = None
    labels = np.array([c.labels for c in cases])
    for mine, theirs in ((labels, of_labels(dataset, names, has)), (shown, reported[1]), (text, reported[0])):
        if mine is not None:
            rate = theirs.mean(0)
            assert (np.abs(mine.mean(0) - rate) < 4 * np.sqrt(rate * (1 - rate) / n)).all()


def test_more_modalities_let_one_know_more():
    alone = [ceiling("cxr-views", pattern[None])["f1_macro"] for pattern in pattern_presence(3)]
    for k, pattern in enumerate(pattern_presence(3)):
        for other, more in enumerate(pattern_presence(3)):
            if (more >= pattern).all() and other != k:
                assert alone[other] > alone[k] + 0.01
    assert alone[0b101 - 1] == pytest.approx(ceiling("cxr", np.array([[True, True]]))["f1_macro"])


@pytest.mark.parametrize("dataset", ["odir-record", "odir-grade", "of a plug-in that is not there"])
def test_where_the_truth_is_not_known_there_is_no_ceiling(dataset):
    assert ceiling(dataset, np.ones((3, 2), bool)) == {}

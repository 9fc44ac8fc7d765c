"""The ICU twin: what is drawn, what can be known of it, and that no score of ours can tell censored from uncensored."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from mora_bench.cli import main as cli
from mora_bench.data import audit, datasets
from mora_bench.data.presence import pattern_presence
from mora_bench.data.readers.own import own_table
from mora_bench.data.twins import icu, icu_known, icu_patients
from mora_bench.data.twins.icu_patients import CONDITIONS, MODALITIES
from mora_bench.errors import UserError
from mora_bench.scoring.ceiling import ceiling
from mora_bench.tasks.named import task_of

N = 4000
PATTERNS = pattern_presence(4)


@pytest.fixture(scope="module")
def patients():
    return icu_patients.draw(np.random.default_rng(1), N)


@pytest.mark.parametrize("name", icu.QUESTIONS)
def test_each_question_is_a_table_that_keeps_every_rule(name):
    table = datasets.get(name).twin()
    assert [problem for _, problem in audit.problems(table) if problem] == []
    assert table.shape == {"film": "image", "note": "text", "record": "table", "vitals": "signal"}
    assert len(table) == icu.SAMPLES
    absent = 1 - table.present.mean(0)
    np.testing.assert_allclose(absent, [icu_patients.ABSENT[name] for name in MODALITIES], atol=0.04)
    assert table.present.any(1).all()


def test_texts_values_and_labels_are_pinned_to_the_version():
    """If this fails because the twin was changed on purpose: raise icu.VERSION, then pin the new checksums."""
    tables = {name: icu.table(name, range(30)) for name in icu.QUESTIONS}
    inputs = [tables["icu"].modalities[name].values for name in ("note", "record")]
    targets = [tables[name].targets.tolist() for name in tables]
    drawn = [round(float(np.nanmean(icu.Vitals(i).read().values)), 1) for i in range(3)]
    digest = hashlib.sha256(repr((icu.VERSION, inputs, targets, drawn)).encode()).hexdigest()[:12]
    assert digest == "3971134b3652"
    np.testing.assert_allclose([icu.Film(i).read().mean() for i in range(3)], [132.55, 103.6, 110.58], atol=0.3)


def test_a_patient_is_a_function_of_the_number_alone():
    one, several = icu.table("icu", range(5, 6)), icu.table("icu", range(3, 8))
    assert one.modalities["note"].values[0] == several.modalities["note"].values[2]
    np.testing.assert_array_equal(icu.Vitals(5).read().values, icu.Vitals(5).read().values)
    assert icu.Vitals(5).fingerprint() != icu.Vitals(6).fingerprint()
    assert not set(datasets.pool("icu", 0, 20).ids) & set(icu.table("icu").ids)


@pytest.mark.parametrize("name", MODALITIES)
def test_each_modality_tells_of_its_own_conditions_most(patients, name):
    at = MODALITIES.index(name)
    for k, condition in enumerate(CONDITIONS.values()):
        measured = patients.measured[:, k, at]
        share = patients.tells[measured & patients.has[:, k], k, at].mean()
        assert share == pytest.approx(0.9 if condition.modality == name else 0.25, abs=0.06)
        assert patients.tells[measured & ~patients.has[:, k], k, at].mean() == pytest.approx(0.01, abs=0.01)


def test_what_is_told_can_be_read_off_each_modality():
    """A reader with a ruler finds in nine of ten cases or more what the twin says that it told."""
    right = {name: [] for name in ("note", "record", "vitals")}
    for i in range(150):
        stay = icu.stay(i)
        note = icu_patients.note(icu._rng(i, 2), stay).lower()
        record, series = icu_patients.record(icu._rng(i, 3), stay), icu.Vitals(i).read()
        late = series.values[-len(series.values) // 4 :]
        for k, condition in enumerate(CONDITIONS.values()):
            words = {"Opacity": "opacity", "Lung": "hyperexpanded", "Aorta": "aorta", "Density": "density",
                     "Airspace Disease": "airspace", "Markings": "markings", "Cardiomegaly": "enlarged",
                     "Pleural Effusion": "effusion"}  # fmt: skip
            right["note"].append((words[condition.finding] in note) == stay.tells[k, 1])
            if record[condition.lab] is not None:
                mean, deviation = icu_patients.LABS[condition.lab]
                out = (record[condition.lab] - mean) / deviation * (-1 if condition.low[0] else 1)
                right["record"].append((out > icu_patients.OUT / 2) == stay.tells[k, 2])
            values = late[:, series.channels.index(condition.vital)]
            if np.isfinite(values).any():
                mean, deviation = icu_patients.VITALS[condition.vital]
                out = (np.nanmean(values) - mean) / deviation * (-1 if condition.low[1] else 1)
                right["vitals"].append((out > icu_patients.OUT / 2) == stay.tells[k, 3])
    assert {name: round(float(np.mean(hits)), 1) for name, hits in right.items()} == dict.fromkeys(right, 1.0)


def test_posteriors_are_calibrated_and_their_distribution_is_the_closed_form(patients):
    for pattern in ([True] * 4, [False, True, False, True], [True, False, False, False]):
        chances = icu_known.posteriors(patients, np.tile(pattern, (N, 1)))
        np.testing.assert_allclose(chances.mean(0), patients.has.mean(0), atol=0.02)
        for k, known in enumerate(icu_known.known(*pattern)):
            assert known.mass.sum() == pytest.approx(1)
            assert known.true.sum() == pytest.approx(list(CONDITIONS.values())[k].rate)
            # The mean square of the posterior, drawn and in closed form.
            assert (known.mass * known.posterior**2).sum() == pytest.approx((chances[:, k] ** 2).mean(), abs=0.02)


def test_grades_causes_and_deaths_follow_from_the_conditions(patients):
    certain = patients.has.astype(float)
    np.testing.assert_array_equal(icu_known.grades(certain, 3), icu._graded(patients))
    np.testing.assert_array_equal(icu_known.causes(certain), icu._caused(patients))
    half = np.full((1, 8), 0.5)
    np.testing.assert_allclose(icu_known.grades(half, 3)[0], np.array([1, 8, 28, 219]) / 256)
    np.testing.assert_allclose(icu_known.causes(half)[0], [*0.5 ** np.arange(1, 9), 0.5**8])
    by = icu_known.deaths(certain, icu.HORIZONS)
    for horizon, chances in zip(icu.HORIZONS, by.T, strict=True):
        assert chances.mean() == pytest.approx((patients.death <= horizon).mean(), abs=0.02)
    np.testing.assert_allclose(by, -np.expm1(-np.outer(hazards(patients), icu.HORIZONS)))


def hazards(patients):
    return icu_patients.HAZARD * np.exp(patients.has @ np.array([condition.risk for condition in CONDITIONS.values()]))


def test_censored_scores_are_those_of_the_whole_follow_up_within_their_error(patients):
    """Uno's concordance and the Brier score are weighted so that censoring does not move them; Harrell's is moved."""
    task = task_of(icu.QUESTIONS["icu-survival"].task)
    draws = []
    for seed in range(20):
        cohort = icu_patients.draw(np.random.default_rng([2, seed]), 2000)
        logits = icu.QUESTIONS["icu-survival"].answers(cohort, np.ones((2000, 4), bool))
        seen = task.scores(icu._followed(cohort), logits)
        uncensored = task.scores(np.stack([cohort.death, np.ones(2000)], 1), logits)
        draws.append([seen[name] - uncensored[name] for name in ("concordance_uno", "brier_integrated", "auroc")])
    mean, error = np.mean(draws, 0), np.std(draws, 0, ddof=1) / np.sqrt(len(draws))
    assert (np.abs(mean) < 3 * error + 1e-4).all(), (mean, error)


@pytest.mark.parametrize("name", icu.QUESTIONS)
def test_more_modalities_never_lower_the_ceiling(name):
    task = task_of(icu.QUESTIONS[name].task)
    bounds = [ceiling(name, np.tile(pattern, (10, 1)))[task.primary] for pattern in PATTERNS]
    for i, low in enumerate(PATTERNS):
        for j, high in enumerate(PATTERNS):
            if (low <= high).all():
                assert bounds[i] <= bounds[j] + 0.01
    assert bounds[-1] > max(bounds[:-1]) > 1.2 * min(bounds)


def test_a_ceiling_of_a_mixture_lies_between_those_of_its_parts():
    alone = ceiling("icu-severity", np.tile([False, True, False, False], (10, 1)))
    complete = ceiling("icu-severity", np.ones((10, 4), bool))
    mixed = ceiling("icu-severity", np.array([[False, True, False, False], [True] * 4] * 5))
    assert alone["kappa_quadratic"] < mixed["kappa_quadratic"] < complete["kappa_quadratic"]
    assert alone["mae"] > mixed["mae"] > complete["mae"]


def test_its_files_are_read_as_a_table_of_ones_own(tmp_path, capsys):
    assert cli.main(["twin", "icu", str(tmp_path / "icu"), "-n", "40"]) == 0, capsys.readouterr().err
    ward = own_table(
        "ward", "stays.csv", labels=list(CONDITIONS), image=["film"], text=["note"],
        table=["age", "sex", *icu_patients.LABS], signal=["vitals=charts.csv:key=stay;time=hour;unit=h;step=1"],
        id="stay",
    )  # fmt: skip
    read, drawn = ward.read(tmp_path / "icu"), icu.table("icu", range(40))
    np.testing.assert_array_equal(read.targets, drawn.targets)
    assert read.modalities["note"].values == drawn.modalities["note"].values
    for first, second in zip(read.modalities["vitals"].values, drawn.modalities["vitals"].values, strict=True):
        assert (first is None) == (second is None)
        if first is not None:
            values = second.read().values
            # The last hours may be gaps in all channels.
            np.testing.assert_allclose(first.values, values[: len(first.values)], atol=0.01)
            assert np.isnan(values[len(first.values) :]).all()
            assert first.channels == second.read().channels
    for first, second in zip(read.modalities["film"].values, drawn.modalities["film"].values, strict=True):
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_array_equal(first[0].read(), second[0].read())
    frame = pd.read_csv(tmp_path / "icu" / "stays.csv")
    np.testing.assert_allclose(frame[["days", "died"]], icu.table("icu-survival", range(40)).targets)


def test_it_has_no_original(tmp_path, capsys):
    with pytest.raises(UserError, match="no icu table in it or below it"):
        datasets.load("icu", tmp_path)
    assert cli.main(["twin", "icu", str(tmp_path / "x.png"), "--sheet"]) == 2
    assert "dataset 'icu' has no sheet to draw; known: odir, cxr" in capsys.readouterr().err

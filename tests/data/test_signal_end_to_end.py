"""A signal from a command to predictions, and what a competitor is shown of it."""

import numpy as np
import pandas as pd
import pytest
from mora_baselines.features import Signals
from mora_baselines.sampled import BANDS, STATISTICS, described

from mora_bench import registry
from mora_bench.cli import main as cli
from mora_bench.data.modalities.signal import Series
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import own_table
from mora_bench.data.readers.picture_paths import Views
from mora_bench.data.shown import shown
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.tasks.named import task_of

N = 60
ENTRY = "vitals=charts.csv:key=stay;time=hour;unit=h;step=1"


@pytest.fixture
def clinic(tmp_path):
    """60 stays, every fifth without a chart; whose heart beats fast is ill."""
    rng = np.random.default_rng(0)
    ill = rng.integers(0, 2, N)
    pd.DataFrame({"stay": [f"s{i}" for i in range(N)], "ill": ill, "note": ["seen", "seen again"] * (N // 2)}).to_csv(
        tmp_path / "stays.csv", index=False
    )
    rows = [(f"s{i}", h, 80 + 30 * ill[i] + rng.normal(), "") for i in range(N) if i % 5 for h in range(0, 24, 2)]
    pd.DataFrame(rows, columns=["stay", "hour", "hr", "bp"]).to_csv(tmp_path / "charts.csv", index=False)
    return tmp_path


def dataset():
    return own_table("stays", "stays.csv", labels=["ill"], text=["note"], signal=[ENTRY], id="stay")


def test_a_competitor_is_told_no_name_of_a_signal(clinic):
    table = dataset().read(clinic)
    rows = np.arange(6)
    visible = shown(table, rows, np.ones((6, 2), bool), False)
    values = visible.values["vitals"]
    assert values[0] is None
    assert values[5] is None
    assert isinstance(values[1].read(), Series)
    assert not hasattr(values[1], "path")
    assert values[1].fingerprint() != table.modalities["vitals"].values[1].fingerprint()
    hidden = shown(table, rows, np.array([[True, False]] * 6), False)
    assert set(hidden.values["vitals"]) == {None}


def test_new_records_have_the_channels_of_training(clinic, tmp_path):
    stays = dataset()
    table = stays.read(clinic)
    later = tmp_path / "later"
    later.mkdir()
    (later / "new.csv").write_text("stay,note\nn1,seen\nn2,seen\n")
    (later / "charts.csv").write_text("stay,hour,bp,extra,hr\nn1,0,,5,90\n")
    (part,) = new_records(table, later / "new.csv", Views(), made=stays.made, id="stay")
    first, second = part.table.modalities["vitals"].values
    assert first.channels == ("hr", "bp")
    np.testing.assert_array_equal(first.values, [[90, np.nan]])
    assert second is None
    (later / "charts.csv").write_text("stay,hour,hr\nn1,0,90\n")
    with pytest.raises(UserError, match="no column 'bp'"):
        list(new_records(table, later / "new.csv", Views(), made=stays.made, id="stay"))


def test_from_a_command_to_predictions(clinic, tmp_path, folder, as_a_new_user, capsys):
    out = tmp_path / "out"
    words = ["data", str(clinic / "stays.csv"), "--text", "note", "--signal", ENTRY, "--labels", "ill", "--id", "stay"]
    words += ["--backbone", str(folder), "--methods", "head", "mora", "--floors", "late-fusion", "frozen", "--seeds"]
    words += ["0", "--recipe.epochs", "2", "--recipe.max-text", "16", "--engine", "inline", "--save-adapters"]
    assert cli.main([*words, "--out", str(out)]) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert (
        "signal 'vitals': 48 of 60 rows have one; the first: 2 channels (hr, bp), a step every 1 h, 23 h, 74 %"
        in printed
    )
    records, _ = Store(out).records()
    assert {record.cell.method for record in records} == {"head", "mora", "late-fusion", "frozen"}
    trained = next(record for record in records if record.cell.method == "mora")
    facts = trained.data.contents["vitals"]
    assert facts["channels"] == ["hr", "bp"]
    assert facts["rate (Hz)"] == pytest.approx(1 / 3600)
    assert not trained.uncounted
    words = [
        "predict",
        str(out),
        trained.cell.key,
        str(clinic / "stays.csv"),
        "--id",
        "stay",
        "--data-root",
        str(clinic),
    ]
    assert cli.main([*words, "--plugin", str(out / "stays.py")]) == 0, capsys.readouterr().err
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("id,had,ill")
    assert lines[1].startswith("s0,note,")
    assert lines[2].startswith("s1,note+vitals,")


@pytest.mark.parametrize("name", ["late-fusion", "stacked", "frozen"])
def test_baselines_without_a_network_read_signals(name, clinic):
    """Here nothing else tells who is ill."""
    table = dataset().read(clinic)
    rows, everything = np.arange(N), np.ones((N, 2), bool)
    training = shown(table, rows, everything, True)
    predictor = registry.get(registry.PREDICTORS, name)()
    predictor.fit(training, training, 0)
    measured = table.present[:, 1]
    task = task_of(table.task)
    seen = task.logits(predictor.predict(shown(table, rows, everything, False)))
    assert task.scores(table.targets[measured], seen[measured])["auroc"] == 1
    blind = task.logits(predictor.predict(shown(table, rows, np.array([[True, False]] * N), False)))
    assert task.scores(table.targets[measured], blind[measured])["auroc"] < 0.7


def test_plain_features_of_a_series():
    time = np.arange(128)
    values = np.stack([np.sin(2 * np.pi * time / 4), np.full(128, np.nan)], 1)
    values[:10, 0] = np.nan
    features = described(Series(values, 1.0, ("a", "b"))).reshape(2, STATISTICS + BANDS)
    seen = values[10:, 0]
    expected = [118 / 128, seen.mean(), seen.std(), seen.min(), seen.max(), seen[0], seen[-1]]
    np.testing.assert_allclose(features[0, :STATISTICS], expected)
    # A quarter of the rate is the upper end of the last band but one.
    assert features[0, STATISTICS:].argmax() == BANDS - 2
    assert features[0, STATISTICS:].sum() == pytest.approx(1)
    assert features[1, 0] == 0
    assert np.isnan(features[1, 1:]).all()


def test_a_channel_nobody_measured_is_the_mean():
    rng = np.random.default_rng(0)
    values = [Series(np.stack([rng.normal(size=20), np.full(20, np.nan)], 1), 1.0, ("a", "b")) for _ in range(5)]
    features = Signals().fit(values).transform(values)
    assert np.isfinite(features).all()
    assert (features[:, STATISTICS + BANDS + 1 :] == 0).all()
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-12)

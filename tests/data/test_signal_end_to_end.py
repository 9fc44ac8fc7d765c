"""A signal from a command to predictions, and what a competitor is shown of it."""

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_sounds
from mora_baselines.features import Signals
from mora_baselines.sampled import BANDS, STATISTICS, described

from mora_bench import registry
from mora_bench.backbones.sounds import SoundRule
from mora_bench.cli import main as cli
from mora_bench.data.modalities.series import Series
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


@pytest.mark.parametrize("at_once", [None, 2])
def test_new_records_may_lack_a_signal_all_of_them_or_all_of_a_part(clinic, tmp_path, at_once):
    stays = dataset()
    table = stays.read(clinic)
    later = tmp_path / "later"
    later.mkdir()
    (later / "new.csv").write_text("stay,note\n" + "".join(f"n{i},seen\n" for i in range(1, 5)))
    charts = "stay,hour,hr,bp\nn4,0,90,\n"
    (later / "charts.csv").write_text(charts)
    parts = list(new_records(table, later / "new.csv", Views(), at_once=at_once, made=stays.made, id="stay"))
    had = [value is not None for part in parts for value in part.table.modalities["vitals"].values]
    assert had == [False, False, False, True]
    note = (
        "signal 'vitals': none of rows {} has one, as no row of charts.csv has their 'stay' and a measurement within "
        "the time that is read (if one should, compare the keys, and the unit of time)"
    )
    expected = [{"signal vitals": note.format("2 to 3")}, {}] if at_once else [{}]
    assert [part.notes for part in parts] == expected
    (later / "charts.csv").write_text(charts.replace("n4", "n 4"))
    parts = list(new_records(table, later / "new.csv", Views(), at_once=at_once, made=stays.made, id="stay"))
    assert not any(value for part in parts for value in part.table.modalities["vitals"].values)
    assert parts[-1].notes == {
        "signal vitals": note.format("4 to 5" if at_once else "2 to 5"),
        "signal vitals, table 0": f"WARNING: charts.csv: 1 of {at_once or 4} values of 'stay' are spelled otherwise "
        "there, so that these rows have nothing of it: 'n4' is 'n 4' there. Write both columns alike.",
    }


def test_new_records_none_of_whose_files_of_signals_is_there_are_told_where_they_were_looked_for(ward, tmp_path):
    sounds = own_table("ward", "ward.csv", labels=["ill"], text=["note"], signal=["cough={id}.npy:rate=5"], id="id",
                       absent_pictures="allow")  # fmt: skip
    table = sounds.read(ward)
    later = tmp_path / "later"
    later.mkdir()
    (later / "new.csv").write_text("id,note\nn1,seen\nn2,seen\n")
    (part,) = new_records(table, later / "new.csv", Views(), made=sounds.made, id="id")
    assert part.table.modalities["cough"].values == (None, None)
    where = "--pictures FOLDER says where they are"
    assert part.notes == {"signal cough": f"signal 'cough': none of its 2 files is below {later} ({where})"}
    np.save(later / "n2.npy", np.zeros((40, 2)))
    (part,) = new_records(table, later / "new.csv", Views(), made=sounds.made, id="id")
    assert not part.notes


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
    # New records none of which has a chart are predicted by their notes.
    later = tmp_path / "later"
    later.mkdir()
    (later / "new.csv").write_text("stay,note\nn1,seen\nn2,seen\n")
    (later / "charts.csv").write_text("stay,hour,hr,bp\ns1,0,90,\n")
    words[3] = str(later / "new.csv")
    for record in records:
        words[2] = record.cell.key
        assert cli.main([*words, "--plugin", str(out / "stays.py")]) == 0, capsys.readouterr().err
        printed = capsys.readouterr()
        assert [line.split(",")[:2] for line in printed.out.splitlines()[1:]] == [["n1", "note"], ["n2", "note"]]
        assert "signal 'vitals': none of rows 2 to 3 has one, as no row of charts.csv has their 'stay'" in printed.err


@pytest.fixture
def ward(tmp_path):
    """60 patients, every sixth without a sound; who is ill has a sound that swings fast."""
    rng = np.random.default_rng(0)
    ill = rng.integers(0, 2, N)
    pd.DataFrame({"id": [f"p{i}" for i in range(N)], "ill": ill, "note": ["seen", "seen again"] * (N // 2)}).to_csv(
        tmp_path / "ward.csv", index=False
    )
    for i in range(N):
        if i % 6:
            steps = np.arange(40 + i)
            swings = np.sin(2 * np.pi * steps / (3 if ill[i] else 15)) + 0.1 * rng.normal(size=len(steps))
            np.save(tmp_path / f"p{i}.npy", np.stack([swings, np.where(steps < 10, np.nan, steps)], 1))
    return tmp_path


@pytest.fixture
def ears(tmp_path_factory):
    """An encoder at 10 Hz."""
    return tiny_sounds(tmp_path_factory.mktemp("ears"), 10)


def words_of(ward, *more):
    words = ["data", ward / "ward.csv", "--text", "note", "--signal", "cough={id}.npy:rate=5", "--labels", "ill"]
    words += ["--absent-pictures", "allow", "--floors", "frozen", "--seeds", "0", "--recipe.epochs", "2"]
    return [*map(str, words), "--recipe.max-text", "16", "--engine", "inline", *map(str, more)]


def test_an_encoder_runs_once_for_all_cells_and_again_for_new_records(
    ward, ears, tmp_path, folder, as_a_new_user, capsys, monkeypatch
):
    heard = []
    encoded = SoundRule.encoded
    monkeypatch.setattr(SoundRule, "encoded", lambda rule, *rest: heard.append(rest) or encoded(rule, *rest))
    out, name = tmp_path / "out", f"{folder}+signal:{ears},4"
    backbones = ["--id", "id", "--backbone", folder, name, "--methods", "head", "mora", "--save-adapters", "--out", out]
    assert cli.main(words_of(ward, *backbones)) == 0, capsys.readouterr().err
    assert len(heard) == 50
    records, _ = Store(out).records()
    kinds = {(record.cell.method, record.cell.backbone) for record in records}
    assert kinds == {(method, net) for method in ("head", "mora", "frozen") for net in (str(folder), name)}
    # The data are the same, and so is what is missing.
    assert len({(record.cell.data, record.cell.drawn_by) for record in records}) == 1
    trained = next(r for r in records if (r.cell.method, r.cell.backbone) == ("mora", name))
    facts = trained.data.contents["cough"]
    assert (facts["channels"], facts["rate (Hz)"], facts["tokens a channel"]) == (["0", "1"], 5, 4)
    assert 0.5 < facts["measured"] < 1
    assert not trained.uncounted
    capsys.readouterr()
    words = ["predict", out, trained.cell.key, ward / "ward.csv", "--id", "id", "--data-root", ward]
    assert cli.main([*map(str, words), "--plugin", str(out / "ward.py")]) == 0, capsys.readouterr().err
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("p0,note,")
    assert lines[2].startswith("p1,note+cough,")
    assert len(heard) == 100


def test_gaps_with_an_encoder_and_an_encoder_without_signals_are_said_in_the_plan(
    ward, ears, tmp_path, folder, as_a_new_user, capsys
):
    name, out = f"{folder}+signal:{ears}", tmp_path / "out"
    asked = ["--id", "id", "--backbone", folder, name, "--methods", "head", "--gaps", "none", "end@0.5", "--plan"]
    assert cli.main(words_of(ward, *asked, "--out", out)) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert f"head makes no sense on {name}: its frozen encoder reads every signal once" in printed
    words = ["grid", "--datasets", "odir", "--backbone", name, "--methods", "head", "--out", str(out)]
    assert cli.main(words) == 2
    assert (
        "cannot run on odir: its encoder (+signal:) reads signals, and the dataset has none" in capsys.readouterr().err
    )


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


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("bp", "hr"), "has the channels ['bp', 'hr'], and ['hr', 'bp'] in sample 's0'"),
        (("hr", "bp", "rr"), "has the channels ['hr', 'bp', 'rr'], and ['hr', 'bp'] in sample 's0'"),
    ],
)
def test_baselines_alone_are_refused_signals_that_differ_as_networks_are(tmp_path, monkeypatch, capsys, columns, said):
    """Baselines read values themselves, and would take columns in another order by their place."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for i in range(30):
        names = columns if i == 20 else ("hr", "bp")
        pd.DataFrame(rng.normal(size=(9, len(names))), columns=names).to_csv(f"s{i}.csv", index=False)
    rows = pd.DataFrame({"id": [f"s{i}" for i in range(30)], "age": np.arange(30), "ill": [0, 1] * 15})
    rows.to_csv("ward.csv", index=False)
    command = ["data", "ward.csv", "--signal", "vitals={id}.csv:rate=1", "--table", "age", "--labels", "ill"]
    command += ["--id", "id", "--methods", "prior", "--floors", "none", "--engine", "inline", "--out", "out"]
    assert cli.main(command) == 2
    error = capsys.readouterr().err
    assert f"mora_bench: ward: sample 's20': its signal {said}." in error

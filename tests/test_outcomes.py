"""Grades and times to an event from a table to a decision: every verb of a grid on them, and what each refuses."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mora_bench.cli.main import main
from mora_bench.data.presence import pattern_titles
from mora_bench.records.store import Store
from mora_bench.tasks.named import task_of

N = 120
WORDS = ("effusion", "nodule", "clear", "scar")
WEIGHTS = np.array([1.5, 1.0, -1.0, 0.0])
ASKED = {
    "time-to-event:1,3": ("--time", "years", "--event", "status=dead", "--horizons", "1", "3"),
    "ordinal": ("--labels", "grade", "--grades", "none", "mild", "severe"),
}
MODALITIES = ("--id", "id", "--text", "note", "--table", "age", "--covariates", "age")

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def stays(as_a_new_user, tmp_path):
    """Notes whose words tell of a risk, ages that tell a little; times and grades by the risk."""
    rng, rows = np.random.default_rng(0), []
    for number in range(N):
        has, age = rng.random(4) < 0.4, rng.normal(60, 10)
        risk = has @ WEIGHTS + 0.03 * (age - 60)
        happens, leaves = rng.exponential(4 * np.exp(-risk)), rng.uniform(0.5, 8)
        rows.append(
            {
                "id": f"s{number}",
                "note": " ".join(word for word, present in zip(WORDS, has, strict=True) if present) or "nothing",
                "age": round(age),
                "years": round(min(happens, leaves), 2),
                "status": "dead" if happens <= leaves else "alive",
                "grade": ("none", "mild", "severe")[int(np.digitize(risk + rng.logistic() / 3, (0, 1)))],
            }
        )
    pd.DataFrame(rows).to_csv(tmp_path / "stays.csv", index=False)
    return tmp_path / "stays.csv"


def run(folder, *more):
    short = ("--methods", "head", "mora", "--seeds", "0", "--recipe.epochs", "1", "--recipe.patience", "0")
    short += ("--recipe.schedule", "linear")
    return main(["data", "stays.csv", *MODALITIES, "--backbone", str(folder), *short, "--save-adapters", *more])


@pytest.mark.parametrize("task", ASKED)
def test_every_verb_of_a_grid(stays, folder, task, capsys):
    assert run(folder, *ASKED[task], "--floors", "all") == 0
    printed = capsys.readouterr().out
    asked, out = task_of(task), "results/stays"
    assert f"Task: {asked.question}." in printed
    assert all(asked.metrics[name].brief in printed for name in asked.agree)
    records, _ = Store(Path(out)).records()
    floors = {record.cell.method for record in records} - {"head", "mora"}
    assert floors == ({"prior", "presence", "cox"} if asked.columns else {*FLOORS})
    assert {record.cell.task for record in records} == {task}
    plugin = ("--plugin", f"{out}/stays.py", "--data-root", str(stays.parent))
    assert main(["verify", out, *plugin]) == 0
    assert main(["rescore", out, "--test-rate", "0.5", *plugin]) == 0
    for metric in asked.metrics:
        assert main(["report", out, "--metric", metric, *plugin[:2]]) == 0
    capsys.readouterr()
    assert main(["rescore", out, "--as", "monai", *plugin]) == 1
    (left_out,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    assert f" and {len(records) - 1} more: task {task!r} has no scores as monai counts them" in left_out
    # New records get the probabilities that the cell itself gave to its test samples.
    cell = next(record.cell for record in records if record.cell.method == "mora")
    stored = Store(Path(out)).predictions(cell)
    frame = pd.read_csv("stays.csv").iloc[stored["test_rows"]]
    frame.drop(columns=["years", "status", "grade"]).to_csv("new.csv", index=False)
    assert main(["predict", out, cell.key, "new.csv", "--out", "out.csv", *plugin, "--changes", "--decide", "0.5"]) == 0
    table = pd.read_csv("out.csv")
    labels = [*table.columns[2 : 2 + len(asked.truth(stored["test_targets"])[0])]]
    expected = asked.probabilities(stored["test_logits"][:, -1])
    np.testing.assert_allclose(table[labels].to_numpy(), expected, atol=2e-6)
    # Changes add up from the constant that is best on validation.
    constant = asked.prior(stored["val_targets"].astype(float))
    changed = sum(table[[f"{label} by {name}" for label in labels]].to_numpy() for name in ("note", "table"))
    np.testing.assert_allclose(constant + changed, expected, atol=1e-5)
    assert main(["export", out, "--out", "all.csv", "--key", cell.key, *plugin]) == 0
    every = pd.read_csv("all.csv")
    tested = every[(every["side"] == "test") & (every["shown"] == TITLES[-1])]
    truth = asked.truth(stored["test_targets"]).ravel()
    np.testing.assert_array_equal(tested["true"].to_numpy(float), truth)
    for number, column in enumerate(asked.columns):
        np.testing.assert_array_equal(
            tested[f"true {column}"].to_numpy()[:: len(labels)], stored["test_targets"][:, number]
        )
    # A file of predictions made elsewhere, like those of a network.
    answers = ["import", out, "--like", cell.key, "--name", "mine", *plugin]
    assert main([*answers, "--template", "mine.csv"]) == 0
    filled = pd.read_csv("mine.csv")
    filled[labels] = asked.prior(stored["val_targets"].astype(float))
    filled.to_csv("mine.csv", index=False)
    assert main([*answers[:2], "mine.csv", *answers[2:]]) == 0


TITLES = pattern_titles(("note", "table"))
FLOORS = ("always", "frozen", "late-fusion", "presence", "prior", "stacked", "tfidf")


def test_what_asks_for_labels_is_refused_where_time_is_asked_for(stays, folder, capsys):
    asked = ASKED["time-to-event:1,3"]
    assert run(folder, *asked, "--mechanism", "label", "--plan") == 2
    assert "it reads labels, and the targets of this dataset do not say of every sample which are true" in (
        capsys.readouterr().err
    )
    assert run(folder, *asked, "--recipe.class-weights", "balanced", "--plan") == 2
    assert "the task 'time-to-event:1,3' of stays has no class weights" in capsys.readouterr().err
    assert run(folder, *asked[:4], "--horizons", "1,3", "--mechanism", "covariate:age", "--plan") == 0
    assert run(folder, *asked[:4], "--horizons", "soon", "--plan") == 2
    assert "--horizons soon: expected numbers, such as 30 90 365." in capsys.readouterr().err
    assert main(["check", "time-to-event:2,1"]) == 2
    assert "horizons above 0 that rise" in capsys.readouterr().err
    capsys.readouterr()
    assert run(folder, *asked, "--floors", "prior") == 0
    key = next(record.key for record in Store(Path("results/stays")).records()[0] if record.cell.method == "head")
    pd.read_csv("stays.csv")[["id", "note", "age"]].head(3).to_csv("new.csv", index=False)
    predict = ["predict", "results/stays", key, "new.csv", "--out", "o.csv", "--data-root", str(stays.parent)]
    predict += ["--plugin", "results/stays/stays.py"]
    for more in (["--coverage", "0.9"], ["--decide", "validation"]):
        assert main([*predict, *more]) == 2
        assert "nobody knows of every sample which answer is true" in capsys.readouterr().err
    assert main([*predict, "--decide", "0.5"]) == 0
    answers = pd.read_csv("o.csv", keep_default_na=False)
    by = answers[["by 1", "by 3"]].to_numpy()
    assert answers["decision"].tolist() == [
        "|".join(name for name, chance in zip(("by 1", "by 3"), row, strict=True) if chance > 0.5) for row in by
    ]


def test_networks_may_learn_by_coxs_loss_and_are_saved_and_used_as_others_are(stays, folder, capsys):
    asked = (
        *ASKED["time-to-event:1,3"],
        "--recipe.loss",
        "cox",
        "--recipe.head-bias",
        "prevalence",
        "--ranks",
        "1",
        "2",
    )
    assert run(folder, *asked, "--floors", "prior", "--fuse", "2") == 0
    assert "could not be counted" not in capsys.readouterr().out
    cells = [record.cell for record in Store(Path("results/stays")).records()[0] if record.cell.method == "mora"]
    assert {cell.recipe.loss for cell in cells} == {"cox"}
    plugin = ("--plugin", "results/stays/stays.py", "--data-root", str(stays.parent))
    pd.read_csv("stays.csv")[["id", "note", "age"]].to_csv("new.csv", index=False)
    assert main(["predict", "results/stays", cells[0].key, "new.csv", "--out", "out.csv", *plugin]) == 0
    chances = pd.read_csv("out.csv")[["by 1", "by 3"]].to_numpy()
    assert (np.diff(chances, axis=1) >= 0).all()
    # Samples differ by one number in the logarithm of the cumulative hazard.
    log = np.log(-np.log1p(-chances))
    assert np.ptp(log[:, 1] - log[:, 0]) < 1e-3
    assert run(folder, *ASKED["ordinal"], "--name", "grades", "--recipe.loss", "cox", "--plan") == 2
    assert "the task 'ordinal' of grades has its own loss alone" in capsys.readouterr().err
    assert run(folder, *asked, "--recipe.readout", "labels", "--plan") == 2
    assert "has one risk for all horizons" in capsys.readouterr().err


def test_a_cox_model_ranks_as_the_risk_does(stays, folder):
    assert run(folder, *ASKED["time-to-event:1,3"], "--floors", "cox", "prior", "--folds", "3") == 0
    store = Store(Path("results/stays"))
    scores = {r.cell.method: store.scores_of(r.cell).test["complete"].scores for r in store.records()[0]}
    assert scores["prior"]["concordance"] == 0.5
    assert scores["cox"]["concordance"] > 0.65
    assert scores["cox"]["brier_integrated"] < scores["prior"]["brier_integrated"]

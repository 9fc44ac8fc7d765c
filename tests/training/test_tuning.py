"""The search for recipes: equal budgets, no test sample, and what becomes of what is found."""

import math
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from mora_bench import campaign, registry
from mora_bench.cells.recipe import Recipe
from mora_bench.cli import main as cli
from mora_bench.cli.tune import _failures, _table
from mora_bench.data import datasets
from mora_bench.data.sides import sides
from mora_bench.errors import UserError
from mora_bench.methods.mora import Mora
from mora_bench.missing import supplied_mask
from mora_bench.plan.grid import Grid
from mora_bench.plan.presets import OF_A_PART, load_preset
from mora_bench.plan.tuned_preset import as_preset, chosen_on_tests
from mora_bench.tasks.metric import Metric
from mora_bench.training import tuning
from mora_bench.training.decoded import samples
from mora_bench.training.learner import Fit
from mora_bench.training.tuning import ladder, search, settings, untested

OPTIONS = ["--limit", "60", "--datasets", "odir", "--seeds", "0", "1", "--recipe.epochs", "3", "--workers", "1"]


@pytest.fixture
def planned(folder, runtime):
    def plan(*methods, recipe=None, **changes):
        grid = campaign.preset(
            "quick", methods=methods, datasets=("odir",), floors=("none",), seeds=(0,), backbone=(str(folder),),
            limit=60, **changes,
        )  # fmt: skip
        recipe = replace(grid.recipe, epochs=3, max_text=64) if recipe is None else recipe
        return campaign.plan(replace(grid, recipe=recipe), runtime).cells

    return plan


def test_the_ladder_of_epochs():
    assert [ladder(9), ladder(10), ladder(3), ladder(1)] == [[1, 3, 9], [1, 3, 10], [1, 3], [1]]


def test_rungs_of_a_plateau_hold_its_warm_up_and_its_decay(planned, runtime):
    """Epochs are then a cap, and looks are as in the recipe, because patience counts them."""
    recipe = Recipe(
        schedule="plateau", epochs=6, batch=8, lr=5e-3, patience=1, validate_every=0.5, warmup_epochs=0.5,
        decay_epochs=1.5, max_text=64,
    )  # fmt: skip
    assert tuning.rungs_of(recipe) == [2, 6]
    assert tuning.rungs_of(replace(recipe, epochs=30)) == [3, 10, 30]
    assert tuning.rungs_of(replace(recipe, schedule="linear")) == [1, 2, 6]
    (cell,) = planned("head", recipe=recipe)
    ledger = search(cell, (0,), 2, runtime)
    assert ledger.epochs == [2, 6]
    assert ledger.tuned == max(trial.scores["6"] for trial in ledger.trials)
    assert 0 < ledger.tuned <= 1


def test_every_method_is_tried_as_often_and_as_long(planned, runtime):
    ledgers = [search(cell, (0, 1), 5, runtime) for cell in planned("head", "mora", "map")]
    assert {len(ledger.trials) for ledger in ledgers} == {5}
    # 5 trials of one epoch; three epochs of the untuned one and of the best of the others.
    assert {ledger.epochs_trained for ledger in ledgers} == {5 + 2 * 3}
    for ledger in ledgers:
        assert ledger.trials[0].settings["lr"] == 5e-3
        assert ledger.tuned == max(t.scores.get("3", -1) for t in ledger.trials)
        assert ledger.tuned >= ledger.untuned
        assert all(set(t.scores) in ({"1"}, {"1", "3"}) for t in ledger.trials)


def test_the_same_search_finds_the_same(planned, runtime):
    (cell,) = planned("mora")
    first, again = (search(cell, (0,), 3, runtime) for _ in range(2))
    assert (first.trials, first.best) == (again.trials, again.best)


@pytest.mark.parametrize("higher", [True, False])
def test_halving_keeps_what_the_metric_calls_better_and_never_what_diverged(planned, runtime, monkeypatch, higher):
    """Scores below 0: one that diverged would come first among them if it counted as 0."""
    (cell,) = planned("head")
    metric = Metric("toy", higher, (-math.inf, math.inf), "decisions", 1, "made up", "this test")
    # By trial: the third diverges, the fourth scores highest, the second lowest.
    scores = {0: -5.0, 1: -9.0, 2: None, 3: -1.0, 4: -6.0, 5: math.nan}
    number_of = {trial.settings["lr"]: trial.number for trial in settings(cell, 6, tuning.SearchSpace(), 8)}

    def fitted(models, cells, views, device, runtime):
        score = scores[number_of[cells[0].recipe.lr]]
        if score is None:
            raise FloatingPointError("the training loss is nan")
        return [Fit(best_score=score)]

    monkeypatch.setattr(tuning, "metric_of", lambda *_: metric)
    monkeypatch.setattr(tuning, "built", lambda *_: [])
    monkeypatch.setattr(tuning, "fitted", fitted)
    ledger = search(cell, (0,), 6, runtime)
    assert ledger.best.number == (3 if higher else 1)
    assert ledger.tuned == (-1.0 if higher else -9.0)
    # Of six trials the untuned one and the best of the others go on.
    assert {trial.number for trial in ledger.trials if "3" in trial.scores} == {0, ledger.best.number}
    assert [ledger.trials[k].scores["1"] for k in (2, 5)] == [None, None]
    tuning.save(ledger, runtime)
    assert tuning.read(ledger.key, runtime).trials == ledger.trials
    (shown,) = (line for line in _table([ledger], {ledger.dataset: metric}).splitlines() if "head" in line)
    assert "| toy, higher is better |" in shown if higher else "| toy, lower is better |" in shown


def test_trials_are_within_the_space_and_the_ranks(planned):
    (cell,) = planned("mora")
    drawn = [trial.settings for trial in settings(cell, 40, tuning.SearchSpace(), 8)]
    for choice in drawn[1:]:
        assert 1e-4 <= choice["lr"] <= 2e-2
        assert 5e-4 <= choice["lr"] * choice["head_lr_mult"] <= 2.0001e-2
        assert 1e-3 <= choice["weight_decay"] <= 1e-1
    assert {choice["rank"] for choice in drawn} == {2, 4, 8}
    assert "rank" not in settings(*planned("head"), 3, tuning.SearchSpace(), 8)[1].settings


def test_a_search_reads_no_test_sample(planned, runtime, monkeypatch):
    """What the tested seeds test is replaced by another patient's: the search finds the same to the last digit."""
    (cell,) = planned("mora", pool=0)
    before = search(cell, (0, 1), 3, runtime)
    data = samples(cell.dataset, cell.backbone, cell.recipe.max_text, runtime)
    tested = np.unique(np.concatenate([sides(replace(cell, seed=s), data.table)["test"].rows for s in (0, 1)]))
    split = untested(cell, data.table, (0, 1))
    assert not set(tested) & {*split["train"].rows, *split["val"].rows}
    targets = data.table.targets.copy()
    targets[tested] = 1 - targets[tested]
    taken = np.arange(len(data))
    taken[tested] = split["train"].rows[0]

    class Elsewhere:
        def __init__(self, content):
            self.content = content

        def __getattr__(self, name):
            return getattr(self.content, name)

        def collate(self, rows, present):
            return self.content.collate(taken[rows], present)

    other = replace(data, table=replace(data.table, targets=targets), contents=tuple(map(Elsewhere, data.contents)))
    monkeypatch.setattr(tuning, "samples", lambda *_: other)
    after = search(cell, (0, 1), 3, runtime)
    assert (before.trials, before.best) == (after.trials, after.best)


def test_folds_of_tested_seeds_are_withheld(planned):
    (cell,) = planned("head", pool=0)
    table = datasets.load("odir", None)
    folded = replace(cell, folds=10)
    chosen = replace(folded, seed=tuning.tuning_seed(folded, (0, 1, 2)))
    assert chosen.seed == 3
    split = untested(chosen, table, (0, 1, 2))
    tested = {row for s in (0, 1, 2) for row in sides(replace(folded, seed=s), table)["test"].rows}
    assert not tested & {*split["train"].rows, *split["val"].rows}
    assert (len(split["train"]), len(split["val"])) == (500, 100)
    with pytest.raises(UserError, match="Use fewer seeds"):
        untested(replace(folded, seed=0), table, range(10))


def test_what_was_found_is_a_preset_that_a_grid_runs(folder, tmp_path, cache, monkeypatch, capsys):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    more = ["--backbone", str(folder), "--recipe.max-text", "64", *OPTIONS]
    out = tmp_path / "found"
    assert cli.main(["tune", "--methods", "head", "mora", "--trials", "3", "--out", str(out), *more]) == 0
    printed = capsys.readouterr().out
    assert "2 searches of 3 trials: 2 to do" in printed
    preset = tomllib.loads((out / "tuned.toml").read_text())
    assert set(preset["overrides"]) == {"full", "odir/head", "odir/mora"}
    assert preset["overrides"]["odir/mora"]["rank"] in (2, 4, 8, 16)
    grid = load_preset(str(out / "tuned.toml"))
    plan = campaign.plan(replace(grid, floors=("none",), limit=60), replace(campaign.runtime(grid), limit=60))
    for cell in plan.cells:
        overrides = preset["overrides"][f"odir/{cell.method}"]
        assert (cell.recipe.lr, cell.recipe.weight_decay) == (overrides["lr"], overrides["weight_decay"])
        assert cell.rank == overrides.get("rank")
    # Nothing is searched twice.
    assert cli.main(["tune", "--methods", "head", "mora", "--trials", "3", "--out", str(out), *more]) == 0
    assert "2 searches of 3 trials: 0 to do" in capsys.readouterr().out


def test_a_worker_takes_the_mask_from_the_folder(planned, runtime, tmp_path, monkeypatch):
    """A process of its own has read no mask file."""
    monkeypatch.setattr(supplied_mask, "_KNOWN", {})
    ids = datasets.load("odir", None).ids
    (tmp_path / "mine.csv").write_text("id,text,image\n" + "".join(f"{id},{n % 2},1\n" for n, id in enumerate(ids)))
    (cell,) = planned("head", mechanism=(f"mask:{tmp_path / 'mine.csv'}",), pool=0)
    campaign.prepare([cell], runtime)
    here = search(cell, (0,), 2, runtime)
    supplied_mask._KNOWN.clear()
    tuning.work([cell], runtime, tested=(0,), trials=2)
    there = tuning.read(tuning.ledger_key(cell, (0,), 2), runtime)
    assert (there.trials, there.best) == (here.trials, here.best)
    assert cell.rate == 0.5


@pytest.fixture
def tuned(tmp_path, folder, cache, monkeypatch, capsys):
    """Tunes two methods while the searches of some end without a ledger: code, standard output and errors."""
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    searched = tuning.work

    def tune(*lost):
        def work(bundle, runtime, **options):
            if bundle[0].method not in lost:
                searched(bundle, runtime, **options)

        monkeypatch.setattr(tuning, "work", work)
        more = ["--backbone", str(folder), "--recipe.max-text", "64", *OPTIONS, "--engine", "inline", "--trials", "2"]
        code = cli.main(["tune", "--methods", "head", "mora", "--out", str(tmp_path / "found"), *more])
        return code, *capsys.readouterr()

    return tune


def test_a_search_without_a_ledger_is_named_and_the_others_are_kept(tuned, tmp_path):
    code, said, errors = tuned("mora")
    assert code == 1
    assert set(tomllib.loads((tmp_path / "found" / "tuned.toml").read_text())["overrides"]) == {"full", "odir/head"}
    assert said.splitlines()[-1] == (
        "not tuned, with an untuned recipe in that preset: mora on odir; the same command tries again"
    )
    assert errors.count("failed: ") == 1


def test_without_any_ledger_no_preset_is_written_or_offered(tuned, tmp_path):
    code, said, errors = tuned("head", "mora")
    file = tmp_path / "found" / "tuned.toml"
    assert code == 1
    assert not file.exists()
    assert said.splitlines() == ["2 searches of 2 trials: 2 to do"]
    assert errors.splitlines()[-1] == f"no search has ended; {file} was not written"


def test_a_preset_holds_all_that_says_what_is_trained_and_tested(tmp_path):
    other = {
        "datasets": ("odir",), "methods": ("head",), "floors": ("tfidf",), "impute": ("mean",), "missing": ("text",),
        "rates": (0.3,), "mechanism": ("covariate:age",), "strength": (2.0,), "gaps": ("block@0.5",),
        "test_gaps": ("none",), "mask_unit": "patient", "test_mechanism": "uniform", "test_rate": 0.5,
        "blocks": ("0-2",), "knobs": ("a=1",), "seeds": (4,), "split": "row", "folds": 5, "pool": 7,
        "backbone": ("small-dual",),
    }  # fmt: skip
    decided = {"ranks", "lrs", "recipe", "after"}
    assert set(other) == {*OF_A_PART, "mask_unit", "split", "folds", "pool"} - decided
    assert all(value != getattr(Grid(), name) for name, value in other.items())
    file = tmp_path / "tuned.toml"
    file.write_text(as_preset(replace(Grid(), **other), {}, "found"))
    again = load_preset(str(file))
    assert {name: getattr(again, name) for name in other} == other
    # What is as by default is left to the defaults, as in the first of these files.
    file.write_text(as_preset(Grid(), {}, "found"))
    assert not {"mechanism", "gaps", "split"} & set(tomllib.loads(file.read_text()))


def test_seeds_that_test_what_a_search_saw_are_named(planned, runtime):
    (cell,) = planned("head", pool=0)
    cells = [replace(cell, folds=10, seed=seed) for seed in range(10)]
    (sentence,) = chosen_on_tests(replace(Grid(), tuned_for=(0, 1, 2)), cells, runtime)
    assert sentence.startswith("odir: seeds 3, 4, 5, 6, 7, 8, 9 test samples on which the recipes of this preset were")
    assert "`tune` kept apart those of seeds 0, 1, 2. Report these alone" in sentence
    (sentence,) = chosen_on_tests(replace(Grid(), tuned_for=(7,)), cells[7:9], runtime)
    assert sentence.startswith("odir: seed 8 tests samples")
    # A pool is no part of the table, and without a search none has seen anything.
    for kept, of in (((0, 1, 2), cells[:3]), ((0,), [replace(cell, pool=40, seed=1)])):
        assert chosen_on_tests(replace(Grid(), tuned_for=kept), of, runtime) == []
    assert chosen_on_tests(Grid(), cells, runtime) == []


def test_a_preset_of_a_search_says_which_seeds_it_kept_apart(tmp_path):
    file = tmp_path / "tuned.toml"
    file.write_text(as_preset(replace(Grid(), seeds=(0, 4)), {}, "found"))
    assert load_preset(str(file)).tuned_for == (0, 4)


class UpToFour(Mora):
    """It cannot run at a rank above 4."""

    def __init__(self, backbone, axes):
        if axes.rank > 4:
            raise ValueError(f"rank {axes.rank} is above 4")
        super().__init__(backbone, axes)


class Never(UpToFour):
    reads: ClassVar = UpToFour.reads | {"rank": 8}


def test_trials_that_a_method_cannot_run_count_as_worst_and_the_others_go_on(planned, runtime):
    registry._plugins[registry.METHODS]["four"] = UpToFour, "0", Path(__file__)
    (cell,) = planned("four")
    ledger = search(cell, (0,), 6, runtime)
    wrong = [trial for trial in ledger.trials if trial.error]
    assert [trial for trial in ledger.trials if trial.settings["rank"] > 4] == wrong != []
    assert {tuple(trial.scores.values()) for trial in wrong} == {(None,)}
    assert ledger.best.settings["rank"] <= 4
    assert ledger.tuned is not None
    assert f"{len(wrong)} of 6 trials ended in an error and count as worst; the first (" in _failures(ledger)
    assert "ValueError: rank" in _failures(ledger)
    tuning.save(ledger, runtime)
    assert tuning.read(ledger.key, runtime).trials == ledger.trials


def test_a_method_that_cannot_run_at_its_own_settings_ends_the_search(planned, runtime):
    registry._plugins[registry.METHODS]["never"] = Never, "0", Path(__file__)
    (cell,) = planned("never")
    with pytest.raises(ValueError, match="rank 8 is above 4"):
        search(cell, (0,), 3, runtime)


def test_recipes_of_an_earlier_search_are_not_written_over(tuned, tmp_path, folder, capsys):
    assert tuned()[0] == 0
    more = ["--backbone", str(folder), "--recipe.max-text", "64", *OPTIONS, "--engine", "inline", "--trials", "2"]
    file = tmp_path / "found" / "tuned.toml"
    before = file.read_text()
    assert cli.main(["tune", "--methods", "head", "lora", "--out", str(file.parent), *more]) == 2
    assert f"{file} holds recipes that an earlier search found and this one does not look for: odir/mora. Name" in (
        capsys.readouterr().err
    )
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--trials", "1"], "expected 2 or more"),
        (["--ranks", "2"], "`tune` searches ranks and learning rates itself"),
        (["--rates", "0.3", "0.7"], "one value"),
        (["--datasets", "odir", "--blocks", "0", "1"], "odir lora r8 b0 both@0.7 dummy seed0 and odir lora r8 b1 both"),
    ],
)
def test_searches_that_make_no_sense(wrong, message, capsys):
    assert cli.main(["tune", "--methods", "lora", "--plan", *wrong]) == 2
    assert message in capsys.readouterr().err


def test_without_optuna_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("mora_bench.cli.tune.find_spec", lambda name: None)
    assert cli.main(["tune", "--methods", "head"]) == 2
    assert "pip install 'mora-bench[tune]'" in capsys.readouterr().err

"""Scores as other libraries count them: each against its library, where that is installed, and against the page."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from mora_bench.cells.cell import Scoring
from mora_bench.cli import main as cli
from mora_bench.errors import UserError
from mora_bench.records.store import Store
from mora_bench.tasks import conventions
from mora_bench.tasks.conventions import CONVENTIONS, MULTI_CLASS, MULTI_LABEL, applied, binned
from mora_bench.tasks.multiclass import MultiClass, softmax
from mora_bench.tasks.multilabel import MultiLabel

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("as_others_score", ROOT / "benchmarks" / "as_others_score.py")
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)
TASKS = (MULTI_LABEL, MULTI_CLASS)
SECTION = ("\n" + (ROOT / "docs" / "tools.md").read_text()).partition("\n## Scores\n")[2].partition("\n## ")[0]


def needs(library: str) -> None:
    if not script.installed(library):
        pytest.skip(f"{library} is not installed")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("library", script.LIBRARIES)
def test_a_convention_gives_the_librarys_numbers(library, task):
    """On a rare label, labels without samples, ties, and probabilities of 0.5; also that it is NaN."""
    needs(library)
    ours = script.ours(task, library)
    known = {name: value for name, (_, value) in script.theirs(task, library).items() if name in script.SCORES}
    # What is counted alike has one value; what the library does not have is not among ours either.
    assert known == {name: pytest.approx(ours[name], abs=2e-6, nan_ok=True) for name in known}
    if library == "scikit-learn":
        assert "calibration_error" not in ours


def multi_label(seed):
    rng = np.random.default_rng(seed)
    targets = (rng.random((50, 4)) < rng.choice([0.0, 0.1, 0.5], 4)).astype(np.uint8)
    return targets, rng.normal(size=(50, 4)).round(1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(20))
def test_multi_label_scores_are_scikit_learns(seed):
    targets, logits = multi_label(seed)
    chances = 1 / (1 + np.exp(-logits))
    scores = applied(MultiLabel(), MULTI_LABEL, "scikit-learn").scores(targets, logits)
    with np.testing.suppress_warnings() as quiet:
        quiet.filter(UserWarning)
        assert scores["f1_macro"] == pytest.approx(
            metrics.f1_score(targets, logits > 0, average="macro", zero_division=0)
        )
        assert scores["map"] == pytest.approx(metrics.average_precision_score(targets, chances))
        assert scores["auroc"] == pytest.approx(metrics.roc_auc_score(targets, chances), nan_ok=True)
    assert scores["brier"] == pytest.approx(((chances - targets) ** 2).mean())


def test_the_brier_score_of_two_classes_is_twice_scikit_learns_and_under_its_convention_the_same():
    rng = np.random.default_rng(0)
    targets = np.eye(2, dtype=np.uint8)[rng.integers(0, 2, 40)]
    logits = rng.normal(size=(40, 2))
    known = metrics.brier_score_loss(targets[:, 1], softmax(logits)[:, 1])
    assert MultiClass().scores(targets, logits)["brier"] == pytest.approx(2 * known)
    assert applied(MultiClass(), MULTI_CLASS, "scikit-learn").scores(targets, logits)["brier"] == pytest.approx(known)


def test_thresholds_without_end_are_all_thresholds():
    """Probabilities that lie on a grid of 1/100 are told apart by 101 thresholds."""
    rng = np.random.default_rng(0)
    targets = (rng.random((60, 3)) < 0.4).astype(np.uint8)
    chances = (rng.integers(0, 100, (60, 3)) / 100).astype(np.float32)
    areas, precisions = binned(targets, chances, 101)
    for c in range(3):
        assert areas[c] == pytest.approx(metrics.roc_auc_score(targets[:, c], chances[:, c]), abs=1e-6)
        assert precisions[c] == pytest.approx(metrics.average_precision_score(targets[:, c], chances[:, c]), abs=1e-6)


@pytest.mark.parametrize(
    "name", ["torchmetric", "torchmetrics:1", "torchmetrics:x", "monai:100", ":5", "torchmetrics:"]
)
def test_an_unknown_convention_is_refused(name):
    with pytest.raises(UserError, match=r"unknown convention of scores .*; expected scikit-learn, torchmetrics"):
        conventions.check(name)


def test_a_task_that_no_library_knows_is_refused():
    with pytest.raises(UserError, match="task 'one-of' has no scores as monai counts them"):
        applied(MultiLabel(), "one-of", "monai")


def test_ours_has_the_key_that_it_had_and_each_convention_one_of_its_own():
    keys = {Scoring(convention=name).key for name in ("", *CONVENTIONS, "torchmetrics:100")}
    assert len(keys) == len(CONVENTIONS) + 2
    assert Scoring().key == Scoring(convention="").key


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def rows_of_the_page() -> list[tuple[str, list[str]]]:
    rows, task = [], ""
    for line in SECTION.splitlines():
        task = {"Multi-label": MULTI_LABEL, "Multi-class": MULTI_CLASS}.get(line.partition(":")[0], task)
        if line.startswith("| ") and not line.startswith("| score"):
            rows.append((task, cells(line)))
    return rows


def test_the_page_has_our_numbers():
    """What we give, and what we give as others, is what the page says: a change of ours fails here."""
    names = {title: name for name, title in script.SCORES.items()}
    looked = 0
    for task, (title, _, value, as_theirs, ours) in rows_of_the_page():
        known = script.ours(task).get(names[title])
        if ours not in ("equal", "—"):
            assert ours == script._shown(known), (task, title)
        elif ours == "equal":
            assert float(value) == pytest.approx(known, abs=6e-5), (task, title)
        if as_theirs != "—":
            library, _, number = as_theirs.rpartition(": ")
            assert number == script._shown(script.ours(task, library)[names[title]]), (task, title, library)
        looked += 1
    assert looked >= 45


def test_the_page_has_the_librarys_numbers_where_it_is_installed():
    installed = {library for library in script.PACKAGES if script.installed(library)}
    for task in TASKS:
        for line in script.rows(task):
            if line.startswith("| ") and not line.startswith("| score"):
                package = cells(line)[1].partition(" ")[0]
                if package in installed and f"{script.PACKAGES[package]} {script.installed(package)}" in SECTION:
                    assert line in SECTION, line


@pytest.fixture
def toy(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("MORA_BENCH_CACHE", str(cache))
    out = tmp_path / "out"
    arguments = ["--datasets", "cxr", "--methods", "prior", "tfidf", "--seeds", "0", "1", "--pool", "40"]
    assert cli.main(["grid", *arguments, "--engine", "inline", "--out", str(out)]) == 0
    return out


def test_rescore_counts_as_a_library_does_and_no_table_mixes_conventions(toy, capsys):
    before = (toy / "tables" / "comparison-twin.md").read_bytes()
    for name in ("torchmetrics", "torchmetrics:20"):
        assert cli.main(["rescore", str(toy), "--as", name]) == 0
        assert "4 cells scored again" in capsys.readouterr().out
    assert (toy / "tables" / "comparison-twin.md").read_bytes() == before
    tables = {file.name: file.read_text() for file in (toy / "tables").glob("comparison-twin*.md")}
    assert len(tables) == 3
    for name in ("torchmetrics", "torchmetrics:20"):
        (named,) = (text for text in tables.values() if f"scores as {name} counts them" in text)
        assert "**" in named
    for cell_scores in Store(toy).scores()[0]:
        scores = cell_scores.test["complete"].scores
        # Of what a library does not have there is nothing, rather than ours.
        assert ("f1_macro_tuned" in scores) == (not cell_scores.scoring.convention)
        assert ("brier" in scores) == (not cell_scores.scoring.convention)
    assert cli.main(["report", str(toy), "--metric", "auroc"]) == 0
    assert cli.main(["verify", str(toy)]) == 0
    assert cli.main(["rescore", str(toy), "--as", "torchmetric"]) == 2
    assert "unknown convention of scores 'torchmetric'" in capsys.readouterr().err

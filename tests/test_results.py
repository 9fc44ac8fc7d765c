"""What the README claims of the committed results, checked on their files."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from mora_bench.data import datasets
from mora_bench.records.store import Store
from mora_bench.records.verify import verify
from mora_bench.report.compare import compare
from mora_bench.report.row import Row
from mora_bench.report.section import Section
from mora_bench.report.write import read, write

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
FOLDERS = sorted(folder for folder in REFERENCE.iterdir() if Store(folder).exists)


def mean_f1(folder: str, tested: str, **wanted) -> float:
    """Mean test F1-macro over the three seeds of the cells whose fields are as wanted."""
    store = Store(REFERENCE / folder)
    keys = {r.key for r in store.records()[0] if all(getattr(r.cell, name) == value for name, value in wanted.items())}
    scores = [s.test[tested].scores["f1_macro"] for s in store.scores()[0] if s.key in keys]
    assert len(scores) == 3
    return float(np.mean(scores))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nothing_of_what_is_shipped_is_wrong(folder):
    findings = verify(Store(folder))
    assert findings.wrong == []
    assert {record.lacks("split") for record in findings.believed.records} == {folder.name != "quick"}


@pytest.mark.parametrize("dataset", ["odir", "cxr"])
def test_both_modalities_matter_on_the_twins(dataset):
    full = {"dataset": dataset, "method": "full"}
    both = mean_f1("one-modality", "complete", missing="complete", **full)
    text = mean_f1("one-modality", "image", missing="image", **full)
    image = mean_f1("one-modality", "text", missing="text", **full)
    # Predicting class c at random with its frequency has precision, recall and F1 equal to that frequency.
    chance = datasets.load(dataset, None).targets.mean()
    assert round(100 * chance, 1) == {"odir": 16.8, "cxr": 15.8}[dataset]
    assert min(text, image) >= chance + 0.15
    assert both >= max(text, image) + 0.10


@pytest.mark.parametrize("dataset", ["odir", "cxr"])
def test_the_shipped_backbone_is_worth_freezing(dataset):
    nets = ("small", "small-untrained")
    scores = [mean_f1("freezing", "complete", dataset=dataset, method="head", backbone=name) for name in nets]
    assert scores[0] >= scores[1] + 0.05


def section(folder: str, dataset: str, trained_at: str = "") -> Section:
    """The shipped section of a data set, and of a training rate if a folder has several."""
    (table,) = compare(read(REFERENCE / folder).cells)
    (shipped,) = [one for one in table.sections if one.dataset == dataset and one.title.endswith(trained_at)]
    return shipped


def mean_of(rows: list[Row], score: str) -> dict[str, float]:
    return {row.method: row.mean[score] for row in rows}


def test_linear_models_that_vote_beat_every_network_on_the_cxr_twin():
    """What the docs say of the twins. When that is no longer so, they have to say something else."""
    shipped = section("quick", "cxr")
    networks = mean_of(shipped.competing, "score both")
    assert set(networks) == {"full", "head", "lora", "map", "mora"}
    assert mean_of(shipped.floors, "score both")["late-fusion"] > max(networks.values())


@pytest.mark.parametrize("tested", ["complete", "image", "text", "both"])
def test_ten_folds_of_real_data_tell_no_mora_from_the_head_and_no_lora_from_mora(tested):
    """What the README says of its first table. When that is no longer so, the README has to say something else."""
    shipped = section("fused", "odir")
    assert len(shipped.seeds) == 10
    assert not shipped.among(f"score {tested}").over(len(shipped.competing)).any()
    assert shipped.resolution["score both"][1] < 0.03


@pytest.mark.parametrize(
    ("folder", "trained_at"),
    [("rank", ""), ("blocks", ""), ("imputation", ""), ("rate", "at 35%"), ("rate", "at 70%")],
)
def test_no_rank_block_imputer_or_lower_rate_tells_networks_apart_on_real_data(folder, trained_at):
    """What docs/findings.md says. When that is no longer so, it has to say something else."""
    shipped = section(folder, "odir", trained_at)
    assert len(shipped.seeds) == 5
    assert not shipped.among("score both").over(len(shipped.competing)).any()


def test_mora_leads_the_head_where_nine_of_ten_samples_lose_a_modality():
    shipped = section("rate", "odir", "at 90%")
    assert [row.method for row in shipped.competing] == ["head", "mora"]
    for score in ("score both", "score complete"):
        assert shipped.among(score).over(2).tolist() == [[False, False], [True, False]]
        head, mora = (row.mean[score] for row in shipped.competing)
        assert round(mora - head, 3) == 0.016


def test_on_ten_folds_that_lead_is_left_on_complete_samples_alone():
    shipped = section("rate90", "odir", "at 90%")
    assert shipped.seeds == list(range(10))
    head, mora = shipped.competing
    assert shipped.among("score complete").over(2).tolist() == [[False, False], [True, False]]
    assert not shipped.among("score both").over(2).any()
    assert round(mora.mean["score complete"] - head.mean["score complete"], 3) == 0.017
    floors = mean_of(shipped.floors, "score complete")
    assert head.mean["score complete"] < floors["tfidf"] < mora.mean["score complete"]


def test_mora_does_not_lead_the_field_on_real_data():
    shipped = section("field", "odir")
    scored = mean_of(shipped.competing, "score both")
    assert len(scored) == 10
    assert min(scored, key=scored.get).startswith("mora")
    assert not shipped.among("score both").over(10).any()
    auroc = [row.mean["auroc: score both"] for row in shipped.competing if row.method != "ragpt"]
    assert max(auroc) - min(auroc) < 0.003
    # What docs/findings.md says of the text missing: one network leads one other.
    names = [row.method for row in shipped.competing]
    leads = [(names[i], names[j]) for i, j in np.argwhere(shipped.among("score text").over(10))]
    assert leads == [("case-lora", "ragpt")]


def test_linear_models_on_frozen_features_lead_every_network_where_the_text_does_not_name_the_label():
    shipped = section("redacted", "odir-redacted")
    assert shipped.seeds == list(range(5))
    assert not shipped.among("score both").over(5).any()
    networks, floors = shipped.competing, [row.method for row in shipped.floors]
    led = shipped.against_floors("score both").over(5 + len(floors))[5:, :5]
    assert led[floors.index("frozen")].all()
    # What docs/findings.md says of patience.
    patient = [row for row in networks if "patience=10" in row.label and "labels" not in row.label]
    means = {row.method: round(100 * row.mean["score both"], 1) for row in patient}
    assert means == {"head": 27.4, "mora": 24.2}


def test_networks_under_real_weights_beat_counting_words_where_something_is_missing():
    shipped = section("fused", "odir")
    floors = mean_of(shipped.floors, "score both")
    for mean in mean_of(shipped.competing, "score both").values():
        assert mean > floors["tfidf"] + 0.04
        assert abs(mean - floors["frozen"]) < 0.02


def test_the_reference_is_there():
    assert {folder.name for folder in FOLDERS} == {
        "quick", "fused", "field", "rank", "blocks", "rate", "rate90", "imputation", "redacted", "one-modality",
        "freezing", "reports", "dropped", "precision", "larger", "dropped-complete", "projection",
    }  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_cell_of_the_committed_results_failed_and_no_file_is_left_out(folder):
    (records, refused), (scores, odd) = Store(folder).records(), Store(folder).scores()
    assert not refused
    assert not odd
    assert all(record.status == "done" for record in records)
    assert {record.key for record in records} == {entry.key for entry in scores}


def tracked() -> list[str]:
    """The files below results/reference that git knows."""
    command = ["git", "-C", str(REFERENCE), "ls-files"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.split()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_committed_files_give_the_committed_tables(folder, tmp_path):
    """Of the tables that a report writes, a clone has those that people read on its pages."""
    for file in folder.glob("*.parquet"):
        (tmp_path / file.name).symlink_to(file)
    write(tmp_path)
    names = [name for name in tracked() if name.startswith(f"{folder.name}/tables/")]
    assert [name for name in names if "/comparison-" in name]
    for name in names:
        made = tmp_path / "tables" / Path(name).name
        assert made.read_bytes() == (REFERENCE / name).read_bytes(), name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nothing_that_is_shipped_is_of_older_draws_or_files(folder):
    records, _ = Store(folder).records()
    assert not any(record.cell.older_draws or record.older for record in records)


def test_what_is_shipped_is_small():
    files = [REFERENCE / name for name in tracked()]
    assert len(files) <= 150
    assert sum(file.stat().st_size for file in files) <= 25_000_000


def test_nothing_of_the_real_data_is_committed():
    """No split of real data, for it holds ids, and no predictions."""
    names = tracked()
    assert "quick/scores.parquet" in names
    assert not [name for name in names if "splits" in name and name != "quick/splits.parquet"]
    assert not [name for name in names if "/predictions/" in name or "/adapters/" in name]
    assert all("twin" in name for name in Store(REFERENCE / "quick").split_documents.names())

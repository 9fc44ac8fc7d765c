"""What the README claims of the committed results, checked on their files."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from mora_bench.data import datasets
from mora_bench.records.store import Store
from mora_bench.report.compare import compare
from mora_bench.report.section import Section
from mora_bench.report.write import read, write

REFERENCE = Path(__file__).parents[1] / "results" / "reference"
#: The folders that this version made.
TODAYS = ("quick", "fused")
FOLDERS = sorted(folder for folder in REFERENCE.iterdir() if Store(folder).exists)


def mean_f1(folder: str, tested: str, **wanted) -> float:
    """Mean test F1-macro over the three seeds of the cells whose fields are as wanted."""
    store = Store(REFERENCE / folder)
    keys = {r.key for r in store.records()[0] if all(getattr(r.cell, name) == value for name, value in wanted.items())}
    found = [s.test[tested].scores["f1_macro"] for s in store.scores()[0] if s.key in keys]
    assert len(found) == 3
    return float(np.mean(found))


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
    scores = [mean_f1("freezing", "complete", dataset=dataset, backbone=name) for name in ("small", "small-untrained")]
    assert scores[0] >= scores[1] + 0.05


@pytest.mark.parametrize(("dataset", "tested"), [("odir", "complete"), ("odir", "both"), ("cxr", "complete")])
def test_counting_words_beats_every_network_on_real_data_where_text_can_be_seen(dataset, tested):
    """What the README says of the real tables. When that is no longer so, the README has to say something else."""
    words = mean_f1("real", tested, method="tfidf", dataset=dataset, source="real")
    for method in ("full", "head", "lora", "map", "mora"):
        assert words > mean_f1("real", tested, method=method, dataset=dataset, source="real")


def networks(folder: str) -> set[str]:
    """The methods of a folder, without the one that collapses."""
    cells = [record.cell for record in Store(REFERENCE / folder).records()[0]]
    return {cell.method for cell in cells if cell.recipe is not None} - {"memprompt"}


@pytest.mark.parametrize("tested", ["complete", "image", "text", "both"])
@pytest.mark.parametrize("dataset", ["odir", "cxr"])
def test_linear_models_that_vote_beat_every_network_on_the_small_vilt(dataset, tested):
    """What the README says of the twins. When that is no longer so, the README has to say something else."""
    floor = mean_f1("field", tested, method="late-fusion", dataset=dataset)
    assert floor > max(mean_f1("field", tested, method=name, dataset=dataset) for name in networks("field"))


@pytest.mark.parametrize("tested", ["complete", "image", "text", "both"])
@pytest.mark.parametrize(("dataset", "ahead"), [("odir", True), ("cxr", False)])
def test_networks_on_the_small_clip_are_ahead_of_the_floors_on_one_twin(dataset, ahead, tested):
    best = max(mean_f1("dual", tested, method=name, dataset=dataset) for name in networks("dual"))
    assert (best > mean_f1("dual", tested, method="late-fusion", dataset=dataset)) == ahead


def resolved() -> dict[str, Section]:
    """The sections of the shipped table of few methods and many seeds, by dataset."""
    (table,) = compare(read(REFERENCE / "resolve").cells)
    return {section.dataset: section for section in table.sections}


@pytest.mark.parametrize("dataset", ["odir", "cxr"])
@pytest.mark.parametrize("tested", ["complete", "image", "text", "both"])
def test_sixteen_seeds_resolve_three_points_and_tell_no_mora_from_the_head(dataset, tested):
    """What the README says of the preset `resolve`. When that is no longer so, the README has to say something else."""
    section = resolved()[dataset]
    assert len(section.seeds) == 16
    score = f"score {tested}"
    assert section.resolution[score][1] < 0.018
    agreement = section.among(score)
    pairs = agreement.pairs[0]
    names = [row.label.partition(" ")[0] for row in section.competing]
    assert names == ["head", "lora", "mora"]
    found = {(names[i], names[j]): k for k, (i, j) in enumerate(zip(pairs.first, pairs.second, strict=True))}
    mora, lora = found["head", "mora"], found["head", "lora"]
    assert not agreement.leads[mora]
    assert abs(pairs.difference[mora]) < 0.006
    assert -0.013 < pairs.low[mora] < pairs.high[mora] < 0.013
    # By F1 at 0.5 alone LoRA was told from the head everywhere; where both are missing on the CXR twin, F1 at
    # validation's thresholds is against it.
    depends = (dataset, tested) == ("cxr", "both")
    assert (agreement.leads[lora], agreement.depends[lora]) == ((0, True) if depends else (-1, False))
    assert -0.024 < pairs.difference[lora] < -0.008
    floor = max(row.mean[score] for row in section.floors)
    assert all(row.mean[score] < floor < section.ceiling[score] for row in section.competing)


def test_lora_and_mora_on_a_tower_that_has_read_english_beat_every_floor_on_every_fold():
    """What the README says of the MiniLM tower."""
    (table,) = compare(read(REFERENCE / "tower").cells)
    (section,) = table.sections
    values = {row.label.partition(" ")[0]: row.values["score complete"] for row in section.rows}
    floors = np.max([row.values["score complete"] for row in section.floors], axis=0)
    assert (values["lora"] > floors + 0.05).all()
    assert (values["mora"] > floors).all()
    assert values["lora"].mean() == pytest.approx(0.889, abs=5e-4)
    assert values["mora"].mean() == pytest.approx(0.841, abs=5e-4)
    assert values["head"].mean() == pytest.approx(0.715, abs=5e-4)
    found = section.among("score complete")
    names = [row.label.partition(" ")[0] for row in section.competing]
    assert {(names[i], names[j]) for i, j in np.argwhere(found.over(len(names)))} == {
        ("lora", "head"),
        ("lora", "mora"),
        ("mora", "head"),
    }


def test_the_reference_is_there():
    assert {*TODAYS, "real", "resolve", "one-modality", "freezing", "field", "impute"} <= {
        folder.name for folder in FOLDERS
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_cell_of_the_committed_results_failed_and_no_file_is_left_out(folder):
    (records, refused), (scores, odd) = Store(folder).records(), Store(folder).scores()
    assert not refused
    assert not odd
    assert all(record.status == "done" for record in records)
    assert {record.key for record in records} == {each.key for each in scores}


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
    kept = [name for name in tracked() if name.startswith(f"{folder.name}/tables/")]
    assert [name for name in kept if "/comparison-" in name]
    for name in kept:
        made = tmp_path / "tables" / Path(name).name
        assert made.read_bytes() == (REFERENCE / name).read_bytes(), name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_folders_of_older_draws_and_files_say_so(folder):
    records, _ = Store(folder).records()
    older = folder.name not in TODAYS
    assert {record.cell.older_draws for record in records} == {older}
    assert {record.older for record in records} == {older}
    for file in (folder / "tables").glob("comparison-*.md"):
        assert file.read_text().startswith("**Older draws: ") == older


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

"""What the README claims of the committed results, checked on their records."""

from pathlib import Path

import numpy as np
import pytest

from mora_bench.data import datasets
from mora_bench.records.store import Store

RESULTS = Path(__file__).parents[1] / "results"


def mean_f1(folder: str, tested: str, **wanted) -> float:
    """Mean test F1-macro over the seeds of the cells whose fields are as wanted."""
    found = [
        record["scores"]["test"][tested]["f1_macro"]
        for record in Store(RESULTS / folder).records()
        if all(record["cell"][name] == value for name, value in wanted.items())
    ]
    assert len(found) == 3
    return float(np.mean(found))


@pytest.mark.parametrize("dataset", ["odir", "cxr"])
def test_both_modalities_matter_on_the_twins(dataset):
    both = mean_f1("modalities", "complete", dataset=dataset, missing="complete")
    text = mean_f1("modalities", "image", dataset=dataset, missing="image")
    image = mean_f1("modalities", "text", dataset=dataset, missing="text")
    # Predicting class c at random with its frequency has precision, recall and F1 equal to that frequency.
    chance = datasets.load(dataset, None).targets.mean()
    assert round(100 * chance, 1) == {"odir": 16.8, "cxr": 15.8}[dataset]
    assert min(text, image) >= chance + 0.15
    assert both >= max(text, image) + 0.10


@pytest.mark.parametrize("dataset", ["odir", "cxr"])
def test_the_shipped_backbone_is_worth_freezing(dataset):
    scores = [mean_f1("freezing", "complete", dataset=dataset, backbone=name) for name in ("small", "small-untrained")]
    assert scores[0] >= scores[1] + 0.05


def test_no_cell_of_the_committed_results_failed():
    folders = [folder for folder in RESULTS.iterdir() if (folder / "records").is_dir()]
    assert {"quick", "modalities", "freezing", "field", "impute"} <= {folder.name for folder in folders}
    for folder in folders:
        assert all(record["status"] == "done" for record in Store(folder).records())

"""Whom a reader leaves out because they lack something is looked at, too."""

import pandas as pd
import pytest

from mora_bench.data import datasets
from mora_bench.data.twins import tables as twins
from mora_bench.doctor import levels
from mora_bench.doctor.questions import NONE, all_samples


@pytest.fixture
def published(tmp_path):
    """The CXR twin as files; every second normal report is empty."""
    twins.publish("cxr", tmp_path, 200)
    file = tmp_path / "indiana_reports.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    normal = frame.index[frame["Problems"] == "normal"][::2]
    frame.loc[normal, ["findings", "impression"]] = ""
    frame.to_csv(file, index=False)
    return tmp_path, len(normal)


@pytest.mark.parametrize(("name", "text"), [("cxr", "text"), ("cxr-views", "report"), ("cxr-redacted", "text")])
def test_reports_without_text_are_seen_to_be_normal(name, text, published):
    root, empty = published
    table, everybody = datasets.with_left_out(name, root)
    assert (len(table), len(everybody)) == (200 - empty, 200)
    assert datasets.load(name, root).ids == table.ids
    (finding,) = levels.look(all_samples(everybody), [])
    (level,) = finding.facts["levels"]
    assert (level["level"], level["patients"], level["labels"][NONE]["share"]) == (f"without {text}", empty, 1)


def test_a_dataset_that_leaves_out_nobody(tmp_path):
    twins.publish("odir", tmp_path, 12)
    table, everybody = datasets.with_left_out("odir", tmp_path)
    assert table.ids == everybody.ids

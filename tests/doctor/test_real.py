"""What doctor must find by itself in the published data, where it was counted by hand (docs/datasets.md)."""

from collections import Counter
from dataclasses import replace

import pandas as pd
import pytest
from planted import no_pictures_alike

from mora_bench.data import datasets
from mora_bench.data.readers import odir
from mora_bench.doctor import looks
from mora_bench.doctor.placeholders import placeholders
from mora_bench.doctor.questions import NONE, all_samples
from mora_bench.files import FileHashes

pytestmark = pytest.mark.real


def diagnosed(name, root, tmp_path, monkeypatch):
    # That look has a test of its own on these data; it takes minutes.
    no_pictures_alike(monkeypatch)
    table, everybody = datasets.with_left_out(name, root)
    hashes = FileHashes(tmp_path / "hashes.json")
    return table, looks.diagnose(table, everybody, hashes, None, 1, lambda _: None).findings


def facts_of(findings, look):
    return [finding.facts for finding in findings if finding.look == look]


def test_odir(real_data, tmp_path, monkeypatch):
    _, findings = diagnosed("odir", real_data, tmp_path, monkeypatch)
    (words,) = facts_of(findings, "words")
    six = {label: rule["words"] for label, rule in words["rules"].items() if rule["form"] == "any of"}
    assert {label: sorted(terms) for label, terms in six.items()} == {
        "G": ["glaucoma"],
        "C": ["cataract"],
        "A": ["age-related"],
        "H": ["hypertensive"],
        "M": ["myopi"],
        "D": ["diabetic", "proliferative"],
    }
    assert [words["rules"][label]["wrong"] for label in "GCAHMD"] == [0] * 6
    assert (words["rules"]["O"]["form"], words["rules"]["N"]["form"]) == ("anything else", "none of these")
    assert words["rules"]["O"]["wrong"] + words["rules"]["N"]["wrong"] <= 10
    tells = {fact["by"]: fact["labels"] for fact in facts_of(findings, "tells")}
    order = tells["the id and the order in the file"]
    assert set(order) == set("NDGCAHMO")
    assert order["N"]["auroc"] > 0.985
    assert "the length of text" in tells
    levels = {fact["level"]: fact for fact in facts_of(findings, "levels")[0]["levels"]}
    one = levels["with 1 picture of image"]
    # Of 298 patients two are others of these under another ID.
    assert (one["patients"], round(one["labels"]["O"]["share"], 3)) == (296, 0.686)
    assert round(levels["with 0 pictures of image"]["labels"]["O"]["share"], 3) == 0.511
    (repeats,) = facts_of(findings, "repeats")
    assert repeats["texts"] == 674
    assert 0.82 < repeats["in_training"] < 0.9


def test_age_one_of_odir_as_it_is_published(real_data):
    """The reader may make it unknown; the look sees it in the column as it stands in the file."""
    table = datasets.load("odir", real_data)
    frame = pd.read_excel(odir.find(real_data), dtype=str)
    ages = dict(zip(frame["ID"], frame[odir.AGE], strict=True))
    raw = all_samples(replace(table, covariates={"age": tuple(ages[id] for id in table.ids)}))
    (mark,) = placeholders(raw)
    assert (mark.column, mark.value, int(mark.rows.sum())) == ("age", "1", 16)
    assert mark.why == "the next value is 13 away"


@pytest.mark.parametrize(("name", "without"), [("cxr", 23), ("cxr-views", 25)])
def test_cxr(real_data, tmp_path, monkeypatch, name, without):
    table, findings = diagnosed(name, real_data, tmp_path, monkeypatch)
    text = next(n for n, column in table.modalities.items() if column.kind == "text")
    (repeats,) = facts_of(findings, "repeats")
    assert 0.23 < repeats["samples"] / len(table) < 0.25
    assert repeats["largest"] == 51
    assert repeats["same"] > 0.99
    levels = {fact["level"]: fact for fact in facts_of(findings, "levels")[0]["levels"]}
    assert levels[f"without {text}"]["patients"] == without
    assert levels[f"without {text}"]["labels"][NONE]["share"] == 1
    tells = {fact["by"]: fact["labels"] for fact in facts_of(findings, "tells")}
    length = tells[f"the length of {text}"]
    assert {NONE, "Density", "Deformity", "Opacity"} <= set(length)
    assert round(length["Density"]["auroc"], 1) == 0.8
    (marks,) = facts_of(findings, "placeholders")
    assert [(m["value"], round(m["samples"] / marks["of"], 2)) for m in marks["placeholders"]] == [("XXXX", 0.46)]
    assert "Atherosclerosis" in facts_of(findings, "words")[0]["rules"]
    assert Counter(f.look for f in findings).keys() == {"repeats", "placeholders", "levels", "words", "tells"}

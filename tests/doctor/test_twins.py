"""On the twins doctor finds what their renderers put in, and nothing else."""

import pytest
from planted import no_pictures_alike

from mora_bench.data import datasets
from mora_bench.data.twins import cxr_patients
from mora_bench.doctor import looks
from mora_bench.doctor.questions import NONE
from mora_bench.files import FileHashes


@pytest.fixture
def findings_of(tmp_path, monkeypatch):
    # Drawings of two patients are never the same; reading two thousand of them takes half a minute.
    no_pictures_alike(monkeypatch)

    def look(name):
        table = datasets.load(name, None)
        hashes = FileHashes(tmp_path / "hashes.json")
        return looks.diagnose(table, table, hashes, None, 1, lambda _: None).findings

    return look


#: What a twin's text may tell: the labels that are the keywords' or the report's own, and who has none of them.
ODIR_TEXT = {"N", "G", "A", "H"}
CXR_TEXT = {*cxr_patients.FINDINGS} - cxr_patients.SEEN | {NONE}


def by(findings):
    """The labels that each look names, by the look and what it looked at."""
    seen = {}
    for finding in findings:
        if finding.look == "tells":
            seen[finding.facts["by"]] = set(finding.facts["labels"])
        elif finding.look == "words":
            seen["words"] = {label: rule["words"] for label, rule in finding.facts["rules"].items()}
        else:
            seen[finding.look] = finding.facts
    return seen


@pytest.mark.parametrize(("name", "text"), [("odir", "text"), ("odir-eyes", "keywords"), ("odir-record", "keywords")])
def test_of_odir_texts_repeat_and_their_length_tells_what_the_keywords_tell(findings_of, name, text):
    seen = by(findings_of(name))
    assert set(seen) == {"repeats", f"the length of {text}"}
    assert seen[f"the length of {text}"] == ODIR_TEXT
    assert (seen["repeats"]["texts"], seen["repeats"]["samples"], seen["repeats"]["largest"]) == (388, 734, 169)
    assert 0.6 < seen["repeats"]["in_training"] < 0.8
    # The labels follow the signs, of which the keywords tell a part.
    assert seen["repeats"]["same"] < 0.5


def test_of_the_other_odirs_what_is_left_of_it(findings_of):
    assert set(seen := by(findings_of("odir-grade"))) == {"repeats", "the length of text"}
    assert seen["the length of text"] == {"none", "several"}
    assert set(seen := by(findings_of("odir-redacted"))) == {"repeats", "the length of text"}
    assert seen["the length of text"] <= ODIR_TEXT


@pytest.mark.parametrize(("name", "text"), [("cxr", "text"), ("cxr-views", "report")])
def test_of_cxr_reports_say_their_own_findings_in_one_way(findings_of, name, text):
    seen = by(findings_of(name))
    assert set(seen) == {"repeats", f"the length of {text}", "words"}
    assert NONE in seen[f"the length of {text}"] <= CXR_TEXT
    assert seen["words"] == {
        "Pulmonary Atelectasis": ["atelectasis"],
        "Calcified Granuloma": ["granuloma"],
        "Cicatrix": ["biapical"],
        "Density": ["density"],
    }
    assert (seen["repeats"]["texts"], seen["repeats"]["samples"], seen["repeats"]["largest"]) == (685, 372, 50)


def test_of_cxr_without_the_words_that_name_labels_other_words_of_the_same_sentences_are_left(findings_of):
    seen = by(findings_of("cxr-redacted"))
    assert set(seen) == {"repeats", "the length of text", "words"}
    assert set(seen["words"]) <= CXR_TEXT

"""Words that determine labels: the shortest rule is found, with what it gets wrong on patients it has not seen."""

from dataclasses import replace

import numpy as np
import pytest
from planted import WORDS, clean, often, sentence, where, with_text

from mora_bench.doctor import words
from mora_bench.doctor.questions import NONE, all_samples
from mora_bench.doctor.vocabulary import vocabulary


def rules(table):
    return {label: rule for finding in words.look(all_samples(table)) for label, rule in finding.facts["rules"].items()}


def with_sayings(table, *sayings, seed=0):
    """The table with random texts, in which each saying, (label, words), stands for those who have the label."""
    rng = np.random.default_rng(seed)
    texts = []
    for row in range(len(table)):
        parts = [sentence(rng, 4)]
        parts += [str(rng.choice(ways)) for label, ways in sayings if where(table, label)[row]]
        rng.shuffle(parts)
        texts.append(", ".join(parts))
    return with_text(table, texts)


def test_no_rule_where_words_say_nothing():
    assert rules(clean(1)) == {}


def test_one_word():
    table = with_sayings(clean(2), (0, ["suspected glaucoma"]))
    assert rules(table)["label 0"]["words"] in (["glaucoma"], ["suspected"])
    assert rules(table)["label 0"]["wrong"] == 0
    assert list(rules(table)) == ["label 0"]
    (finding,) = words.look(all_samples(table))
    assert finding.more[0].startswith('label 0 = "')
    assert finding.more[0].endswith("(0 of 600 wrong)")


def test_what_words_share_is_shorter_than_all_of_them():
    table = with_sayings(
        clean(3), (1, ["myopic maculopathy", "pathological myopia", "myopia", "high myopia retinopathy"])
    )
    assert rules(table)["label 1"]["words"] == ["myopi"]


def test_a_word_within_a_longer_one_and_glued_to_the_next():
    ways = ["nonproliferative retinopathy", "proliferative retinopathyRight_text:", "mild non proliferativeRight_text"]
    assert rules(with_sayings(clean(4), (2, ways)))["label 2"]["words"] == ["proliferative"]


def test_the_exact_word_is_preferred_to_one_that_also_stands_with_others():
    table = with_sayings(
        clean(5), (0, ["hypertensive retinopathy"]), (1, ["diabetic retinopathy", "proliferative retinopathy"])
    )
    by_label = rules(table)
    assert by_label["label 0"]["words"] == ["hypertensive"]
    assert sorted(by_label["label 1"]["words"]) == ["diabetic", "proliferative"]


def test_anything_else_and_none_of_these():
    rng = np.random.default_rng(6)
    table = clean(6, 800, labels=4)
    targets = table.targets.copy()
    targets[:, 3] = ~targets[:, :3].any(1)
    rare = [f"{a} {b}" for a in WORDS[:12] for b in WORDS[12:24]]
    texts = []
    for row in targets:
        parts = [word for word, yes in zip(("glaucoma", "cataract"), row[:2], strict=True) if yes]
        parts += [str(rng.choice(rare))] if row[2] else []
        parts += ["lens dust"] if rng.random() < 0.2 else []
        texts.append("; ".join(parts) if parts else "normal fundus")
    by_label = rules(with_text(replace(table, targets=targets), texts))
    assert (by_label["label 2"]["form"], by_label["label 3"]["form"]) == ("anything else", "none of these")
    assert sorted(word.split()[0] for word in by_label["label 2"]["words"]) in (["dust", "fundus"], ["dust", "normal"])
    assert [by_label[f"label {k}"]["wrong"] for k in range(4)] == [0, 0, 0, 0]


def test_noise_is_counted_on_patients_that_the_rule_has_not_seen():
    table = clean(7)
    rng = np.random.default_rng(7)
    texts = [("effusion " if yes else "") + sentence(rng, 5) for yes in often(rng, where(table), 0.99, 0.01)]
    rule = rules(with_text(table, texts))["label 0"]
    assert rule["words"] == ["effusion"]
    assert rule["wrong"] == sum(("effusion" in text) != yes for text, yes in zip(texts, where(table), strict=True))


def test_names_of_patients_are_no_rule():
    """Each of many words stands with one patient alone: on others it says nothing."""
    table = clean(8, 600, a_patient=10)
    texts = [f"seen by {patient}" for patient in table.patients]
    assert rules(with_text(table, texts)) == {}


def test_nobody_s_label():
    table = clean(9, labels=2)
    texts = [("clear" if not row.any() else "ill") for row in table.targets]
    assert rules(with_text(table, texts))[NONE]["words"] in (["clear"], ["ill"])


@pytest.mark.parametrize("ways", [["白内障", "老年性白内障"], ["κερατίτιδα"], ["катаракта левого глаза"]])
def test_words_of_other_scripts(ways):
    assert rules(with_sayings(clean(10), (0, ways)))["label 0"]["wrong"] == 0


def test_every_kind_of_text_has_a_vocabulary_or_none():
    assert vocabulary([None, "", "  ", ",;."]) is None
    assert vocabulary(["a b"] * 3 + [None]) is None
    lexicon = vocabulary(["one two, three"] * 4 + ["two"] * 4 + [None])
    # "one" stands in the same texts as "three", and says no more.
    assert lexicon.terms == ("two", "three")
    assert lexicon.samples.shape == (9, len(lexicon.terms))

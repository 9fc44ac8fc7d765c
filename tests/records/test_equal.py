"""Two files of scores agree, or it is said where they do not."""

import math

import msgspec
import pytest
from by_hand import record

from mora_bench.records.equal import ABSENT, Difference, differences
from mora_bench.records.schema import Worth


def changed(scores, name, value):
    """The same file with one score of the complete test samples changed, None: without it."""
    setting = scores.test["complete"]
    rest = {key: score for key, score in setting.scores.items() if key != name}
    edited = msgspec.structs.replace(setting, scores=rest if value is None else rest | {name: value})
    return msgspec.structs.replace(scores, test=scores.test | {"complete": edited}, digest="0" * 16)


def test_the_same_scores_agree_whatever_their_digests_are():
    _, scores = record("mora")
    assert differences(scores, scores) == []
    assert differences(scores, msgspec.structs.replace(scores, digest="f" * 16)) == []


def test_the_least_difference_is_named_with_its_size():
    _, scores = record("mora", 0, 0.5)
    name = scores.primary
    (difference,) = differences(scores, changed(scores, name, 0.5 + 1e-12))
    assert difference.where == f"test.complete.scores.{name}"
    assert difference.size == pytest.approx(1e-12, rel=1e-3)
    assert not difference.only


@pytest.mark.parametrize("only", ["first", "second"])
def test_what_only_one_file_has_is_no_difference_of_size_but_is_named(only):
    _, scores = record("mora")
    lacking = changed(scores, scores.primary, None)
    pair = (scores, lacking) if only == "first" else (lacking, scores)
    (difference,) = differences(*pair)
    assert (difference.only, difference.size) == (only, math.inf)


def test_a_pattern_that_one_file_lacks_is_named_number_by_number():
    _, scores = record("mora")
    more = msgspec.structs.replace(scores, curve={"image": [0.5, 0.25]})
    named = differences(more, msgspec.structs.replace(scores, curve={}))
    assert [(difference.where, difference.first, difference.second) for difference in named] == [
        ("curve.image[0]", 0.5, ABSENT),
        ("curve.image[1]", 0.25, ABSENT),
    ]
    assert {difference.only for difference in named} == {"first"}


def test_no_number_and_a_number_are_infinitely_apart():
    assert Difference("x", None, 0.5).size == math.inf


def test_a_part_that_one_file_was_written_without_is_in_the_other_alone():
    """Files of before the worth of modalities was computed hold null in its place."""
    _, scores = record("mora")
    more = msgspec.structs.replace(scores, worth=Worth(n=3, scores={"f1_macro": [0.0, 0.25]}))
    for pair, only in (((scores, more), "second"), ((more, scores), "first")):
        named = differences(*pair)
        assert [difference.where for difference in named] == [
            "worth.n",
            "worth.scores.f1_macro[0]",
            "worth.scores.f1_macro[1]",
        ]
        assert {difference.only for difference in named} == {only}

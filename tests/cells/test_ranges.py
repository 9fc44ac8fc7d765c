"""Numbers that cannot be are not believed."""

import re

import msgspec
import pytest
from by_hand import record, signed

from mora_bench.files import digest
from mora_bench.records.encoding import encode
from mora_bench.records.store import Refused, Store


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("f1_macro", 7.5, "f1_macro with complete missing is 7.5; expected 0 to 1"),
        ("f1_macro", None, "f1_macro with complete missing is no number"),
        ("auroc", -0.1, "auroc with complete missing is -0.1"),
        ("f1_per_class", [0.5, 2.0], "f1_per_class with complete missing is [0.5, 2.0]"),
    ],
)
def test_a_score_outside_its_range_is_left_out(tmp_path, name, value, message):
    mora_record, mora_scores = record("mora")
    store = Store(tmp_path)
    store.write(mora_record.cell, mora_record, {}, mora_scores)
    file = store.score_file(mora_record.cell)
    edited = msgspec.json.decode(file.read_bytes())
    # By somebody who knows of digests.
    edited["test"]["complete"]["scores"][name] = value
    file.write_bytes(signed(edited))
    scores, refused = store.scores()
    assert not scores
    assert isinstance(refused[0], Refused)
    assert message in str(refused[0])


def test_a_score_without_meaning_is_no_fault():
    """As when the scores are made: AUROC where no class has both outcomes."""
    _, mora_scores = record("mora")
    settings = {
        name: msgspec.structs.replace(setting, scores=setting.scores | {"auroc": float("nan")})
        for name, setting in mora_scores.val.items()
    }
    assert msgspec.structs.replace(mora_scores, val=settings).val["both"].scores["f1_macro"] == 0.5


@pytest.mark.parametrize(("task", "accepted"), [("multi-label", False), ("multi-class", True), ("of-a-plug-in", True)])
def test_the_range_is_that_of_the_task(tmp_path, task, accepted):
    """A Brier score of 1.7 is one of several classes, summed; of a task that is not known here nothing is known."""
    mora_record, mora_scores = record("mora")
    for split in (mora_scores.val, mora_scores.test):
        for name, setting in split.items():
            split[name] = msgspec.structs.replace(setting, scores=setting.scores | {"brier": 1.7, "rmse": 30.0})
    # As read from a file, where the ranges of another task are asked.
    mora_scores = msgspec.structs.replace(mora_scores, task="of-a-plug-in", record="0123456789abcdef")
    content = encode(mora_scores).replace(b'"task": "of-a-plug-in"', f'"task": "{task}"'.encode())
    unsigned = re.sub(rb'"digest": "[0-9a-f]+"', b'"digest": ""', content)
    file = Store(tmp_path).score_file(mora_record.cell)
    file.parent.mkdir(parents=True)
    file.write_bytes(unsigned.replace(b'"digest": ""', b'"digest": "%s"' % digest([unsigned]).encode()))
    scores, refused = Store(tmp_path).scores()
    assert len(scores) == accepted
    assert accepted or "brier with complete missing is 1.7; expected 0 to 1" in str(refused[0])


def test_a_record_under_another_name_is_no_second_seed(tmp_path):
    mora_record, mora_scores = record("mora")
    store = Store(tmp_path)
    store.write(mora_record.cell, mora_record, {}, mora_scores)
    copy = store.record_file(mora_record.cell).with_name("0123456789abcdef.json")
    copy.write_bytes(store.record_file(mora_record.cell).read_bytes())
    records, refused = store.records()
    assert len(records) == 1
    assert "its name is not that of what it holds" in str(refused[0])

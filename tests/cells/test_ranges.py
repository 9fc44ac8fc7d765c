"""Numbers that cannot be are not believed."""

import re

import msgspec
import pytest
from by_hand import record, signed

from mora_bench.files import digest
from mora_bench.records.encoding import encode
from mora_bench.records.store import Refused, Store


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("f1_macro", 7.5, "f1_macro with complete missing is 7.5; expected 0 to 1"),
        ("f1_macro", None, "f1_macro with complete missing is no number"),
        ("auroc", -0.1, "auroc with complete missing is -0.1"),
        ("f1_per_class", [0.5, 2.0], "f1_per_class with complete missing is [0.5, 2.0]"),
    ],
)
def test_a_score_outside_its_range_is_left_out(tmp_path, name, value, said):
    own, found = record("mora")
    store = Store(tmp_path)
    store.write(own.cell, own, {}, found)
    file = store.score_file(own.cell)
    edited = msgspec.json.decode(file.read_bytes())
    # By somebody who knows of digests.
    edited["test"]["complete"]["scores"][name] = value
    file.write_bytes(signed(edited))
    scores, refused = store.scores()
    assert not scores
    assert isinstance(refused[0], Refused)
    assert said in str(refused[0])


def test_a_score_without_meaning_is_no_fault():
    """As when the scores are made: AUROC where no class has both outcomes."""
    _, found = record("mora")
    settings = {
        name: msgspec.structs.replace(own, scores=own.scores | {"auroc": float("nan")})
        for name, own in found.val.items()
    }
    assert msgspec.structs.replace(found, val=settings).val["both"].scores["f1_macro"] == 0.5


@pytest.mark.parametrize(("task", "kept"), [("multi-label", False), ("multi-class", True), ("of-a-plug-in", True)])
def test_the_range_is_that_of_the_task(tmp_path, task, kept):
    """A Brier score of 1.7 is one of several classes, summed; of a task that is not known here nothing is known."""
    own, found = record("mora")
    for split in (found.val, found.test):
        for name, setting in split.items():
            split[name] = msgspec.structs.replace(setting, scores=setting.scores | {"brier": 1.7, "rmse": 30.0})
    # As read from a file, where the ranges of another task are asked.
    found = msgspec.structs.replace(found, task="of-a-plug-in", record="0123456789abcdef")
    content = encode(found).replace(b'"task": "of-a-plug-in"', f'"task": "{task}"'.encode())
    unsigned = re.sub(rb'"digest": "[0-9a-f]+"', b'"digest": ""', content)
    file = Store(tmp_path).score_file(own.cell)
    file.parent.mkdir(parents=True)
    file.write_bytes(unsigned.replace(b'"digest": ""', b'"digest": "%s"' % digest([unsigned]).encode()))
    scores, refused = Store(tmp_path).scores()
    assert len(scores) == kept
    assert kept or "brier with complete missing is 1.7; expected 0 to 1" in str(refused[0])


def test_a_record_under_another_name_is_no_second_seed(tmp_path):
    own, found = record("mora")
    store = Store(tmp_path)
    store.write(own.cell, own, {}, found)
    copy = store.record_file(own.cell).with_name("0123456789abcdef.json")
    copy.write_bytes(store.record_file(own.cell).read_bytes())
    records, refused = store.records()
    assert len(records) == 1
    assert "its name is not that of what it holds" in str(refused[0])

"""Numbers that cannot be are not believed."""

import msgspec
import pytest
from by_hand import record

from mora_bench.files import digest
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
    edited["digest"] = ""
    edited["test"]["complete"]["scores"][name] = value
    content = msgspec.json.format(msgspec.json.encode(edited), indent=1)
    file.write_bytes(content.replace(b'"digest": ""', b'"digest": "%s"' % digest([content]).encode()))
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


def test_scores_of_other_tasks_may_be_larger(tmp_path):
    own, found = record("mora")
    for split in (found.val, found.test):
        for name, setting in split.items():
            split[name] = msgspec.structs.replace(setting, scores=setting.scores | {"brier": 1.7, "rmse": 30.0})
    Store(tmp_path).write(own.cell, own, {}, found)
    assert len(Store(tmp_path).scores()[0]) == 1


def test_a_record_under_another_name_is_no_second_seed(tmp_path):
    own, found = record("mora")
    store = Store(tmp_path)
    store.write(own.cell, own, {}, found)
    copy = store.record_file(own.cell).with_name("0123456789abcdef.json")
    copy.write_bytes(store.record_file(own.cell).read_bytes())
    records, refused = store.records()
    assert len(records) == 1
    assert "its name is not that of what it holds" in str(refused[0])

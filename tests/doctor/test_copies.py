"""What pictures of several patients cost, and whom they join."""

from dataclasses import replace

from planted import clean

from mora_bench.doctor import copies
from mora_bench.doctor.near_duplicates import NearDuplicate


def pair(first, second, score=0.8):
    return NearDuplicate(f"p{first}", f"p{second}", (f"{first}.png", f"{second}.png"), score)


def test_chains_are_one_group_and_a_split_parts_them_often():
    table = clean(1, 400)
    pairs = [pair(1, 9), pair(9, 200, 0.95), pair(30, 31)]
    (finding,) = copies.look(table, pairs, [])
    assert finding.facts["groups"] == [["p1", "p200", "p9"], ["p30", "p31"]]
    assert finding.seen.startswith(
        "2 groups of 5 patients have pictures that are nearly the same: 9.png = 200.png (0.95)"
    )
    # One end in training and the other in the test: 2 x 0.8 x 0.1.
    assert 0.05 < finding.facts["parted"] < 0.3
    assert copies.look(table, [], []) == []


def test_whom_the_table_joins_already_no_split_parts():
    table = clean(2, 400)
    family = tuple("one" if k in (1, 9) else "" for k in range(400))
    (finding,) = copies.look(replace(table, inseparable=(family,)), [pair(1, 9)], [])
    assert (finding.facts["parted"], finding.facts["apart"], finding.weight) == (0, 0, 0)
    assert finding.costs == "the dataset's reader keeps all on one side of every split"
    (finding,) = copies.look(replace(table, inseparable=(family,)), [pair(1, 9), pair(4, 5)], [])
    assert finding.costs.startswith("the dataset's reader keeps 1 of 2 pairs on one side of every split; look at them")
    assert copies.linked(table, []) == table.patients


def test_equal_files_are_said_once():
    table = clean(3, 400)
    shared = [[("p1", "a.png"), ("p9", "b.png"), ("p12", "c.png")]]
    findings = copies.look(table, [pair(9, 12, 1.0), pair(1, 300)], shared)
    assert [finding.look for finding in findings] == ["equal pictures", "near duplicates"]
    assert findings[1].facts["groups"] == [["p1", "p300"]]
    together = copies.linked(table, [("p1", "p9"), ("p1", "p12")])
    assert {together[1], together[9], together[12]} == {"p1"}

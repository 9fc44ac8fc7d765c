"""What is learned in a process of its own is the same."""

from functools import wraps
from pathlib import Path

import pytest
from conftest import EVERYTHING

from mora_bench import registry
from mora_bench.checks import run
from mora_bench.checks.elsewhere import GROUPS, elsewhere
from mora_bench.checks.rules import BrokenRule

#: What stands for all by default: the method trains, and knows what it was fitted on.
SOME = [(registry.METHODS, "ragpt")]
PLUGIN = Path(__file__).parents[1] / "plugins" / "keeping.py"


@pytest.fixture(autouse=True)
def plugin():
    registry.load_plugins([PLUGIN])


@pytest.mark.parametrize(
    ("group", "name", "message"),
    [
        (
            registry.PREDICTORS,
            "first-shares",
            r"after other samples it gives numbers that differ by 0\.\d+ from",
        ),
        (registry.MECHANISMS, "by-hash", r"in two processes it gives numbers that differ by 1\. Sort what you take"),
    ]
    + [(registry.PREDICTORS, "in-some-order", r"in two processes it gives numbers that differ by 0\.\d+\. Sort")]
    * EVERYTHING,
)
def test_what_is_kept_or_in_no_order_is_named(group, name, message):
    with pytest.raises(BrokenRule, match=message):
        elsewhere((group, name))


@pytest.mark.parametrize(("group", "name"), [(g, n) for g in GROUPS for n in registry.names(g) if EVERYTHING] or SOME)
def test_what_is_shipped_gives_the_same(group, name):
    elsewhere((group, name))


def test_it_is_tried_where_no_other_rule_is_broken(monkeypatch):
    tried = []

    @wraps(elsewhere)
    def spied(registered):
        tried.append(registered)

    monkeypatch.setattr(run, "elsewhere", spied)
    rules = dict(run.check(registry.PREDICTORS, "shares"))
    assert set(rules.values()) == {None}
    assert "gives the same in every process" in [*rules][-1]
    assert any(run.check(registry.PREDICTORS, "shares-of-a-third"))
    assert tried == [(registry.PREDICTORS, "shares")]

"""What is learned in a process of its own is the same."""

from pathlib import Path

import pytest

from mora_bench import registry
from mora_bench.checks.elsewhere import elsewhere
from mora_bench.checks.rules import BrokenRule
from mora_bench.checks.run import check

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
            r"fitted after other samples it predicts otherwise .* by 0\.\d+:",
        ),
        (registry.IMPUTERS, "first-means", "something of an earlier fit, in the class, the module or a cache"),
        (registry.PREDICTORS, "in-some-order", r"in two processes it learns otherwise: .* by 0\.\d+\. Sort what you"),
    ],
)
def test_what_is_kept_or_in_no_order_is_named(group, name, message):
    with pytest.raises(BrokenRule, match=message):
        elsewhere(group, name)


def test_it_is_tried_where_no_other_rule_is_broken():
    rules = dict(check(registry.PREDICTORS, "shares"))
    assert set(rules.values()) == {None}
    assert "in every process" in [*rules][-1]

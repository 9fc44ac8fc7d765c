"""How rules are told."""

from mora_bench.checks.rules import AGAIN, tried


def test_an_error_that_stops_several_rules_is_told_once():
    def fails(subject):
        raise ValueError(subject)

    def first(subject):
        """The first."""
        fails(subject)

    def second(subject):
        """The second."""
        fails(subject)

    def third(subject):
        """The third."""
        fails("another")

    told = dict(tried([first, second, third], "no such thing"))
    assert told["The first."].startswith("ValueError: no such thing (")
    assert told["The second."] == AGAIN
    assert told["The third."].startswith("ValueError: another (")

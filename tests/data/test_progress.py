"""Work on data says how far it is."""

import time

import pytest

from mora_bench.data import progress
from mora_bench.data.progress import shown


def test_items_pass_unchanged_and_what_is_quick_says_nothing(capsys):
    assert list(shown(iter([3, 1, 2]), 3, "decoding")) == [3, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_where_there_is_no_terminal_there_are_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE", 0.05)

    def slow():
        yield 1
        time.sleep(0.4)
        yield 2

    assert list(shown(slow(), 2, "decoding pictures")) == [1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert set(lines) == {"decoding pictures: 1 of 2"}
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


def test_what_fails_ends_the_lines(capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE", 0.05)

    def fails():
        yield 1
        raise ArithmeticError

    iterator = shown(fails(), 2, "decoding")
    assert next(iterator) == 1
    with pytest.raises(ArithmeticError):
        next(iterator)
    time.sleep(0.2)
    assert capsys.readouterr().err == ""

"""A plug-in that is edited makes other cells: a task, or a kind of content."""

import dataclasses

import pytest

from mora_bench import registry
from mora_bench.data.twins import tables
from mora_bench.plan.versions import versions_of

TASK = """
from mora_bench.tasks.multilabel import MultiLabel


class Mine(MultiLabel):
    version = {version}
    title = "{title}"
"""


@pytest.fixture
def table():
    return tables.odir(range(2))


def loaded(tmp_path, **changes):
    file = tmp_path / "mine.py"
    file.write_text(TASK.format(**({"version": 1, "title": "mine"} | changes)))
    assert registry.load_plugins([file]) == ["mine"]


def of_task(table, tmp_path, **changes):
    loaded(tmp_path, **changes)
    return dict(versions_of(dataclasses.replace(table, task="mine")))["task"]


def test_what_is_shipped_has_numbers_and_a_plug_in_the_digest_of_its_file(table, tmp_path):
    assert all(isinstance(version, int) for _, version in versions_of(table))
    first = of_task(table, tmp_path)
    assert first.startswith("1-")
    assert of_task(table, tmp_path) == first
    assert of_task(table, tmp_path, title="another") != first
    assert of_task(table, tmp_path, version=2).startswith("2-")

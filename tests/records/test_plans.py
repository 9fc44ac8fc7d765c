"""What was asked of a results folder."""

import json

import pytest
from by_hand import cell

from mora_bench.errors import UserError
from mora_bench.records import plans


def test_the_cells_of_a_grid_come_back_and_have_one_file(tmp_path):
    cells = [cell("mora", seed) for seed in range(3)]
    plans.write(tmp_path, cells)
    plans.write(tmp_path, cells[::-1])
    (plan,) = plans.read(tmp_path)
    assert {planned.score_key for planned in plan.cells} == {planned.score_key for planned in cells}
    assert {(planned.label, planned.method, planned.dataset) for planned in plan.cells} == {
        (c.label, "mora", "odir") for c in cells
    }


def test_other_cells_have_another_file(tmp_path):
    plans.write(tmp_path, [cell("mora", 0)])
    plans.write(tmp_path, [cell("head", 0)])
    assert sorted(plan.cells[0].method for plan in plans.read(tmp_path)) == ["head", "mora"]


def refused(folder, name):
    """The methods that plans name while a grid of one method is made ready, which is then refused."""
    meanwhile = []
    with pytest.raises(UserError, match="a picture"):
        _refuse(folder, name, meanwhile)
    return sorted(meanwhile)


def _refuse(folder, name, meanwhile):
    with plans.noted(folder, [cell(name, 0)]):
        meanwhile += [plan.cells[0].method for plan in plans.read(folder)]
        raise UserError("a picture cannot be decoded")


def test_a_grid_that_is_refused_leaves_no_plan_but_those_that_were_there(tmp_path):
    with plans.noted(tmp_path, [cell("mora", 0)]):
        pass
    assert refused(tmp_path, "head") == ["head", "mora"]
    assert refused(tmp_path, "mora") == ["mora"]
    assert [plan.cells[0].method for plan in plans.read(tmp_path)] == ["mora"]


def test_nothing_was_asked_of_an_empty_folder(tmp_path):
    assert plans.read(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-20], "not a plan"),
        (lambda text: text.replace("seed0", "seed7").replace(json.loads(text)["cells"][0]["score_key"], "x"), "edited"),
        (lambda text: "[]", "not a plan"),
    ],
)
def test_what_is_no_plan_is_named(tmp_path, change, message):
    plans.write(tmp_path, [cell("mora", 0)])
    (file,) = (tmp_path / "plans").iterdir()
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError, match=message) as error:
        plans.read(tmp_path)
    assert str(error.value).startswith(str(file))


def test_a_link_is_not_followed(tmp_path):
    plans.write(tmp_path, [cell("mora", 0)])
    (file,) = (tmp_path / "plans").iterdir()
    file.rename(tmp_path / "elsewhere.json")
    file.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(UserError, match="no plain file"):
        plans.read(tmp_path)

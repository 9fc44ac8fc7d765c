"""A cell's identity is science, all of it, and nothing else."""

import dataclasses

import pytest

from mora_bench.cells.cell import Cell, Recipe
from mora_bench.errors import UserError

CELL = Cell(
    dataset="odir",
    source="twin",
    data="abc",
    split="patient",
    missing="both",
    rate=0.7,
    method="mora",
    method_version="1",
    rank=4,
    blocks=(0,),
    impute="dummy",
    impute_version="1",
    backbone="small",
    weights="def",
    recipe=Recipe(),
    seed=0,
)
OTHER = {
    "dataset": "cxr", "source": "real", "data": "x", "split": "row", "missing": "text", "rate": 0.5, "method": "full",
    "method_version": "2", "rank": 8, "blocks": (0, 1), "impute": "mean", "impute_version": "2", "weights": "y",
    "recipe": Recipe(lr=1e-3), "seed": 1,
}  # fmt: skip


def test_every_field_but_the_backbones_name_changes_the_key():
    assert set(OTHER) | {"backbone"} == {f.name for f in dataclasses.fields(Cell)}
    keys = {dataclasses.replace(CELL, **{name: value}).key for name, value in OTHER.items()}
    assert len(keys | {CELL.key}) == len(OTHER) + 1
    assert dataclasses.replace(CELL, backbone="/moved/elsewhere").key == CELL.key


def test_every_recipe_field_changes_the_key():
    for field in dataclasses.fields(Recipe):
        value = getattr(CELL.recipe, field.name)
        other = "bf16" if field.name == "precision" else value * 2 if value < 0.5 or value > 1 else 0.5
        changed = dataclasses.replace(CELL, recipe=dataclasses.replace(CELL.recipe, **{field.name: other}))
        assert changed.key != CELL.key, field.name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"missing": "txt"}, "unknown missing pattern"),
        ({"rate": 1.5}, r"outside 0\.\.1"),
        ({"rank": 0}, "rank 0 is below 1"),
        ({"split": "day"}, "unknown split"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_validates_itself(changes, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(CELL, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 0},
        {"batch": 0},
        {"lr": 0.0},
        {"warmup": 1.0},
        {"weight_decay": -1},
        {"precision": "fp8"},
        {"max_text": 2},
    ],
)
def test_a_recipe_validates_itself(changes):
    with pytest.raises(UserError, match=next(iter(changes)).split("_")[0]):
        Recipe(**changes)


def test_paper_recipe_is_the_default():
    assert Recipe() == Recipe(
        epochs=100, batch=64, lr=5e-3, head_lr_mult=1, weight_decay=2e-2, beta1=0.9, beta2=0.98, eps=1e-8, warmup=0.02,
        validate_every=0.2, precision="fp32", max_text=1024,
    )  # fmt: skip

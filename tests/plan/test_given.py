"""What was given beside a preset, also where it says what the preset says."""

from dataclasses import replace

import pytest

from mora_bench.campaign import plan, preset
from mora_bench.cells.recipe import Recipe
from mora_bench.plan.given import TypedBeside, given, given_of_recipe
from mora_bench.plan.parts import parts

QUICK = preset("quick")


def typed(*arguments: str) -> TypedBeside:
    return TypedBeside.of(QUICK, arguments)


def test_what_differs_and_what_was_typed_was_given():
    grid = replace(QUICK, rates=(0.123,), recipe=replace(QUICK.recipe, lr=0.123))
    assert (given(grid, QUICK), given_of_recipe(grid, QUICK)) == (["rates"], ["lr"])
    assert (given(QUICK, QUICK), given_of_recipe(QUICK, QUICK)) == ([], [])
    beside = typed("--test-rate=0.3", "--seeds", "0", "--recipe.weight_decay", "0.1", "--recipe.head-lr-mult=2")
    assert given(QUICK, beside) == ["test_rate", "seeds"]
    assert given_of_recipe(QUICK, beside) == ["head_lr_mult", "weight_decay"]
    assert given_of_recipe(QUICK, typed("--recipe.no-decay-norms")) == ["decay_norms"]


@pytest.mark.parametrize(("arguments", "rate"), [((), 1e-4), (("--recipe.lr", "0.005"), 0.005)])
def test_a_typed_value_beats_an_override_also_where_it_is_the_presets_own(arguments, rate, folder, runtime):
    """The method trained at the override's rate before, without a word."""
    grid = replace(
        QUICK, datasets=("odir",), methods=("full",), floors=("none",), missing=("both",), rates=(0.7,), seeds=(0,),
        backbone=(str(folder),), recipe=Recipe(lr=0.005), overrides={"full": {"lr": 1e-4}},
    )  # fmt: skip
    (cell,) = plan(grid, runtime, TypedBeside.of(grid, arguments)).cells
    assert cell.recipe.lr == rate


def test_a_typed_value_beats_that_of_a_part():
    grid = replace(QUICK, seeds=(0,), parts=({"seeds": (1, 2), "recipe": {"lr": 0.3}},))
    ((part, _),) = parts(grid, grid)
    assert (part.seeds, part.recipe.lr) == ((1, 2), 0.3)
    words = ["--seeds", "0", "--recipe.lr", str(QUICK.recipe.lr)]
    ((part, base),) = parts(grid, TypedBeside.of(grid, words))
    assert (part.seeds, part.recipe.lr) == ((0,), QUICK.recipe.lr)
    assert given_of_recipe(part, base) == ["lr"]

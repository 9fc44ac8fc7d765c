"""What of a recipe goes together, and what a schedule reads of it."""

from dataclasses import replace

import pytest

from mora_bench.cells.recipe import Recipe

PLATEAU = Recipe(schedule="plateau", epochs=20, patience=3, validate_every=1, warmup_epochs=1, decay_epochs=2)


def test_what_a_schedule_does_not_read_makes_no_other_recipe():
    """So a preset may hold the settings of both."""
    both = replace(PLATEAU, warmup=0.3)
    assert both.settled() == PLATEAU.settled()
    assert both.settled().warmup == 0
    assert both.problem() == "schedule plateau does not read recipe.warmup; leave it out."
    linear = replace(both, schedule="linear")
    assert linear.settled() == Recipe(epochs=20, patience=3, validate_every=1, warmup=0.3)
    assert Recipe().settled() == Recipe()
    assert not Recipe().problem()
    assert not both.settled().problem()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patience": 0}, "plateau ends by patience: give recipe.patience, 1 or more"),
        ({"epochs": 2}, "recipe.epochs 2 is less than recipe.warmup_epochs 1 and recipe.decay_epochs 2 together"),
        ({"precision": "auto"}, "auto is what a plan replaces"),
    ],
)
def test_a_plateau_that_cannot_be_says_why(changes, message):
    assert message in replace(PLATEAU, **changes).settled().problem()


@pytest.mark.parametrize(
    ("changes", "fewest"),
    [
        # The first look is the best, three are not better, two epochs of decay.
        ({}, 6),
        # Looks after 1 and 2 epochs are in the warm-up, whose end counts.
        ({"warmup_epochs": 3}, 7),
        ({"warmup_epochs": 1, "validate_every": 0.5}, 4),
        ({"epochs": 5}, 5),
        ({"schedule": "linear"}, 4),
        ({"schedule": "linear", "patience": 0}, 20),
    ],
)
def test_the_fewest_epochs_are_those_of_a_first_look_that_stays_the_best(changes, fewest):
    assert replace(PLATEAU, **changes).fewest_epochs == fewest

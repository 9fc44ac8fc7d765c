"""Presets and flags become cells; what collapses is counted with its reason."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.cells.cell import Recipe
from mora_bench.errors import UserError
from mora_bench.plan.grid import Grid, expand, load_preset, parse_blocks, presets


@pytest.fixture
def grid(folder):
    return Grid(methods=("full", "mora"), datasets=("cxr",), seeds=(0,), backbone=(str(folder),))


def plan(grid, site, preset=None):
    return expand(grid, preset or grid, site)


def test_every_shipped_preset_loads():
    assert {"quick", "paper"} <= set(presets())
    for name in presets():
        load_preset(name)


def test_the_paper_preset_is_the_papers_recipe():
    grid = load_preset("paper")
    assert grid.recipe == Recipe(precision="fp16")
    assert grid.overrides == {"odir": {"epochs": 100, "batch": 64}, "cxr": {"epochs": 50, "batch": 4}}


def test_axes_a_method_does_not_read_are_collapsed_with_the_reason(grid, site):
    found = plan(dataclasses.replace(grid, ranks=(1, 2, 4), blocks=("0", "0-2")), site)
    by_method = [(c.method, c.rank, c.blocks) for c in found.cells]
    assert by_method.count(("full", None, None)) == 1
    assert sum(m == "mora" for m, _, _ in by_method) == 6
    assert (found.asked, len(found.cells)) == (12, 7)
    assert found.collapsed == {"full does not read rank": 5}


def test_complete_data_have_one_rate(grid, site):
    found = plan(dataclasses.replace(grid, missing=("complete", "image"), rates=(0.0, 0.5)), site)
    assert {(c.missing, c.rate) for c in found.cells} == {("complete", 0.0), ("image", 0.5)}
    assert sum(found.collapsed.values()) == found.asked - len(found.cells) == 4


def test_a_methods_own_axes_are_the_default(grid, site):
    mora = next(c for c in plan(grid, site).cells if c.method == "mora")
    assert (mora.rank, mora.blocks) == (4, (0,))


def test_flags_beat_overrides_and_overrides_beat_the_recipe(grid, site):
    preset = dataclasses.replace(grid, overrides={"cxr": {"epochs": 7}, "full": {"lr": 1e-4}})
    cells = {c.method: c.recipe for c in plan(preset, site, preset).cells}
    assert (cells["full"].epochs, cells["full"].lr, cells["mora"].lr) == (7, 1e-4, 5e-3)
    flagged = dataclasses.replace(preset, recipe=Recipe(epochs=3))
    cells = {c.method: c.recipe for c in plan(flagged, site, preset).cells}
    assert (cells["full"].epochs, cells["full"].lr) == (3, 1e-4)


def test_learning_rates_are_an_axis(grid, site):
    found = plan(dataclasses.replace(grid, lrs=(1e-3, 1e-4)), site)
    assert sorted(c.recipe.lr for c in found.cells) == [1e-4, 1e-4, 1e-3, 1e-3]


def test_seeds_are_outermost(grid, site):
    found = plan(dataclasses.replace(grid, seeds=(0, 1)), site)
    assert [c.seed for c in found.cells] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": ("lroa",)}, "unknown method 'lroa'; known: bitfit, case-lora, dcp,"),
        ({"impute": ("maen",)}, "unknown imputer 'maen'; known: dummy, knn1, knn5,"),
        ({"datasets": ("chest",)}, "unknown dataset 'chest'; known: cxr, odir"),
        ({"blocks": ("3",)}, r"block 3 is outside the backbone's 0\.\.2"),
        ({"blocks": ("zero",)}, "not a set of blocks"),
        ({"overrides": {"ordi": {}}}, r"overrides\.ordi"),
    ],
)
def test_unknown_names_list_the_known_ones(grid, site, changes, message):
    with pytest.raises(UserError, match=message):
        plan(dataclasses.replace(grid, **changes), site)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": (1.2,)}, "--rates 1.2"),
        ({"ranks": (0,)}, "--ranks 0"),
        ({"workers": 0}, "--workers is 0"),
        ({"seeds": ()}, "--seeds is empty"),
        ({"limit": 0}, "--limit is 0"),
    ],
)
def test_values_out_of_range_name_the_option(changes, message):
    with pytest.raises(UserError, match=message):
        Grid(**changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datasets = [", "not TOML"),
        ("dataset = ['odir']", "unknown key 'dataset'; known: datasets"),
        ("[recipe]\nepoch = 3", "unknown key 'epoch'; known: epochs"),
        ("[overrides.full]\nlrr = 3", "unknown key 'lrr'"),
        ("datasets = 'odir'", "expected a list"),
    ],
)
def test_a_wrong_preset_file_says_where(tmp_path, text, message):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        load_preset(str(file))


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(UserError, match=r"unknown preset 'quik'; known: .*quick"):
        load_preset("quik")


@given(st.sets(st.integers(0, 11), min_size=1))
def test_block_sets_read_back(blocks):
    assert parse_blocks(",".join(map(str, blocks)), 12) == tuple(sorted(blocks))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("all", tuple(range(6))), ("0-2", (0, 1, 2)), ("0,3-5", (0, 3, 4, 5)), ("first half", (0, 1, 2)), ("5", (5,))],
)
def test_block_sets(text, expected):
    assert parse_blocks(text, 6) == expected


@pytest.mark.parametrize("text", ["", "a", "2-1", "-1", "1,,2"])
def test_wrong_block_sets(text):
    with pytest.raises(UserError, match="blocks"):
        parse_blocks(text, 6)

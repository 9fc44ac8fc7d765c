"""Presets and flags become cells; what collapses is counted with its reason."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mora_bench import registry
from mora_bench.cells.missing import UNIFORM, Missing
from mora_bench.cells.recipe import Recipe
from mora_bench.errors import UserError
from mora_bench.methods.mora import Mora
from mora_bench.plan.blocks import parse_blocks
from mora_bench.plan.expand import competitors, expand
from mora_bench.plan.grid import Grid
from mora_bench.plan.presets import load_preset, presets

#: Floors that read the frozen backbone.
READ_IT = ["frozen", "latent"]
#: Those that learn from labels.
FLOORS = [name for name in registry.names(registry.PREDICTORS) if not registry.get(registry.PREDICTORS, name).learns]


@pytest.fixture
def grid(folder):
    """Without floors, which have tests of their own."""
    return Grid(methods=("full", "mora"), datasets=("cxr",), seeds=(0,), backbone=(str(folder),), floors=("none",))


def plan(grid, runtime, preset=None):
    return expand(grid, preset or grid, runtime)


def test_every_shipped_preset_loads():
    assert {"quick", "paper"} <= set(presets())
    for name in presets():
        load_preset(name)


def test_the_paper_preset_is_the_papers_recipe():
    grid = load_preset("paper")
    assert grid.recipe == Recipe(precision="fp16", dropout=0.1, decay_norms=True)
    assert {name: grid.overrides[name] for name in ("odir", "cxr")} == {
        "odir": {"epochs": 100, "batch": 64}, "cxr": {"epochs": 50, "batch": 4},
    }  # fmt: skip
    assert set(grid.overrides) == {"odir", "cxr", "full"}
    assert {"full", "map", "msp", "mora"} <= set(grid.methods)


PARTS = """
datasets = ["cxr"]
methods = ["head"]
floors = ["none"]
seeds = [0, 1]
recipe.epochs = 4
[[parts]]
methods = ["mora"]
ranks = [2, 4]
[[parts]]
methods = ["mora", "full"]
seeds = [1, 2]
recipe.lr = 1e-3
"""


def test_a_preset_joins_its_parts_and_flags_beat_them_all(tmp_path, runtime, folder):
    file = tmp_path / "mine.toml"
    file.write_text(PARTS)
    preset = dataclasses.replace(load_preset(str(file)), backbone=(str(folder),))

    def settings(**flags):
        cells = plan(dataclasses.replace(preset, **flags), runtime, preset).cells
        return [(c.method, c.rank, c.seed, c.recipe.lr, c.recipe.epochs) for c in cells]

    assert sorted(settings(), key=str) == [
        ("full", None, 1, 1e-3, 4), ("full", None, 2, 1e-3, 4), ("mora", 2, 0, 5e-3, 4), ("mora", 2, 1, 5e-3, 4),
        ("mora", 4, 0, 5e-3, 4), ("mora", 4, 1, 1e-3, 4), ("mora", 4, 1, 5e-3, 4), ("mora", 4, 2, 1e-3, 4),
    ]  # fmt: skip
    assert [seed for _, _, seed, _, _ in settings()] == [0, 0, 1, 1, 1, 1, 2, 2]
    faster = dataclasses.replace(preset.recipe, lr=7e-3)
    assert settings(recipe=faster, seeds=(5,), methods=("full",)) == [("full", None, 5, 7e-3, 4)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[parts]]\nmethod = ['head']", r"mine\.toml, part 1: unknown key 'method'; .* Did you mean 'methods'"),
        ("[[parts]]\n[[parts]]\nworkers = 3", r"part 2: unknown key 'workers'"),
        ("[[parts]]\nrates = 0.3", r"part 1: rates: expected `array`"),
        ("[[parts]]\nrecipe.lr = 'a'", r"part 1, \[recipe\]: lr: expected `float`"),
        ("[[parts]]\nranks = [0]", r"mine\.toml, part 1: ranks 0 is below 1\."),
        ("parts = 3", r"parts: expected `array`"),
    ],
)
def test_what_is_wrong_with_a_part_is_said(tmp_path, text, expected):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=expected):
        load_preset(str(file))


def test_unknown_names_in_a_part_are_refused(grid, runtime):
    with pytest.raises(UserError, match="unknown method 'mroa'"):
        plan(dataclasses.replace(grid, parts=({"methods": ["mroa"]},)), runtime)


def test_twins_test_a_pool_and_real_data_folds(grid, runtime):
    cells = plan(grid, runtime).cells
    assert {(cell.folds, cell.pool) for cell in cells} == {(0, 500)}
    older = plan(dataclasses.replace(grid, pool=0), runtime).cells
    assert {(cell.folds, cell.pool) for cell in older} == {(0, 0)}
    smoke = plan(dataclasses.replace(grid, limit=60), runtime).cells
    assert {cell.pool for cell in smoke} == {60}


def test_a_preset_may_say_what_a_method_takes_on_a_dataset(grid, runtime):
    dataset = grid.datasets[0]
    overrides = {
        "full": {"lr": 1e-4},
        f"{dataset}/full": {"lr": 1e-2},
        f"{dataset}/mora": {"rank": 8, "weight_decay": 0.5},
    }
    cells = {c.method: c for c in plan(dataclasses.replace(grid, overrides=overrides), runtime).cells}
    assert cells["full"].recipe.lr == 1e-2
    assert (cells["mora"].rank, cells["mora"].recipe.weight_decay) == (8, 0.5)
    flagged = plan(dataclasses.replace(grid, overrides=overrides, ranks=(2,)), runtime).cells
    assert {c.rank for c in flagged if c.method == "mora"} == {2}


@pytest.mark.parametrize("owner", ["odir/none", "none/mora", "odir/"])
def test_overrides_of_what_is_not_there_are_refused(grid, runtime, owner):
    with pytest.raises(UserError, match="neither a dataset nor a method nor DATASET/METHOD"):
        plan(dataclasses.replace(grid, overrides={owner: {"lr": 1e-3}}), runtime)


@pytest.mark.parametrize("rank", ["0", "true", "1.5", '"4"'])
def test_a_presets_rank_is_a_whole_number(tmp_path, rank):
    (tmp_path / "mine.toml").write_text(f'[overrides."odir/mora"]\nrank = {rank}\n')
    with pytest.raises(UserError, match=r"rank is .*; expected a whole number"):
        load_preset(str(tmp_path / "mine.toml"))


def test_axes_a_method_does_not_read_are_collapsed_with_the_reason(grid, runtime):
    planned = plan(dataclasses.replace(grid, ranks=(1, 2, 4), blocks=("0", "0-2")), runtime)
    by_method = [(c.method, c.rank, c.blocks) for c in planned.cells]
    assert by_method.count(("full", None, None)) == 1
    assert sum(m == "mora" for m, _, _ in by_method) == 6
    assert (planned.asked, len(planned.cells)) == (12, 7)
    assert planned.collapsed == {"full does not read rank": 5}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rates": (0.7, 0.70)}, {"it was asked for twice": 2}),
        ({"ranks": (2, 2, 4)}, {"full does not read rank": 2, "it was asked for twice": 1}),
        ({"rates": (0.7, 0.70), "ranks": (2, 4)}, {"full does not read rank": 2, "it was asked for twice": 3}),
    ],
)
def test_what_is_asked_for_twice_is_called_that(grid, runtime, changes, expected):
    assert plan(dataclasses.replace(grid, **changes), runtime).collapsed == expected


def test_complete_data_have_one_rate(grid, runtime):
    planned = plan(dataclasses.replace(grid, missing=("complete", "image"), rates=(0.0, 0.5)), runtime)
    assert {(c.missing, c.rate) for c in planned.cells} == {("complete", 0.0), ("image", 0.5)}
    assert sum(planned.collapsed.values()) == planned.asked - len(planned.cells) == 4


def test_a_methods_own_axes_are_the_default(grid, runtime):
    mora = next(c for c in plan(grid, runtime).cells if c.method == "mora")
    assert (mora.rank, mora.blocks) == (4, (0,))


def test_flags_beat_overrides_and_overrides_beat_the_recipe(grid, runtime):
    preset = dataclasses.replace(grid, overrides={"cxr": {"epochs": 7}, "full": {"lr": 1e-4}})
    cells = {c.method: c.recipe for c in plan(preset, runtime, preset).cells}
    assert (cells["full"].epochs, cells["full"].lr, cells["mora"].lr) == (7, 1e-4, 5e-3)
    flagged = dataclasses.replace(preset, recipe=Recipe(epochs=3))
    cells = {c.method: c.recipe for c in plan(flagged, runtime, preset).cells}
    assert (cells["full"].epochs, cells["full"].lr) == (3, 1e-4)


def test_learning_rates_are_an_axis(grid, runtime):
    planned = plan(dataclasses.replace(grid, lrs=(1e-3, 1e-4)), runtime)
    assert sorted(c.recipe.lr for c in planned.cells) == [1e-4, 1e-4, 1e-3, 1e-3]


def test_what_is_no_floor_runs_where_it_is_named(grid):
    def run(**changes):
        return set(competitors(dataclasses.replace(grid, **changes))[1])

    floors = set(registry.names(registry.PREDICTORS)) - {"latent"}
    assert run(methods=("head",), floors=("all",)) == floors
    for named in ({"methods": ("head", "latent")}, {"methods": ("all",)}):
        assert run(**named, floors=("all",)) == floors | {"latent"}
    assert run(methods=("head",), floors=("prior", "latent")) == {"prior", "latent"}
    assert run(methods=("latent",), floors=("all",)) == {"latent"}


def test_floors_stand_once_beside_all_methods_backbones_and_imputers(grid, runtime):
    changes = {"floors": tuple(FLOORS), "impute": ("dummy", "mean"), "ranks": (1, 2), "lrs": (1e-3, 1e-4)}
    planned = plan(dataclasses.replace(grid, backbone=(*grid.backbone, "small"), **changes), runtime)
    floors = [c for c in planned.cells if c.recipe is None]
    # Those that read the backbone stand once beside each.
    assert sorted(c.method for c in floors) == sorted([*FLOORS, *READ_IT])
    assert {(c.impute, c.rank, c.blocks, c.recipe) for c in floors} == {("none", None, None, None)}
    assert {(c.backbone, c.weights) for c in floors if c.method not in READ_IT} == {("none", "")}
    assert len(planned.cells) - len(floors) == 2 * 2 * (2 + 4)


def test_floors_have_cells_for_every_dataset_pattern_rate_and_seed(grid, runtime):
    wide_grid = dataclasses.replace(
        grid, floors=("prior",), datasets=("odir", "cxr"), missing=("text", "image", "complete"), rates=(0.3, 0.7),
        seeds=(0, 1),
    )  # fmt: skip
    floors = [c for c in plan(wide_grid, runtime).cells if c.method == "prior"]
    assert len(floors) == len({c.key for c in floors}) == 2 * (2 * 2 + 1) * 2
    methods = [c for c in plan(wide_grid, runtime).cells if c.method == "mora"]
    assert {(c.dataset, c.data, c.missing, c.rate, c.seed) for c in floors} == {
        (c.dataset, c.data, c.missing, c.rate, c.seed) for c in methods
    }


def test_floors_as_methods_are_alone_and_not_twice(grid, runtime):
    for floors in (("none",), tuple(FLOORS)):
        planned = plan(dataclasses.replace(grid, methods=tuple(FLOORS), floors=floors), runtime)
        assert sorted(c.method for c in planned.cells) == FLOORS
        assert (planned.asked, planned.collapsed) == (len(FLOORS), {})


def test_floors_need_no_backbone(grid, runtime):
    planned = plan(dataclasses.replace(grid, methods=("prior",), backbone=("nowhere",)), runtime)
    assert [c.method for c in planned.cells] == ["prior"]


def test_all_methods_are_all_of_them_and_all_predictors(grid, runtime):
    methods = [c.method for c in plan(dataclasses.replace(grid, methods=("all",)), runtime).cells]
    assert len(methods) == len(set(methods))
    assert {"mora", "full", "lora", *FLOORS} <= set(methods)


def test_a_predictor_has_no_cell_where_its_kind_is_absent(grid, runtime, monkeypatch):
    from mora_baselines.tfidf import Tfidf

    monkeypatch.setattr(Tfidf, "kinds", ("sound",))
    planned = plan(dataclasses.replace(grid, floors=tuple(FLOORS), seeds=(0, 1)), runtime)
    others = [name for name in FLOORS if name != "tfidf"]
    assert [c.method for c in planned.cells if c.recipe is None] == others * 2
    assert planned.collapsed == {"tfidf reads sound, which cxr does not have": 2}


def test_only_knobs_that_are_not_the_papers_stand_in_a_cell(grid, runtime, monkeypatch):
    before = next(c for c in plan(grid, runtime).cells if c.method == "mora")
    monkeypatch.setattr(Mora, "reads", Mora.reads | {"length": 16, "scale": 0.5, "deep": False, "how": "a"})
    knobs = ("length=16,32", "scale=1,0.5", "deep=true", "how=b")
    planned = plan(dataclasses.replace(grid, knobs=knobs), runtime)
    cells = [c for c in planned.cells if c.method == "mora"]
    rest = (("deep", True), ("how", "b"))
    assert {c.knobs for c in cells} == {
        rest,
        tuple(sorted((*rest, ("length", 32)))),
        tuple(sorted((*rest, ("scale", 1.0)))),
        tuple(sorted((*rest, ("length", 32), ("scale", 1.0)))),
    }
    assert [c.knobs for c in planned.cells if c.method == "full"] == [()]
    (same,) = [c for c in plan(dataclasses.replace(grid, knobs=("length=16",)), runtime).cells if c.method == "mora"]
    assert same.key == before.key


@pytest.mark.parametrize(
    ("knob", "message"),
    [
        ("length=x", "--knobs length=x: expected int, such as 16"),
        ("deep=maybe", "--knobs deep=maybe: expected bool, such as False"),
        ("lenght=3", "--knobs lenght=3: none of the methods reads it; known: deep, length"),
    ],
)
def test_wrong_knobs_are_refused(grid, runtime, monkeypatch, knob, message):
    monkeypatch.setattr(Mora, "reads", Mora.reads | {"length": 16, "deep": False})
    with pytest.raises(UserError, match=message):
        plan(dataclasses.replace(grid, knobs=(knob,)), runtime)


def test_mechanisms_and_strengths_are_axes_and_the_uniform_one_has_one_strength(grid, runtime):
    odir = dataclasses.replace(grid, methods=("mora",), datasets=("odir",))
    planned = plan(dataclasses.replace(odir, mechanism=("uniform", "covariate:age"), strength=(0.5, 2.0)), runtime)
    assert [(c.mechanism.mechanism, c.mechanism.strength) for c in planned.cells] == [
        ("uniform", 1.0), ("covariate:age", 0.5), ("covariate:age", 2.0),
    ]  # fmt: skip
    (before,) = plan(odir, runtime).cells
    assert planned.cells[0] == before
    assert before.mechanism == UNIFORM
    assert before.scoring.missing is None
    assert all(c.mechanism.reads and c.test_missing == c.mechanism for c in planned.cells[1:])


def test_complete_data_are_trained_under_no_mechanism_and_tested_under_the_one_asked_for(grid, runtime):
    odir = dataclasses.replace(grid, methods=("mora",), datasets=("odir",), missing=("complete",))
    (plain,), (aged,) = (
        plan(dataclasses.replace(odir, mechanism=(m,)), runtime).cells for m in ("uniform", "covariate:sex")
    )
    assert plain.mechanism == aged.mechanism == UNIFORM
    assert plain.key == aged.key
    assert plain.score_key != aged.score_key
    assert (plain.test_missing, aged.test_missing.mechanism) == (UNIFORM, "covariate:sex")


def test_how_it_is_tested_is_in_the_score_key_alone(grid, runtime):
    odir = dataclasses.replace(grid, methods=("mora",), datasets=("odir",))
    (plain,) = plan(odir, runtime).cells
    assert (plain.test_rate, plain.test_missing) == (0.7, UNIFORM)
    for changes in ({"test_rate": 0.3}, {"test_mechanism": "covariate:sex"}):
        (other,) = plan(dataclasses.replace(odir, **changes), runtime).cells
        assert other.key == plain.key
        assert other.score_key != plain.score_key
    (other,) = plan(dataclasses.replace(odir, mask_unit="patient"), runtime).cells
    assert other.key != plain.key
    assert other.mechanism == Missing(unit="patient", version="1.p2")


def test_seeds_are_outermost(grid, runtime):
    planned = plan(dataclasses.replace(grid, seeds=(0, 1)), runtime)
    assert [c.seed for c in planned.cells] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"methods": ("lroa",)},
            r"unknown method 'lroa'; known: all, .*bitfit, .*Did you mean 'lora'\?",
        ),
        ({"impute": ("maen",)}, r"unknown imputer 'maen'; known: all, bank, dummy, .*Did you mean 'mean'\?"),
        (
            {"datasets": ("chest",)},
            "unknown dataset 'chest'; known: cxr, cxr-redacted, cxr-views, icu, icu-cause, icu-severity, ",
        ),
        ({"floors": ("tfdif",)}, r"unknown predictor 'tfdif'; known: all, .*tfidf\. Did you mean 'tfidf'\?"),
        ({"methods": ("tfdif",)}, r"unknown method 'tfdif'; known: .*tfidf\. Did you mean 'tfidf'\?"),
        ({"mechanism": ("unifrm",)}, r"unknown mechanism 'unifrm'; known: .*Did you mean 'uniform'\?"),
        ({"test_mechanism": "sight:x"}, r"unknown mechanism 'sight'; known: covariate, .*uniform"),
        ({"mechanism": ("covariate:age",)}, "'covariate:age' on cxr: .*this dataset has no covariate"),
        ({"mechanism": ("uniform:age",)}, "'uniform:age' on cxr: it takes no argument"),
        ({"missing": ("txt",)}, "unknown missing pattern 'txt'; known: complete, text, image, both"),
        ({"engine": "inlin"}, r"unknown engine 'inlin'; known: .*Did you mean 'inline'\?"),
        ({"knobs": ("length=3",)}, "--knobs length=3: none of the methods reads it; known: none"),
        ({"knobs": ("length",)}, "--knobs 'length' is not NAME=VALUE"),
        ({"blocks": ("3",)}, r"block 3 is outside the backbone's 0\.\.2"),
        ({"blocks": ("0-9999999999",)}, r"block 9999999999 is outside the backbone's 0\.\.2"),
        ({"ranks": (999999,)}, r"--ranks 999999 is above the width of backbone .*, 32"),
        ({"blocks": ("zero",)}, "not a set of blocks"),
        ({"overrides": {"ordi": {}}}, r"overrides\.ordi"),
    ],
)
def test_unknown_names_list_the_known_ones(grid, runtime, changes, message):
    with pytest.raises(UserError, match=message):
        plan(dataclasses.replace(grid, **changes), runtime)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": (1.2,)}, "--rates 1.2"),
        ({"ranks": (0,)}, "--ranks 0"),
        ({"workers": 0}, "--workers is 0"),
        ({"seeds": ()}, "--seeds is empty"),
        ({"limit": 0}, "--limit is 0"),
        ({"test_rate": 1.5}, "--test-rate 1.5"),
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
        ("datasets = 'odir'", r"mine\.toml: datasets: expected `array`, got `str`; write a list"),
        ('seeds = ["a"]', r"mine\.toml: seeds.*: expected `int`, got `str`"),
        ("recipe = 3", r"mine\.toml: recipe is 3; expected a table, \[recipe\]"),
        ("[recipe]\nlr = [1]", r"mine\.toml, \[recipe\]: lr: expected `float`, got `array`"),
        ("overrides = 3", r"mine\.toml: overrides is 3; expected a table"),
        ("overrides.full = 3", r"mine\.toml: overrides\.full is 3; expected a table, \[overrides\.full\]"),
        ("[overrides.full]\nlr = 'a'", r"mine\.toml, \[overrides\.full\]: lr: expected `float`, got `str`"),
        ("[recipe]\nepochs = 1.5", r"mine\.toml, \[recipe\]: epochs: expected `int`, got `float`"),
        ("[recipe]\nepochs = true", r"mine\.toml, \[recipe\]: epochs: expected `int`, got `bool`"),
        ("[recipe]\nprecision = 'fp8'", r"mine\.toml, \[recipe\]: precision: invalid enum value 'fp8'"),
        ("[recipe]\neps = inf", r"recipe\.eps is inf"),
        ("threads = 1.5", r"mine\.toml: threads: expected `int`, got `float`"),
        ("workers = true", r"mine\.toml: workers: expected `int.*got `bool`"),
        ("epochs = 1.5", "unknown key 'epochs'; known: "),
        ("base = 3", r"mine\.toml: base is 3; expected the name of a preset"),
        ("base = 'fusde'", r"mine\.toml: base: unknown preset 'fusde'; known: .* Did you mean 'fused'"),
        ("base = 'other.toml'", r"mine\.toml: base: unknown preset 'other\.toml'"),
        ("base = 'mine.toml'", r"mine\.toml: base 'mine\.toml' begins from this preset itself"),
        ("base = 'quick'\n[[parts]]\nbase = 'fused'", r"mine\.toml, part 1: unknown key 'base'"),
    ],
)
def test_a_wrong_preset_file_says_where(tmp_path, text, message):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        load_preset(str(file))
    assert "\n" not in str(refused.value)


def test_a_preset_may_begin_with_a_byte_order_mark(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("rates = [0.5]", "utf-8-sig")
    assert load_preset(str(file)).rates == (0.5,)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("rates = [70]", ["rates 70.0 is outside 0..1."]),
        ("seeds = []\ntest_rate = 2", ["seeds is empty; give at least one value.", "test_rate 2.0 is outside 0..1."]),
    ],
)
def test_a_value_out_of_range_in_a_preset_names_its_file(tmp_path, text, lines):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UserError) as refused:
        load_preset(str(file))
    assert str(refused.value).split("\n") == [f"{file}: {line}" for line in lines]


def test_a_preset_begins_from_another_one(tmp_path):
    """What it says counts before its base's: fields of recipes one by one, parts as a whole."""
    (tmp_path / "first.toml").write_text("base = 'fused'\nseeds = [7]\nrecipe.patience = 5\n[[parts]]\nranks = [2]")
    (tmp_path / "second.toml").write_text("base = 'first.toml'\nrecipe.batch = 8\n[overrides.full]\nhead_lr_mult = 3")
    fused, first, second = (load_preset(str(n)) for n in ("fused", tmp_path / "first.toml", tmp_path / "second.toml"))
    assert first.preset == str(tmp_path / "first.toml")
    assert first == dataclasses.replace(
        fused,
        preset=first.preset,
        seeds=(7,),
        recipe=dataclasses.replace(fused.recipe, patience=5),
        parts=({"ranks": [2]},),
    )
    assert second.recipe == dataclasses.replace(first.recipe, batch=8)
    assert second.overrides == {"full": {"lr": 3e-5, "head_lr_mult": 3}}
    assert second.parts == first.parts
    (tmp_path / "first.toml").write_text("base = 'second.toml'")
    with pytest.raises(UserError, match=r"first\.toml: base 'second\.toml' begins from this preset itself"):
        load_preset(str(tmp_path / "second.toml"))


def test_numbers_of_a_preset_have_the_type_of_their_field(tmp_path):
    """10 and 10.0 are the same number and have to have the same key."""
    file = tmp_path / "mine.toml"
    file.write_text("rates = [1]\nlrs = [1]\n[recipe]\nvalidate_every = 1\n[overrides.full]\nhead_lr_mult = 10")
    grid = load_preset(str(file))
    numbers = [*grid.rates, *grid.lrs, grid.recipe.validate_every, Recipe(**grid.overrides["full"]).head_lr_mult]
    assert [repr(value) for value in numbers] == ["1.0", "1.0", "1.0", "10.0"]


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(UserError, match=r"unknown preset 'quik'; known: .*quick"):
        load_preset("quik")


@given(st.sets(st.integers(0, 11), min_size=1))
def test_block_sets_read_back(blocks):
    assert parse_blocks(",".join(map(str, blocks)), 12) == tuple(sorted(blocks))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", tuple(range(6))),
        ("0-2", (0, 1, 2)),
        ("0,3-5", (0, 3, 4, 5)),
        ("first half", (0, 1, 2)),
        ("5", (5,)),
        ("last 2", (4, 5)),
    ],
)
def test_block_sets(text, expected):
    assert parse_blocks(text, 6) == expected


@pytest.mark.parametrize("text", ["", "a", "2-1", "-1", "1,,2", "last 7", "last 0", "last x"])
def test_wrong_block_sets(text):
    with pytest.raises(UserError, match="blocks"):
        parse_blocks(text, 6)


def test_the_strength_of_a_test_mechanism_is_the_one_that_was_asked_for(grid, runtime):
    asked = dataclasses.replace(grid, strength=(2.0,), test_mechanism="label")
    for mechanism in ("uniform", "label"):
        cells = plan(dataclasses.replace(asked, mechanism=(mechanism,)), runtime).cells
        assert {cell.scoring.missing.strength for cell in cells} == {2.0}


def with_readout(grid, readout, **changes):
    return dataclasses.replace(grid, recipe=dataclasses.replace(grid.recipe, readout=readout), **changes)


def test_a_readout_that_is_the_backbones_own_is_no_other_cell(grid, runtime, folder, clip_folder):
    for backbone in (str(folder), str(clip_folder), f"pair:{clip_folder},untrained"):
        plain = dataclasses.replace(grid, methods=("head",), backbone=(backbone,))
        keys = {
            name: plan(with_readout(plain, name), runtime).cells[0].key for name in ("", "pooler", "mean", "labels")
        }
        assert keys[""] == keys["pooler"]
        assert len(set(keys.values())) == 3
    fused = dataclasses.replace(grid, methods=("head",), backbone=("fused:untrained,untrained",))
    default, mean, labels = (plan(with_readout(fused, name), runtime).cells[0] for name in ("", "mean", "labels"))
    assert default.key == mean.key != labels.key
    assert mean.recipe.readout == ""


def test_a_part_that_asks_for_the_backbones_own_readout_is_collapsed_with_the_reason(tmp_path, runtime):
    file = tmp_path / "read.toml"
    backbone = "fused:untrained,untrained"
    head = f'datasets = ["cxr"]\nmethods = ["head"]\nfloors = ["none"]\nseeds = [0]\nbackbone = ["{backbone}"]\n'
    file.write_text(head + "".join(f'[[parts]]\nrecipe.readout = "{name}"\n' for name in ("", "mean", "labels")))
    preset = load_preset(str(file))
    planned = plan(preset, runtime, preset)
    assert [cell.recipe.readout for cell in planned.cells] == ["", "labels"]
    assert planned.collapsed == {f"{backbone} is read by the mean anyway": 1}


def test_a_pooler_is_refused_where_there_is_none(grid, runtime):
    fused = with_readout(grid, "pooler", backbone=("small", "fused:untrained,untrained"))
    with pytest.raises(UserError, match=r"fused:untrained,untrained has no pooler.*Leave the option out"):
        plan(fused, runtime)


def test_where_labels_attend_there_is_no_norm_to_decay(grid, runtime):
    keys = set()
    for decay in (False, True):
        recipe = dataclasses.replace(grid.recipe, readout="labels", decay_norms=decay)
        keys |= {cell.key for cell in plan(dataclasses.replace(grid, methods=("head",), recipe=recipe), runtime).cells}
    assert len(keys) == 1


def test_the_paper_reads_the_pooler():
    assert load_preset("paper").recipe.readout == ""

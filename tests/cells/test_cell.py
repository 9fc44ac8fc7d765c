"""A cell's identity is science, all of it, and nothing else."""

import dataclasses

import pytest

from mora_bench.cells.cell import Cell, Scoring
from mora_bench.cells.missing import Gaps, Missing
from mora_bench.cells.recipe import Recipe
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError
from mora_bench.files import axis

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
#: The same with the other schedule, whose score to watch is named.
PLATEAU = dataclasses.replace(CELL, recipe=Recipe(schedule="plateau", patience=3).settled(), watched="auroc")
MISSING = Missing("covariate:age", 2.0, "patient", "1", "abc")
OTHER = {
    "dataset": "cxr", "source": "real", "data": "x", "split": "row", "missing": "text", "rate": 0.5, "method": "full",
    "method_version": "2", "rank": 8, "blocks": (0, 1), "impute": "mean", "impute_version": "2", "weights": "y",
    "recipe": Recipe(lr=1e-3), "seed": 1, "modalities": ("image", "text"), "task": "ordinal", "mechanism": MISSING,
    "knobs": (("length", 16),), "versions": (("training", 3),), "folds": 10, "pool": 5, "after": "cxr x",
    "max_text": 64, "gaps": Gaps("block", 0.5),
    "test_gaps": Gaps("block", 0.3),
}  # fmt: skip
OF_SCORES = {"missing": MISSING, "rate": 0.3, "version": 3, "convention": "monai"}
OF_MISSING = {"mechanism": "site", "strength": 3.0, "unit": "sample", "version": "2", "reads": "x"}


def spelled(value):
    """The fields of a dataclass, for a constructor."""
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def wider(kind, **options):
    """`kind` with one more axis, "plain" where it says nothing."""
    return dataclasses.make_dataclass("Wider", [("flavour", str, axis("plain", **options))], bases=(kind,), frozen=True)


def test_every_field_but_the_backbones_name_changes_the_key():
    assert set(OTHER) | {"backbone", "scoring", "watched"} == {f.name for f in dataclasses.fields(Cell)}
    keys = {dataclasses.replace(CELL, **{name: value}).key for name, value in OTHER.items()}
    assert len(keys | {CELL.key}) == len(OTHER) + 1
    assert dataclasses.replace(CELL, backbone="/moved/elsewhere").key == CELL.key
    assert dataclasses.replace(PLATEAU, watched="map").key != PLATEAU.key != CELL.key


def test_how_it_is_scored_changes_the_score_key_alone():
    assert set(OF_SCORES) == {f.name for f in dataclasses.fields(Scoring)}
    scored = [dataclasses.replace(CELL, scoring=Scoring(**{name: value})) for name, value in OF_SCORES.items()]
    assert {cell.key for cell in scored} == {CELL.key}
    assert len({cell.score_key for cell in scored} | {CELL.score_key}) == len(OF_SCORES) + 1


@pytest.mark.parametrize("where", ["key", "scoring"])
def test_every_field_of_a_mechanism_changes_the_key(where):
    def key(missing):
        return (dataclasses.replace(CELL, mechanism=missing) if where == "key" else Scoring(missing, 0.3)).key

    assert set(OF_MISSING) == {f.name for f in dataclasses.fields(Missing)}
    keys = {key(dataclasses.replace(MISSING, **{name: value})) for name, value in OF_MISSING.items()}
    assert len(keys | {key(MISSING)}) == len(OF_MISSING) + 1


def test_keys_are_what_they_were():
    """If this fails, every results folder has to be computed again: nothing but a version may change a key."""
    assert CELL.key == "dea3099db45f23a2"
    assert CELL.score_key == "dea3099db45f23a2-0899eaeee76dcfdd"
    other = dataclasses.replace(CELL, scoring=Scoring(Missing("covariate:age", 2.0), 0.3))
    assert other.score_key == "dea3099db45f23a2-e4837255f608d97a"
    assert PLATEAU.key == "c246ac699399593a"


def test_cells_of_older_draws_keep_their_keys_and_are_told_apart():
    """(Key found by the code of commit 94bcf05.)"""
    older = dataclasses.replace(CELL, versions=(("training", 2),))
    assert older.key == "2575399fc7f6e442"
    assert older.older_draws
    assert not CELL.older_draws
    CELL.check_draws()
    with pytest.raises(
        UserError, match=r"older draws: this version draws different splits .* commit 307f536 .* the last version"
    ):
        older.check_draws()


def test_a_field_that_comes_later_keeps_every_key():
    fields = spelled(CELL)
    for kind in (wider(Cell), wider(Cell, default="spicy")):
        plain, spicy = kind(**fields, flavour="plain"), kind(**fields, flavour="spicy")
        assert (plain.key, plain.score_key) == (CELL.key, CELL.score_key)
        assert spicy.key != CELL.key
        assert spicy.score_key != CELL.score_key
    assert wider(Cell)(**fields).key == CELL.key
    assert wider(Cell, default="spicy")(**fields).key == spicy.key


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [("recipe", Recipe(), Recipe), ("mechanism", MISSING, Missing), ("scoring", Scoring(MISSING, 0.3), Scoring)],
)
def test_a_field_that_comes_later_to_a_part_of_a_cell_keeps_every_key(field, value, kind):
    before = dataclasses.replace(CELL, **{field: value})
    for later in (wider(kind), wider(kind, default="spicy")):
        plain, spicy = (later(**spelled(value), flavour=flavour) for flavour in ("plain", "spicy"))
        assert dataclasses.replace(CELL, **{field: plain}).key == before.key
        assert dataclasses.replace(CELL, **{field: plain}).score_key == before.score_key
        assert dataclasses.replace(CELL, **{field: spicy}).score_key != before.score_key
        assert (dataclasses.replace(CELL, **{field: spicy}).key == before.key) == (field == "scoring")


def test_a_field_that_comes_later_keeps_the_key_of_a_scoring():
    for kind in (wider(Scoring), wider(Scoring, default="spicy")):
        for scoring in (Scoring(), Scoring(MISSING, 0.3)):
            assert kind(**spelled(scoring), flavour="plain").key == scoring.key
            assert kind(**spelled(scoring), flavour="spicy").key != scoring.key
    assert wider(Scoring)().key == Scoring().key
    assert wider(Scoring, default="spicy")().key != Scoring().key


def test_a_field_that_comes_later_keeps_the_fingerprint_of_a_table():
    table = twins.odir(range(3))
    before = table.fingerprint()
    for kind in (wider(Table), wider(Table, default="spicy")):
        assert kind(**spelled(table), flavour="plain").fingerprint() == before
        assert kind(**spelled(table), flavour="spicy").fingerprint() != before
    assert wider(Table)(**spelled(table)).fingerprint() == before
    assert wider(Table, default="spicy")(**spelled(table)).fingerprint() != before


def test_a_tables_fingerprint_holds_names_kinds_and_order_of_modalities_but_no_covariates():
    table = twins.odir(range(3))
    text, image = table.modalities.values()
    others = [
        {"text": text, "picture": image},
        {"image": image, "text": text},
        {"words": text, "image": image},
        {"text": text},
        {"image": image},
        {"text": text, "image": image, "note": Column("text", ("a", "b", None))},
        {"text": Column("text", (None, *text.values[1:])), "image": image},
        {"text": text, "image": Column("image", (None, *image.values[1:]))},
    ]
    fingerprints = {dataclasses.replace(table, modalities=other).fingerprint() for other in others}
    fingerprints.add(dataclasses.replace(table, task="ordinal").fingerprint())
    assert len(fingerprints | {table.fingerprint()}) == len(others) + 2
    assert dataclasses.replace(table, covariates={}).fingerprint() == table.fingerprint()


def test_every_recipe_field_that_its_schedule_reads_changes_the_key():
    named = {"precision": "bf16", "head_bias": "prevalence", "dropout": 0.1, "decay_norms": True, "patience": 5}
    named |= {"reweigh": True, "readout": "mean", "class_weights": "balanced", "projection": "aligned"}
    named |= {"modality_dropout": 0.3, "modality_dropout_epochs": 2.0, "loss": "cox"}
    read: set[str] = set()
    dropping = dataclasses.replace(CELL, recipe=dataclasses.replace(CELL.recipe, modality_dropout=0.5))
    for cell in (CELL, PLATEAU, dropping):
        for field in dataclasses.fields(Recipe):
            value = getattr(cell.recipe, field.name)
            number = not isinstance(value, str)
            other = named.get(field.name, value * 2 if number and (value < 0.5 or value > 1) else 0.25)
            recipe = dataclasses.replace(cell.recipe, **{field.name: other} if field.name != "schedule" else {})
            if recipe.problem() or recipe == cell.recipe:
                continue
            read.add(field.name)
            assert dataclasses.replace(cell, recipe=recipe).key != cell.key, field.name
    assert read == {f.name for f in dataclasses.fields(Recipe)} - {"schedule"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate": 1.5}, r"outside 0\.\.1"),
        ({"rank": 0}, "rank 0 is below 1"),
        ({"split": "day"}, "unknown split"),
        ({"seed": -1}, "seed -1"),
        ({"watched": "auroc"}, "watched is 'auroc'; expected a score with schedule plateau, else none"),
        ({"recipe": PLATEAU.recipe}, "watched is ''"),
        ({"recipe": Recipe(warmup_epochs=2)}, "odir mora: schedule linear does not read recipe.warmup_epochs"),
        ({"recipe": Recipe(modality_dropout_epochs=2)}, "is read with recipe.modality_dropout alone"),
        ({"recipe": Recipe(precision="auto")}, "recipe.precision auto is what a plan replaces"),
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
        {"eps": float("inf")},
        {"validate_every": 1e-12},
        {"lr": float("nan")},
        {"schedule": "cosine"},
        {"decay_epochs": -1},
        {"warmup_epochs": float("inf")},
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


def test_the_same_cell_with_another_seed_is_what_replacing_the_seed_gives():
    cell = dataclasses.replace(CELL, seed=1)
    keys = cell.key, cell.score_key
    other, replaced = cell.with_seed(5), dataclasses.replace(cell, seed=5)
    assert other == replaced
    assert (other.key, other.score_key) == (replaced.key, replaced.score_key)
    assert (cell.key, cell.score_key) == keys
    assert other.key != cell.key
    with pytest.raises(UserError, match="seed -1 is below 0"):
        cell.with_seed(-1)


def test_a_label_says_how_modalities_are_taken():
    masks = [Missing("label", 1.0), Missing("label", 4.0), Missing("uniform", 1.0, "patient"), MISSING, Missing()]
    assert [dataclasses.replace(CELL, mechanism=mask).label for mask in masks] == [
        f"odir mora r4 b0 both@0.7 {mask}dummy seed0"
        for mask in (
            "label ",
            "label (strength 4) ",
            "uniform (by patient) ",
            "covariate:age (strength 2, by patient) ",
            "",
        )
    ]


def test_a_label_says_how_tests_take_what_training_does_not():
    tested = [Scoring(missing=Missing("label", 4.0)), Scoring(rate=0.3), Scoring(missing=Missing(), rate=0.3)]
    cell = dataclasses.replace(CELL, mechanism=Missing("label", 1.0))
    assert [dataclasses.replace(cell, scoring=scoring).label for scoring in (*tested, Scoring())] == [
        f"odir mora r4 b0 both@0.7 label dummy {words}seed0"
        for words in ("tested under label (strength 4) ", "tested at 0.3 ", "tested under uniform tested at 0.3 ", "")
    ]

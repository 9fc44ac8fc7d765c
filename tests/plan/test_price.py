"""A price is work over a rate that records give; where none is known there is no price."""

import dataclasses
import math

import msgspec
import pytest
from by_hand import TOY, failed, predictor, record
from hypothesis import given
from hypothesis import strategies as st

from mora_bench.cells.recipe import Recipe
from mora_bench.plan.price import Needs, Prices, looked, predicted, seconds, step_flops, timed, work_of
from mora_bench.records.schema import Beginning, Clock, Data, Flops, Validation

SIZES = {"train": 160, "val": 20, "test": 50}
#: The machine of these records: seconds of overhead a step, seconds a FLOP in training and in passes, seconds a cell.
OVERHEAD, STEP, FORWARD, FIXED = 1e-3, 2e-11, 1e-11, 1.5
PASS, BEGIN = 1e8, 6e7


def needs(step, kept):
    return Needs(PASS, BEGIN if kept else 0.0, step)


def ran(method, step, kept=True, epochs=3, batch=16, provenance=TOY, **changes):
    """A record of a cell on that machine, whose step takes so many FLOPs a sample."""
    recipe = Recipe(epochs=epochs, batch=batch, validate_every=1.0)
    base, _ = record(method, recipe=recipe, provenance=provenance, **changes)
    work, need = work_of(base.cell, SIZES), needs(step, kept)
    step_s = OVERHEAD + step_flops(work, need) * STEP
    ahead_s = predicted(work, need) * FORWARD
    cell_s = FIXED + ahead_s + work.steps * step_s + looked(work, need) * FORWARD
    forward = step / 3 + (BEGIN if kept else 0.0)
    clock = {"step_ms": 1000 * step_s, "epoch_s": step_s * work.steps / epochs, "steps_timed": work.steps}
    return msgspec.structs.replace(
        base,
        beginning=Beginning(constant=True, ahead=False, lean=False, kept=kept),
        flops=Flops(forward=PASS, step_begin=BEGIN, step_forward=forward, step_backward=step * 2 / 3, tokens={}),
        data=Data(labels=[], split="", contents={}, realised={name: {"n": n} for name, n in SIZES.items()}),
        time=Clock(cell_s=cell_s, predict_s=ahead_s, **clock),
        training=msgspec.structs.replace(base.training, steps=work.steps),
    )


HEAD, LORA, FULL = ran("head", 1e5), ran("lora", 1e8), ran("full", 3e8, kept=False)


def priced(cell, *records, sizes=SIZES, device="Toy CPU", threads=1, **more):
    return Prices(records, device, threads, **more).of(cell, sizes)


def other(of, **recipe):
    return dataclasses.replace(of.cell, seed=7, recipe=dataclasses.replace(of.cell.recipe, **recipe))


@pytest.mark.parametrize("measured", [HEAD, LORA, FULL], ids=["head", "lora", "full"])
@pytest.mark.parametrize("epochs", [1, 3, 30, 300])
def test_a_cell_costs_its_steps_its_looks_and_what_every_cell_does(measured, epochs):
    cell = other(measured, epochs=epochs)
    work, need = work_of(cell, SIZES), timed(measured).needs
    expected = FIXED + work.steps * (OVERHEAD + step_flops(work, need) * STEP)
    expected += (looked(work, need) + predicted(work, need)) * FORWARD
    assert work.steps == 10 * epochs
    assert priced(cell, HEAD, LORA, FULL) == pytest.approx(expected, rel=1e-6)


def test_what_a_frozen_backbone_reads_costs_its_passes_at_the_rate_of_its_networks():
    floor, _ = predictor("frozen", backbone="small", weights="w" * 16, max_text=64)
    assert Prices([HEAD, LORA], "Toy CPU", 1).reading(floor.cell, 300) == pytest.approx(300 * PASS * FORWARD)
    assert Prices([], "Toy CPU", 1, older=[HEAD]).reading(floor.cell, 300) == pytest.approx(300 * PASS * FORWARD)
    other_weights = dataclasses.replace(floor.cell, weights="v" * 16)
    assert math.isnan(Prices([HEAD, LORA], "Toy CPU", 1).reading(other_weights, 300))


def test_a_kind_that_is_known_by_its_flops_alone_is_priced_by_its_backbones_rate():
    """Its FLOPs are known from another machine; what a step takes beside them, from the other methods here."""
    elsewhere = ran("mora", 5e7, provenance=msgspec.structs.replace(TOY, device="Another CPU"))
    here = ran("mora", 5e7)
    assert math.isnan(priced(here.cell, HEAD, LORA, FULL))
    price = priced(here.cell, HEAD, LORA, FULL, older=[elsewhere])
    assert price == pytest.approx(here.time.cell_s, rel=1e-6)


@pytest.mark.parametrize(
    ("cell", "how"),
    [
        (dataclasses.replace(LORA.cell, weights="b32" * 5), {}),
        (dataclasses.replace(LORA.cell, dataset="cxr"), {}),
        (dataclasses.replace(LORA.cell, source="real"), {}),
        (dataclasses.replace(LORA.cell, method="map"), {}),
        (dataclasses.replace(LORA.cell, blocks=(0, 1)), {}),
        (other(LORA, precision="bf16"), {}),
        (other(LORA, batch=16 * 160), {"sizes": {"train": 25600, "val": 20, "test": 20}}),
        (LORA.cell, {"device": "Another CPU"}),
        (LORA.cell, {"threads": 2}),
        (LORA.cell, {"compiler": "on"}),
    ],
)
def test_no_rate_no_price(cell, how):
    assert not math.isnan(priced(LORA.cell, HEAD, LORA, FULL))
    assert math.isnan(priced(cell, HEAD, LORA, FULL, **how))


def test_records_of_the_folder_come_before_older_ones():
    slow = msgspec.structs.replace(LORA, time=msgspec.structs.replace(LORA.time, step_ms=5000.0, epoch_s=50.0))
    assert priced(LORA.cell, LORA, older=[slow, slow]) == pytest.approx(LORA.time.cell_s)
    assert priced(LORA.cell, older=[LORA]) == pytest.approx(LORA.time.cell_s)


def test_what_is_kept_of_the_frozen_beginning_is_computed_once():
    work = work_of(LORA.cell, SIZES)
    assert looked(work, needs(1e8, kept=True)) == 3 * 20 * (PASS - BEGIN) + 180 * BEGIN
    assert looked(work, needs(1e8, kept=False)) == 3 * 20 * PASS


def test_a_rank_hardly_matters_and_what_comes_before_is_trained_as_well():
    assert priced(dataclasses.replace(LORA.cell, rank=64), LORA) == pytest.approx(LORA.time.cell_s)
    assert priced(dataclasses.replace(LORA.cell, after=f"cxr {'a' * 16}"), LORA) == pytest.approx(2 * LORA.time.cell_s)


def test_three_modalities_are_predicted_under_seven_patterns():
    cell = dataclasses.replace(LORA.cell, modalities=("a", "b", "c"))
    assert work_of(cell, SIZES).patterns == 7


def test_competitors_without_a_network_are_priced_by_data_set_name_and_samples():
    floor, _ = predictor("tfidf")
    known = {name: {"n": n} for name, n in SIZES.items()}
    floor = msgspec.structs.replace(floor, data=msgspec.structs.replace(floor.data, realised=known))
    many = {name: 10 * n for name, n in SIZES.items()}
    assert priced(floor.cell, floor, sizes=many) == pytest.approx(10 * floor.time.cell_s)
    assert math.isnan(priced(dataclasses.replace(floor.cell, method="pixels"), floor))
    assert math.isnan(priced(dataclasses.replace(floor.cell, dataset="cxr"), floor))


def test_cells_that_failed_or_ran_as_one_give_no_rate():
    as_one = msgspec.structs.replace(LORA, time=msgspec.structs.replace(LORA.time, cells_as_one=6))
    assert timed(as_one) is None
    assert timed(failed("lora")[0]) is None
    assert math.isnan(priced(LORA.cell, as_one, failed("lora")[0]))


@given(st.integers(1, 1000), st.integers(1, 128), st.integers(1, 2000))
def test_more_epochs_never_cost_less(epochs, batch, train):
    sizes = SIZES | {"train": train}
    prices = []
    for number in (epochs, epochs + 1):
        cell = other(LORA, epochs=number, batch=batch)
        known = Prices([HEAD, LORA, FULL], "Toy CPU", 1)
        prices.append(known.of(cell, sizes))
    if not any(map(math.isnan, prices)):
        assert 0 < prices[0] < prices[1]


def test_seconds_are_the_sum_of_what_a_cell_does():
    from mora_bench.plan.price import Rate

    work = work_of(LORA.cell, SIZES)
    need = needs(1e8, kept=True)
    assert seconds(work, need, Rate(0.0, 0.0, 0.0, 2.0)) == 2.0
    assert seconds(work, need, Rate(1.0, 0.0, 0.0, 0.0)) == work.steps == 30


def test_patience_leaves_a_least_and_a_rate_is_of_the_steps_that_were_taken():
    """9 epochs at most; at the least the first look is the best, two are no better, and the decay takes one epoch."""
    plateau = {"schedule": "plateau", "epochs": 9, "patience": 2, "warmup": 0.0, "validate_every": 1.0}
    cell = dataclasses.replace(
        LORA.cell, watched="auroc", recipe=dataclasses.replace(LORA.cell.recipe, **plateau).settled()
    )
    most, least = (work_of(cell, SIZES, least=shortest) for shortest in (False, True))
    assert (most.steps, most.validations) == (90, 9)
    assert (least.steps, least.validations) == (40, 4)
    known = Prices([HEAD, LORA, FULL], "Toy CPU", 1)
    assert known.of(cell, SIZES, least=True) < known.of(cell, SIZES)
    assert known.of(LORA.cell, SIZES, least=True) == known.of(LORA.cell, SIZES)
    # A record that patience ended after four of nine looks says what four looks take.
    looks = [Validation(step=10 * k, epoch=k, loss=1.0, val_score=0.5) for k in (1, 2, 3, 4)]
    training = msgspec.structs.replace(LORA.training, steps=40, history=looks)
    ended = timed(msgspec.structs.replace(LORA, cell=cell, training=training))
    assert (ended.steps, ended.work.validations) == (40, 4)

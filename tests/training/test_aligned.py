"""A fused backbone whose projection is aligned once, without labels, and then frozen."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import RECIPE, make_cell
from safetensors.torch import load_file

from mora_bench.data import datasets
from mora_bench.errors import UserError
from mora_bench.methods.network import Shortcuts
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid
from mora_bench.records.store import Store
from mora_bench.report import frame
from mora_bench.report.compare import compare
from mora_bench.tasks.named import task_of
from mora_bench.training import cell as cells
from mora_bench.training import transfer
from mora_bench.training.inference import trained
from mora_bench.training.loop import train
from mora_bench.training.state_cache import Feed
from mora_bench.training.work import work

CPU = torch.device("cpu")
NAME = "fused:untrained,untrained"
ALIGNED = dataclasses.replace(RECIPE, projection="aligned")


def aligned(runtime, method="head", **changes):
    return make_cell(runtime, changes.pop("name", NAME), **{"method": method, "recipe": ALIGNED} | changes)


def built(cell, runtime):
    """The network of a cell, and its views."""
    _, views, (model,) = cells.untrained([cell], runtime, CPU)
    return model, views


def projection(cell, runtime, data=None, labels=False):
    """The projection of a cell as it is trained on; on other `data`, or labels turned round, if they are given."""
    _, views, _ = cells.untrained([cell], runtime, CPU)
    view = views["train"]
    samples = data(view) if data else view.samples
    if labels:
        samples = dataclasses.replace(
            samples, table=dataclasses.replace(samples.table, targets=1 - samples.table.targets)
        )
    model = cells.build(cell, samples, dataclasses.replace(view, samples=samples), CPU)
    return model.projection.state_dict()


def equal(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_it_is_the_same_for_every_method_and_learns_from_what_is_complete(runtime):
    cell = aligned(runtime)
    model, views = built(cell, runtime)
    assert model.pairs == views["train"].present.all(1).sum() > 0
    start = model.backbone.projection.state_dict()
    weights = projection(cell, runtime)
    assert not equal(weights, start)
    assert not weights["rows.image"].any()
    for method in ("mora", "lora", "full", "map"):
        assert equal(projection(aligned(runtime, method), runtime), weights), method
    # Not a function of the seed that draws what is trained, but of the mask that it draws.
    assert not equal(projection(aligned(runtime, seed=1), runtime), weights)


def noised(rows_of):
    """The samples of a view with noise in the rows that a function of it and a modality gives."""

    def data(view):
        rng = np.random.default_rng(0)
        contents = tuple(c.noised(rows_of(view, m), rng) for m, c in enumerate(view.samples.contents))
        return dataclasses.replace(view.samples, contents=contents)

    return data


def test_nothing_hidden_nor_of_other_sides_nor_any_label_moves_it(runtime):
    cell = aligned(runtime)
    weights = projection(cell, runtime)
    hidden = noised(lambda view, m: view.rows[~view.present[:, m]])
    others = noised(lambda view, m: np.setdiff1d(np.arange(len(view.samples)), view.rows))
    # What stands alone in a sample is no pair.
    alone = noised(lambda view, m: view.rows[~view.present.all(1) & view.present[:, m]])
    for data in (hidden, others, alone):
        assert equal(projection(cell, runtime, data), weights)
    assert equal(projection(cell, runtime, labels=True), weights)
    shown = noised(lambda view, m: view.rows[view.present.all(1)])
    assert not equal(projection(cell, runtime, shown), weights)


@pytest.mark.parametrize(("method", "cut"), [("head", 5), ("mora", 2), ("lora", 2)])
def test_the_beginning_is_kept_and_nothing_else_changes(runtime, method, cut):
    model, views = built(aligned(runtime, method, **{"blocks": (0,)} if method == "mora" else {}), runtime)
    assert model.cut == cut
    assert model.shortcuts.constant
    assert model.shortcuts.ahead is (method == "mora")
    feed = Feed(model, views["train"], 8, CPU)
    assert feed.kept
    at = np.array([3, 12, 7, 0])
    with torch.no_grad():
        spared = model.finish(feed.state(at))
        model.shortcuts = Shortcuts()
        torch.testing.assert_close(spared, model(views["train"].batch(at)), rtol=0, atol=1e-6)


def test_a_cell_says_what_it_was_aligned_on_and_that_it_did_not_train(runtime):
    cell, plain = aligned(runtime), make_cell(runtime, NAME, method="head")
    work([cell, plain], runtime)
    store = Store(runtime.out)
    record, other = (store.record(one) for one in (cell, plain))
    assert (record.status, other.status) == ("done", "done"), (record.error, other.error)
    assert (record.beginning.kept, other.beginning.kept) == (True, False)
    assert (record.beginning.pairs, other.beginning.pairs) == (built(cell, runtime)[0].pairs, 0)
    assert record.parameters.all == other.parameters.all
    parameters = record.parameters.all["projection"]
    assert (record.parameters.trained["projection"], other.parameters.trained["projection"]) == (0, parameters)
    assert record.flops.forward == other.flops.forward
    assert record.flops.step_begin > 0 == other.flops.step_begin
    assert record.flops.step_backward < other.flops.step_backward
    scores = [store.scores_of(one) for one in (cell, plain)]
    (table,) = compare(frame.cells([record, other], scores))
    pairs = record.beginning.pairs
    assert [note for note in table.notes if "projection" in note] == [
        f"odir: the projection of pictures was fitted once on {pairs} complete training samples, without labels, and "
        "then frozen; it does not count as trained."
    ]
    assert [row.label for row in table.sections[0].rows] == ["head (projection=aligned)", "head (projection=trained)"]


def test_too_few_complete_samples_are_a_failed_cell_with_their_number(runtime):
    cell = aligned(runtime, rate=1.0)
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    assert record.status == "failed"
    assert "0 training samples show both a text and a picture, expected 10 or more" in record.error


def test_a_saved_projection_counts_even_if_the_samples_give_another(runtime, monkeypatch):
    """As on a machine whose sums run in another order."""
    runtime = dataclasses.replace(runtime, save_adapters=True)
    cell = aligned(runtime)
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    folder = Store(runtime.out).adapter_folder(cell)
    saved = load_file(folder / "projection.safetensors")
    assert not any("projection" in name for name in load_file(folder / "trained.safetensors"))
    assert equal(saved, projection(cell, runtime))
    kind = type(built(cell, runtime)[0].backbone)
    align = kind.align

    def other(self, module, batches):
        pairs = align(self, module, batches)
        module.linear.weight.mul_(1.5)
        return pairs

    monkeypatch.setattr(kind, "align", torch.no_grad()(other))
    assert not equal(saved, projection(cell, runtime))
    assert equal(saved, trained(record, runtime).projection.state_dict())


def test_cells_trained_as_one_are_trained_as_alone(runtime):
    recipes = [dataclasses.replace(ALIGNED, lr=lr, epochs=1) for lr in (1e-3, 3e-3)]
    group = [aligned(runtime, "mora", recipe=recipe) for recipe in recipes]
    _, views, models = cells.untrained(group, runtime, CPU)
    alone = [built(cell, runtime)[0] for cell in group]
    task = task_of("multi-label")
    sides = views["train"], views["val"]
    train(models, *sides, recipes, 0, CPU, task)
    for model, reference, recipe in zip(models, alone, recipes, strict=True):
        train([reference], *sides, [recipe], 0, CPU, task)
        for name, value in reference.trained().items():
            torch.testing.assert_close(model.trained()[name], value, rtol=0, atol=1e-4, msg=name)


def test_where_nobody_has_a_picture_it_stays_as_drawn_and_what_precedes_the_method_is_kept(runtime):
    cell = aligned(runtime)
    _, views, (usual,) = cells.untrained([cell], runtime, CPU)
    samples = views["train"].samples
    columns = dict(samples.table.modalities)
    columns["image"] = dataclasses.replace(columns["image"], values=(None,) * len(samples.table))
    bare = dataclasses.replace(samples, table=dataclasses.replace(samples.table, modalities=columns))
    model = cells.build(cell, bare, dataclasses.replace(views["train"], samples=bare), CPU)
    plain = dataclasses.replace(cell, recipe=dataclasses.replace(ALIGNED, projection="trained"))
    trains = cells.build(plain, bare, views["train"], CPU)
    assert (model.pairs, model.projection_frozen, trains.projection_frozen) == (0, True, False)
    assert model.cut == usual.cut > trains.cut
    assert equal(model.projection.state_dict(), trains.projection.state_dict())


def test_after_another_dataset_each_has_a_projection_of_its_own(runtime):
    after = f"cxr {datasets.fingerprinted('cxr', dataclasses.replace(runtime, data_root=None))[1]}"
    cell = aligned(runtime, "mora", after=after)
    source = transfer.before(cell, runtime)
    assert source.recipe.projection == "aligned"
    model, before = built(cell, runtime)[0], built(source, runtime)[0]
    weights = {name: value.clone() for name, value in model.projection.state_dict().items()}
    assert not equal(weights, before.projection.state_dict())
    transfer.carry_over([before], [model])
    assert equal(weights, model.projection.state_dict())
    head = aligned(runtime, after=after)
    with pytest.raises(UserError, match="nothing to transfer, because this method trains only the classifier"):
        transfer.carry_over([built(transfer.before(head, runtime), runtime)[0]], [built(head, runtime)[0]])


def plan(runtime, *backbone):
    grid = Grid(
        datasets=("odir",), methods=("head",), floors=("none",), seeds=(0,), backbone=backbone, recipe=ALIGNED
    )  # fmt: skip
    return expand(grid, grid, runtime).cells


def test_plans_align_where_there_is_a_projection(runtime, folder):
    small, fused = plan(runtime, str(folder), NAME)
    assert (small.recipe.projection, fused.recipe.projection) == ("trained", "aligned")
    plain = dataclasses.replace(fused, recipe=dataclasses.replace(fused.recipe, projection="trained"))
    assert fused.key != plain.key
    with pytest.raises(UserError, match=r"recipe\.projection aligned: .* has no projection; expected a fused backbone"):
        plan(runtime, str(folder))

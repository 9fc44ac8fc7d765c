"""What is not finite is named by parameter, step and pattern; a lower rate is advised only where something grew."""

import dataclasses
import re
from pathlib import Path

import pytest
from conftest import make_cell

from mora_bench import registry
from mora_bench.checks.run import check
from mora_bench.records.store import Store
from mora_bench.training import cell as cells
from mora_bench.training.work import work

PLUGIN = Path(__file__).parents[1] / "plugins" / "odd_gradients.py"
FINITE = "The gradient of every parameter is finite, whatever a sample lacks."


@pytest.fixture
def odd(runtime):
    registry.load_plugins([PLUGIN])
    return dataclasses.replace(runtime, plugins=(PLUGIN,))


def failed(runtime, folder, method: str, **recipe) -> str:
    cell = make_cell(runtime, folder, method=method)
    cell = dataclasses.replace(cell, recipe=dataclasses.replace(cell.recipe, **recipe))
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    assert record.status == "failed"
    return record.error


def test_a_gradient_that_is_not_finite_is_named_by_parameter_step_and_pattern(odd, folder):
    message = failed(odd, folder, "root-gate", lr=1e-7)
    assert "the gradient of method.scale is not finite at step 1, though the loss is" in message
    assert re.search(r"Samples of that step: (\d+ \w+, )*\d+ \w+; it occurs for image_only alone\.", message)
    assert "A lower recipe.lr does not mend that" in message
    assert "lower recipe.lr (" not in message


def test_a_loss_that_grew_is_advised_a_lower_rate(runtime, folder):
    message = failed(runtime, folder, "full", lr=1e30)
    assert re.search(r"the training loss is (nan|inf) at step \d+", message)
    assert "lower recipe.lr (1e+30)" in message


def test_an_output_that_is_not_finite_though_nothing_grew_is_no_matter_of_the_rate(odd, folder):
    message = failed(odd, folder, "logarithm", lr=1e-3, warmup=0.0)
    assert re.search(r"the training loss is nan at step \d+, though neither losses nor parameters grew before", message)
    assert "recipe.lr" not in message


def test_a_cell_that_trains_well_is_not_looked_at(runtime, folder, monkeypatch):
    monkeypatch.setattr(cells, "Watch", None)
    cell = make_cell(runtime, folder, method="head")
    work([cell], runtime)
    assert Store(runtime.out).record(cell).status == "done"


def test_check_names_parameter_and_pattern(odd):
    broken = dict(check(registry.METHODS, "root-gate"))
    assert broken[FINITE] == "the gradient of method.scale is not finite for samples that are image_only"
    assert dict(check(registry.METHODS, "head"))[FINITE] is None

"""Rules of backbones, on some that are made of torch's own encoder layers."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import make_cell

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.checks.run import check
from mora_bench.checks.subject import subject
from mora_bench.records.store import Store
from mora_bench.training.work import work

PLUGIN = Path(__file__).parents[1] / "plugins" / "torch_layers.py"


@pytest.fixture(autouse=True)
def plugin():
    registry.load_plugins([PLUGIN])
    before = torch.backends.mha.get_fastpath_enabled()
    yield
    torch.backends.mha.set_fastpath_enabled(before)


def broken(name: str) -> dict[str, str]:
    return {rule: wrong for rule, wrong in check(registry.BACKBONES, name) if wrong}


ADAPTED = "An adapter on any role moves its block's output alike in training and evaluation, and its gradient is finite"


def test_torchs_own_layers_keep_every_rule():
    torch.backends.mha.set_fastpath_enabled(True)
    assert broken("torch-layers") == {}
    assert not torch.backends.mha.get_fastpath_enabled()


def test_a_fused_path_that_leaves_adapters_out_in_evaluation_is_named():
    message = broken("fused-layers")[ADAPTED]
    assert "an adapter on query of At(stream=0, block=0) moves the block's output by" in message
    assert "in training and by 0 in evaluation" in message


def test_a_layer_whose_weight_is_read_and_that_is_never_called_is_named():
    message = broken("read-layers")[ADAPTED]
    assert (
        "an adapter on attention_output of At(stream=0, block=0) moves the block's output by 0 in training" in message
    )


def test_a_pooler_that_reads_padding_or_what_is_appended_is_named():
    messages = broken("padded-layers")
    assert len(messages) == 2
    apart, appended = messages.values()
    assert re.search(r"features of sample number \d differ by \S+ when it is alone in its batch", apart)
    assert "when tokens are appended behind the last block" in appended


def test_blocks_that_do_not_see_what_is_appended_are_named():
    (message,) = broken("deaf-layers").values()
    assert message == "tokens that are appended to stream 0 change no other token"


def test_what_stays_on_the_cpu_is_named():
    (message,) = broken("left-layers").values()
    assert message.startswith("on a GPU LeftLayers would mix devices (")
    assert re.search(r"torch_layers\.py, line \d+\): ", message)


@pytest.mark.parametrize("method", ["lora", "lora-all", "dora", "ia3"])
def test_on_torchs_own_layers_an_adapter_is_the_same_in_training_and_evaluation(method):
    torch.backends.mha.set_fastpath_enabled(True)
    candidate = subject(registry.get(registry.METHODS, method), backbone="torch-layers")
    model, batch = candidate.model(spare=False), candidate.training.batch(np.arange(9))
    with torch.no_grad():
        for parameter in model.trained().values():
            parameter.add_(0.5 * torch.randn_like(parameter))
        trained, evaluated = model.train()(batch), model.eval()(batch)
        torch.testing.assert_close(trained, evaluated, rtol=0, atol=1e-5)
        # With the path on, what trained is gone.
        torch.backends.mha.set_fastpath_enabled(True)
        assert (model(batch) - trained).abs().max() > 1e-3


@pytest.mark.parametrize("method", ["head", "lora-all"])
def test_a_grid_on_torchs_own_layers_counts_its_cost(method, runtime, folder):
    runtime = dataclasses.replace(runtime, plugins=(PLUGIN,))
    weights = backbones.resolve("torch-layers", 64).fingerprint
    cell = make_cell(runtime, folder, method=method, backbone="torch-layers", weights=weights)
    work([cell], runtime)
    record = Store(runtime.out).record(cell)
    assert record.status == "done", record.error
    assert record.uncounted == []
    assert record.flops.forward == pytest.approx(record.flops.step_forward, rel=1e-3)

"""The last layer for proportional hazards: its formula, its start, and that samples differ by one number."""

import numpy as np
import pytest
import torch

from mora_bench.methods.network import classifier
from mora_bench.methods.proportional import ProportionalHazards
from mora_bench.tasks.cox import log_hazards
from mora_bench.tasks.time_to_event import TimeToEvent


def layer(outputs=3):
    torch.manual_seed(0)
    last = ProportionalHazards(5, outputs)
    with torch.no_grad():
        last.weight.normal_()
        last.bias.copy_(torch.tensor([-3.0, -1.0, 0.5])[:outputs])
    return last


def test_logits_are_those_of_the_hazards():
    last, x = layer(), torch.randn(7, 5)
    hazards = 1 - torch.exp(-torch.exp(x @ last.weight.T + last.bias))
    torch.testing.assert_close(last(x).sigmoid(), hazards, atol=1e-6, rtol=1e-5)


def test_samples_differ_by_one_number_in_all_intervals():
    last, x = layer(), torch.randn(7, 5)
    log = log_hazards(last(x))
    apart = log - log[:1]
    torch.testing.assert_close(apart, apart[:, :1].expand(-1, 3), atol=1e-4, rtol=1e-4)


def test_it_starts_at_the_life_table():
    task = TimeToEvent([1, 2, 4])
    targets = np.array([[0.5, 1], [1.5, 1], [3, 1], [9, 0], [9, 0]])
    prior = task.prior(targets)
    last = layer()
    last.start_at(torch.from_numpy(task.logits(prior[None])[0]))
    np.testing.assert_allclose(task.probabilities(last(torch.zeros(1, 5)).detach().numpy())[0], prior, atol=1e-5)


def test_extreme_features_give_finite_logits_and_gradients():
    last = layer()
    out = last(torch.tensor([[1e4] * 5, [-1e4] * 5]) * last.weight.detach().sign())
    out.sum().backward()
    assert out.isfinite().all()
    assert last.bias.grad.isfinite().all()


@pytest.mark.parametrize("proportional", [False, True])
def test_the_classifier_is_drawn_alike_up_to_its_last_layer(proportional):
    head, other = classifier(4, 3, 7, proportional), classifier(4, 3, 7)
    assert torch.equal(head[0].weight, other[0].weight)
    assert isinstance(head[-1], ProportionalHazards) == proportional
    assert head[-1].weight.abs().sum() > 0

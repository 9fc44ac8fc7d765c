"""A latent variable in PRIMO's manner: its parts by hand, the paper's toy (XOR), known answers, its tasks."""

import dataclasses

import numpy as np
import pytest
import torch
from mora_baselines import latent_network
from mora_baselines.latent import LatentVariable
from mora_baselines.latent_network import DRAWS, Examples, Gaussian, LatentNetwork, divergence, each_loss, noise_of
from scipy.special import expit, logsumexp
from torch.distributions import Independent, Normal, kl_divergence

from mora_bench.data.shown import Shown
from mora_bench.tasks.named import task_of

TASKS = ("multi-label", "multi-class", "ordinal", "time-to-event:1,2,4")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def two(a, b, targets, lacking=None, kinds="image", task="multi-label"):
    """Samples of two modalities, each a frozen backbone's features; b is hidden where `lacking`."""
    hidden = np.zeros(len(a), bool) if lacking is None else lacking
    features = {"a": [*a], "b": [None if gone else row for row, gone in zip(b, hidden, strict=True)]}
    values = {name: tuple(None if row is None else 0 for row in rows) for name, rows in features.items()}
    present = np.stack([np.ones(len(a), bool), ~hidden], 1)
    labels = tuple(f"label {k}" for k in range(task_of(task).truth(targets).shape[1]))
    frozen = {name: tuple(rows) for name, rows in features.items()}
    return Shown(values, dict.fromkeys(features, kinds), present, labels, task, targets, frozen)


def bits(n, seed, answer, partial=0.5):
    """Each modality is one bit and noise; `answer` says the label of both bits."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 2, (2, n))
    said = [(2 * bit - 1 + 0.1 * rng.normal(size=n))[:, None] for bit in (a, b)]
    return two(*said, answer(a, b)[:, None].astype(np.uint8), rng.random(n) < partial)


def fitted(answer, seed=0, n=400):
    predictor = LatentVariable()
    predictor.fit(bits(n, 1, answer), bits(100, 2, answer), seed)
    return predictor


def draws_of(predictor, answer, partial, n=200):
    samples = bits(n, 3, answer, partial)
    return predictor.draws(samples)[..., 0], samples.targets[:, 0]


def test_the_divergence_is_that_of_torch():
    generator = torch.Generator().manual_seed(0)
    first, second = (Gaussian(*torch.randn((2, 5, 3), generator=generator)) for _ in range(2))
    theirs = [Independent(Normal(mean, log_sd.exp()), 1) for mean, log_sd in (first, second)]
    torch.testing.assert_close(divergence(first, second), kl_divergence(*theirs))
    assert (divergence(first, first) == 0).all()


def test_by_xor_nothing_is_known_without_the_other_bit_and_each_draw_is_sure():
    """The paper's own toy: the label is the exclusive or of two bits, so that either alone says nothing."""
    predictor = fitted(np.bitwise_xor)
    draws, _ = draws_of(predictor, np.bitwise_xor, partial=1)
    assert np.abs(draws.mean(0) - 0.5).mean() < 0.15
    assert draws.std(0).mean() > 0.3
    draws, targets = draws_of(predictor, np.bitwise_xor, partial=0)
    assert ((draws.mean(0) > 0.5) == targets).mean() > 0.98
    assert np.ptp(draws, axis=0).max() == 0


def test_a_modality_that_says_nothing_of_the_label_leaves_no_spread():
    predictor = fitted(lambda a, b: a)
    draws, targets = draws_of(predictor, lambda a, b: a, partial=1)
    assert ((draws.mean(0) > 0.5) == targets).mean() > 0.98
    assert draws.std(0).mean() < 0.01


def test_a_weight_of_the_bound_lets_the_latent_variable_collapse(monkeypatch):
    """Why `BETA` is not 1."""
    monkeypatch.setattr(latent_network, "BETA", 1.0)
    draws, _ = draws_of(fitted(np.bitwise_xor), np.bitwise_xor, partial=1)
    assert draws.std(0).mean() < 0.1


def test_where_the_answer_is_known_the_mean_is_near_it_and_the_spread_a_part_of_it():
    """a and b are normal, the label has the probability s(3 (a + b)): its mean and deviation over b follow."""
    rng = np.random.default_rng(0)

    def samples(n):
        a, b = rng.normal(size=(2, n, 1))
        return two(a, b, (rng.random((n, 1)) < expit(3 * (a + b))).astype(np.uint8), rng.random(n) < 0.5)

    predictor = LatentVariable()
    predictor.fit(samples(800), samples(200), 0)
    a = np.linspace(-2, 2, 81)[:, None]
    given = expit(3 * (a + rng.normal(size=4000)))
    draws = predictor.draws(two(a, a, np.zeros((81, 1)), np.ones(81, bool)))[..., 0]
    assert np.abs(draws.mean(0) - given.mean(1)).mean() < 0.06
    # It is less than the truth, because draws that differ cost something, and most where the truth is most.
    assert 0.4 < draws.std(0).mean() / given.std(1).mean() < 1.1
    assert np.corrcoef(draws.std(0), given.std(1))[0, 1] > 0.7


def test_a_seed_gives_the_same_numbers_and_torchs_own_generator_is_left_alone(monkeypatch):
    monkeypatch.setattr(latent_network, "EPOCHS", 4)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = fitted(np.bitwise_xor, n=120)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    again, other = fitted(np.bitwise_xor, n=120), fitted(np.bitwise_xor, seed=1, n=120)
    one, two_, three = (draws_of(p, np.bitwise_xor, 1, 20)[0] for p in (first, again, other))
    np.testing.assert_array_equal(one, two_)
    assert np.abs(one - three).max() > 0.01


def test_draws_hang_on_the_sample_alone(monkeypatch):
    monkeypatch.setattr(latent_network, "EPOCHS", 4)
    predictor = fitted(np.bitwise_xor, n=120)
    a, b = (np.random.default_rng(k).normal(size=(9, 1)) for k in (0, 1))
    a[5] = a[2]
    gone, none = np.arange(9) % 3 == 2, np.zeros((9, 1))
    full = predictor.draws(two(a, b, none, gone))
    turned = predictor.draws(two(a[::-1], b[::-1], none, gone[::-1]))[:, ::-1]
    np.testing.assert_allclose(turned, full, atol=1e-12)
    np.testing.assert_allclose(predictor.draws(two(a[2:4], b[2:4], none[:2], gone[2:4])), full[:, 2:4], atol=1e-12)
    # Two samples that show the same are drawn alike: they share the noise.
    np.testing.assert_allclose(full[:, 5], full[:, 2], atol=1e-12)
    assert full[:, 2].std() > 0
    np.testing.assert_array_equal(predictor.predict(two(a, b, none, gone)), full.mean(0))


@pytest.mark.parametrize("name", TASKS)
def test_a_likelihood_is_a_product_over_the_questions_of_a_task(name):
    """Losses are means over samples; that of labels over labels, too."""
    task = task_of(name)
    targets, logits = task.example(24)
    noisy = torch.from_numpy(logits / 10 + np.random.default_rng(0).normal(size=logits.shape))
    wanted = torch.from_numpy(targets.astype(float))
    each = each_loss(task, torch.stack([noisy, 2 * noisy]), wanted)
    assert each.shape == (2, 24)
    questions = targets.shape[1] if name == "multi-label" else 1
    for factor, losses in ((1, each[0]), (2, each[1])):
        torch.testing.assert_close(losses.mean(), questions * task.loss(factor * noisy, wanted))
    if name == "multi-label":
        chances = np.where(targets > 0, expit(noisy.numpy()), expit(-noisy.numpy()))
        np.testing.assert_allclose(each[0].numpy(), -np.log(chances).sum(1))


def test_the_loss_of_complete_and_of_partial_samples_is_that_of_its_definition():
    rng, task = np.random.default_rng(0), task_of("multi-label")
    shown, rest, targets = rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), rng.integers(0, 2, (6, 4))
    complete = np.arange(6) < 4
    network = LatentNetwork(3, 2, 4, torch.Generator().manual_seed(0))
    noise = torch.from_numpy(rng.normal(size=(5, 6, network.width)))
    with torch.no_grad():
        loss = network.loss(task, Examples.of(shown, rest, complete, targets), noise).item()
        x, y = torch.from_numpy(shown), torch.from_numpy(rest)
        prior, posterior = network.expected(x), network.known(x, y)
        misfits = {
            named: -np.log(np.where(targets > 0, p := expit(network.logits(x, g.drawn(noise)).numpy()), 1 - p)).sum(2)
            for named, g in (("prior", prior), ("posterior", posterior))
        }
        distances = divergence(posterior, prior).numpy()
    of_complete = misfits["posterior"].mean(0) + latent_network.BETA * distances
    of_partial = np.log(5) - logsumexp(-misfits["prior"], axis=0)
    assert loss == pytest.approx(np.where(complete, of_complete, of_partial).mean(), abs=1e-12)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_learned_and_its_probabilities_are_some(name):
    """The first modality says what is true, up to noise."""
    task = task_of(name)

    def samples(n, seed):
        rng = np.random.default_rng(seed)
        targets, logits = task.example(n)
        order = rng.permutation(n)
        targets, logits = targets[order], logits[order]
        a = np.clip(logits, -2, 2) + 0.5 * rng.normal(size=logits.shape)
        return two(a, rng.normal(size=(n, 2)), targets, rng.random(n) < 0.5, task=name)

    predictor, held = LatentVariable(), samples(60, 2)
    predictor.fit(samples(180, 0), samples(60, 1), 0)
    draws = predictor.draws(held)
    assert draws.shape == (DRAWS, 60, len(held.labels))
    assert ((draws >= 0) & (draws <= 1)).all()
    wanted = torch.from_numpy(held.targets.astype(float))
    losses = [
        task.loss(torch.from_numpy(task.logits(given)).double(), wanted).item()
        for given in (draws.mean(0), np.tile(task.prior(held.targets.astype(float)), (60, 1)))
    ]
    assert losses[0] < 0.7 * losses[1]


def test_where_too_few_show_the_same_it_predicts_the_shares_and_without_validation_it_trains_all_the_same():
    rng = np.random.default_rng(0)
    a, b, targets = rng.normal(size=(40, 1)), rng.normal(size=(40, 1)), rng.integers(0, 2, (40, 1))
    few, none = np.arange(40) >= 9, np.zeros((0, 1))
    predictor = LatentVariable()
    predictor.fit(two(a, b, targets, few), two(none, none, none), 0)
    assert {*predictor.networks} == {("a",)}
    # b is known of nine samples alone, so that it is not read, and nothing is left to be drawn.
    asked = two(a[:4], b[:4], targets[:4])
    assert np.ptp(predictor.draws(asked), axis=0).max() == 0
    lacking = dataclasses.replace(
        asked, frozen=asked.frozen | {"a": (None,) * 4}, values=asked.values | {"a": (None,) * 4}
    )
    np.testing.assert_allclose(predictor.predict(lacking), targets.mean())


def test_all_predictions_share_the_noise_of_a_seed():
    assert torch.equal(noise_of(16, 3), noise_of(16, 3))
    assert noise_of(16, 3).shape == (DRAWS, 16)
    assert not torch.equal(noise_of(16, 3), noise_of(16, 4))

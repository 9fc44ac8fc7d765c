"""A network that predicts from what is shown and from a latent variable that stands for what is not."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.tasks.contract import Task

#: Units of the one hidden layer of each network, and numbers of the latent variable.
HIDDEN, LATENT = 64, 16
#: Draws of the latent variable for each sample: of a step in training, and of a prediction.
TRAINING_DRAWS, DRAWS = 8, 32
#: The weight of the divergence. With that of the bound, 1, posterior and prior become nearly the same, and so do draws.
BETA = 0.1
BATCH, RATE, DECAY = 128, 3e-3, 1.0
#: The most epochs; how many without a better validation end training; and how many there are without validation.
EPOCHS, PATIENCE, UNWATCHED = 100, 10, 20
#: The logarithm of a standard deviation lies between minus this and this, so that none overflows far from training.
WIDEST = 3.0


class Gaussian(NamedTuple):
    """Normal distributions with diagonal covariances, [n, Z]: means, and logarithms of standard deviations."""

    mean: Tensor
    log_sd: Tensor

    def drawn(self, noise: Tensor) -> Tensor:
        """Draws [D, n, Z] that standard normal noise, [D, n or 1, Z], becomes."""
        return self.mean + self.log_sd.exp() * noise


def divergence(first: Gaussian, second: Gaussian) -> Tensor:
    """Kullback-Leibler divergences of the first from the second, [n], in nats."""
    ratio = 2 * (first.log_sd - second.log_sd)
    far = ((first.mean - second.mean) / second.log_sd.exp()) ** 2
    return (ratio.exp() + far - 1 - ratio).sum(1) / 2


@dataclass(frozen=True)
class Examples:
    """n samples that show a set of modalities.

    Attributes:
        shown: float64 [n, F], features of the set.
        rest: float64 [n, G], those of the other modalities, 0 where a sample does not show one, and whether it does.
        complete: bool [n], whether a sample shows any of the others.
        targets: those of the task, float64.
    """

    shown: Tensor
    rest: Tensor
    complete: Tensor
    targets: Tensor

    @classmethod
    def of(cls, shown: np.ndarray, rest: np.ndarray, complete: np.ndarray, targets: np.ndarray) -> Self:
        features, others, wanted = (torch.from_numpy(values).double() for values in (shown, rest, targets))
        return cls(features, others, torch.from_numpy(complete), wanted)

    def __len__(self) -> int:
        return len(self.shown)

    def only(self, rows: Tensor) -> Examples:
        return Examples(self.shown[rows], self.rest[rows], self.complete[rows], self.targets[rows])


class Layer(nn.Module):
    """A linear layer whose initial weights, those of torch's, are drawn by a generator of its own."""

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator):
        super().__init__()
        bound = max(inputs, 1) ** -0.5
        drawn = torch.rand((outputs, inputs + 1), generator=generator, dtype=torch.float64) * 2 * bound - bound
        self.weight, self.bias = nn.Parameter(drawn[:, 1:].clone()), nn.Parameter(drawn[:, 0].clone())

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight, self.bias)


class LatentNetwork(nn.Module):
    """p(y | shown, z), the prior p(z | shown) and the posterior q(z | shown, rest), each with one hidden layer. Where
    there is no rest there is no z. All numbers are float64, so that machines of other kinds give nearly the same.

    Args:
        shown, rest: the numbers of features, F and G; outputs: the number of logits, K.
        generator: draws the initial weights.
    """

    def __init__(self, shown: int, rest: int, outputs: int, generator: torch.Generator):
        super().__init__()
        self.width = LATENT if rest else 0
        self.prior = _perceptron(shown, 2 * self.width, generator)
        self.posterior = _perceptron(shown + rest, 2 * self.width, generator)
        # The first layer of p(y | shown, z), in two parts: that of what is shown is the same for all draws.
        self.of_shown = Layer(shown, HIDDEN, generator)
        self.of_latent = Layer(self.width, HIDDEN, generator)
        self.answer = Layer(HIDDEN, outputs, generator)

    def expected(self, shown: Tensor) -> Gaussian:
        """The prior of samples."""
        return _gaussian(self.prior(shown))

    def known(self, shown: Tensor, rest: Tensor) -> Gaussian:
        """The posterior of samples."""
        return _gaussian(self.posterior(torch.cat([shown, rest], 1)))

    def logits(self, shown: Tensor, latent: Tensor) -> Tensor:
        """[D, n, K] of samples [n, F] and draws of their latent variables, [D, n, Z]."""
        return self.answer(torch.relu(self.of_shown(shown) + self.of_latent(latent)))

    def loss(self, task: Task, examples: Examples, noise: Tensor) -> Tensor:
        """The mean over samples: of a complete one, what z from the posterior costs and `BETA` times the posterior's
        divergence from the prior; of a partial one, minus the log-likelihood, that is of the mean of p(y | shown, z)
        over draws of the prior.

        Args:
            noise: [D, n or 1, Z].
        """
        prior, posterior = self.expected(examples.shown), self.known(examples.shown, examples.rest)
        complete = examples.complete[:, None]
        latent = torch.where(complete, posterior.drawn(noise), prior.drawn(noise))
        misfit = each_loss(task, self.logits(examples.shown, latent), examples.targets)
        bound = misfit.mean(0) + BETA * divergence(posterior, prior)
        partial = np.log(len(noise)) - torch.logsumexp(-misfit, 0)
        return torch.where(examples.complete, bound, partial).mean()

    @torch.no_grad()
    def draws(self, task: Task, shown: np.ndarray, noise: Tensor) -> np.ndarray:
        """Probabilities [D, n, C] of samples [n, F] by draws from the prior; all samples share the noise, [D, Z]."""
        features = torch.from_numpy(shown).double()
        latents = (self.expected(features).drawn(one) for one in noise[:, None, None])
        # Draw by draw, because the hidden layers of all of them would be large.
        return np.stack([task.probabilities(self.logits(features, latent)[0].numpy()) for latent in latents])


def each_loss(task: Task, logits: Tensor, targets: Tensor) -> Tensor:
    """Minus the log-likelihood of each sample, [D, n], of logits [D, n, K] and the task's targets.

    The loss of labels is a mean over the questions that a sample answers, and a likelihood is a product over them.
    """
    questions = 1 if task.columns else task.answers(logits[0, :1].detach().numpy()).shape[1]
    one = torch.vmap(lambda predicted, wanted: task.loss(predicted[None], wanted[None]))
    each = one(logits.flatten(0, 1), targets.repeat(len(logits), 1))
    return questions * each.unflatten(0, logits.shape[:2])


def trained(task: Task, train: Examples, validation: Examples, outputs: int, seed: int) -> LatentNetwork:
    """A network that is fitted on examples, for as many epochs as gave the least loss on validation; all that it draws
    comes from the seed."""
    generator = torch.Generator().manual_seed(seed)
    network = LatentNetwork(train.shown.shape[1], train.rest.shape[1], outputs, generator)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    noise = noise_of(network.width, seed)
    best, since, state = np.inf, 0, network.state_dict()
    for _ in range(EPOCHS if len(validation) else UNWATCHED):
        for rows in torch.randperm(len(train), generator=generator).split(BATCH):
            size = TRAINING_DRAWS if network.width else 1, len(rows), network.width
            drawn = torch.randn(size, generator=generator, dtype=torch.float64)
            optimizer.zero_grad()
            network.loss(task, train.only(rows), drawn).backward()
            optimizer.step()
        if len(validation):
            with torch.no_grad():
                loss = network.loss(task, validation, noise[:, None]).item()
            since += 1
            if loss < best:
                best, since, state = loss, 0, copy.deepcopy(network.state_dict())
            if since == PATIENCE:
                break
    network.load_state_dict(state)
    return network


def noise_of(width: int, seed: int) -> Tensor:
    """The noise of all predictions, [D, Z]: the same for every sample."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((DRAWS, width), generator=generator, dtype=torch.float64)


def _perceptron(inputs: int, outputs: int, generator: torch.Generator) -> nn.Module:
    return nn.Sequential(Layer(inputs, HIDDEN, generator), nn.ReLU(), Layer(HIDDEN, outputs, generator))


def _gaussian(numbers: Tensor) -> Gaussian:
    mean, log_sd = numbers.chunk(2, 1)
    return Gaussian(mean, WIDEST * torch.tanh(log_sd / WIDEST))

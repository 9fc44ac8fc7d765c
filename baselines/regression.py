"""Regression: a small network learns one modality's mean token from the other's features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from .from_other import FromOther

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

HIDDEN, EPOCHS = 128, 100


class Regression(FromOther):
    """A missing modality becomes its mean [CLS] token and one token: the mean of its other tokens, as a multi-layer
    perceptron predicts it."""

    title = "MLP regression"
    source = "regression between frozen embeddings"

    def learn(self, features: np.ndarray, tokens: Sequence[Tensor]) -> tuple[Pipeline, Tensor]:
        from sklearn.neural_network import MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        wanted = np.stack([t[1:].mean(0).numpy() if len(t) > 1 else t[0].numpy() for t in tokens])
        network = MLPRegressor(
            hidden_layer_sizes=(HIDDEN,), learning_rate_init=1e-3, alpha=1e-2, max_iter=EPOCHS, random_state=0
        )
        network.n_iter_no_change = network.max_iter  # a fixed budget: no warning when it is spent
        return make_pipeline(StandardScaler(), network).fit(features, wanted), torch.stack([t[0] for t in tokens]).mean(
            0
        )

    def draw(self, learned: tuple[Pipeline, Tensor], features: np.ndarray) -> list[Tensor]:
        network, first = learned
        return [torch.stack([first, row]) for row in torch.from_numpy(network.predict(features)).float()]

"""Nearest neighbours: a missing modality is taken from the training samples whose other modality is most similar."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from .from_other import FromOther, mean_tokens

#: Decimals of a distance, as a share of the largest feature, that count. Patients with the same words have the same
#: features but for rounding errors; then the first of them in the training set is taken, whatever the batch.
DECIMALS = 5


class Knn1(FromOther):
    """The tokens of the nearest neighbour."""

    title = "nearest neighbour (k = 1)"
    source = "hot-deck imputation; arXiv 2501.01120"
    version = 2
    neighbours = 1

    def learn(self, features: np.ndarray, tokens: Sequence[Tensor]) -> tuple[np.ndarray, Sequence[Tensor]]:
        return features.astype(np.float64), tokens

    def draw(self, learned: tuple[np.ndarray, Sequence[Tensor]], features: np.ndarray) -> list[Tensor]:
        from sklearn.metrics import pairwise_distances

        bank, tokens = learned
        distances = pairwise_distances(features.astype(np.float64), bank)
        scale = np.abs(bank).max() or 1.0
        nearest = (distances / scale).round(DECIMALS).argsort(axis=1, kind="stable")[:, : self.neighbours]
        return [mean_tokens([tokens[n] for n in row]) for row in nearest]


class Knn5(Knn1):
    """The mean of five neighbours' tokens, position by position; of all training samples if there are fewer."""

    title = "nearest neighbours (k = 5)"
    neighbours = 5

"""Nearest neighbours: a missing modality is taken from the training samples whose other modality is most similar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from .from_other import FromOther, mean_tokens

if TYPE_CHECKING:
    from sklearn.neighbors import NearestNeighbors


class Knn1(FromOther):
    """The tokens of the nearest neighbour."""

    title = "nearest neighbour (k = 1)"
    source = "hot-deck imputation; arXiv 2501.01120"
    neighbours = 1

    def learn(self, features: np.ndarray, tokens: Sequence[Tensor]) -> tuple[NearestNeighbors, Sequence[Tensor]]:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=min(self.neighbours, len(tokens))).fit(features), tokens

    def draw(self, learned: tuple[NearestNeighbors, Sequence[Tensor]], features: np.ndarray) -> list[Tensor]:
        search, tokens = learned
        nearest = search.kneighbors(features, return_distance=False)
        return [mean_tokens([tokens[n] for n in row]) for row in nearest]


class Knn5(Knn1):
    """The mean of five neighbours' tokens, position by position; of all training samples if there are fewer."""

    title = "nearest neighbours (k = 5)"
    neighbours = 5

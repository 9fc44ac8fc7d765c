"""Prototypes: a missing modality becomes the mean of a cluster of training samples (SMIL's prior, arXiv 2103.05677).

SMIL weights its k-means prototypes with a network that it trains by meta-learning. Here, the cluster is chosen whose
mean features of the observed modality are nearest to the sample's.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .from_other import FromOther, mean_tokens

CLUSTERS = 10


class Prototypes(FromOther):
    title = "k-means prototypes"
    source = "arXiv 2103.05677"

    def learn(self, features: np.ndarray, tokens: Sequence[Tensor]) -> tuple[np.ndarray, list[Tensor]]:
        from sklearn.cluster import KMeans

        pooled = torch.stack([t.mean(0) for t in tokens]).numpy()
        cluster = KMeans(min(CLUSTERS, len(tokens)), n_init=4, random_state=0).fit_predict(pooled)
        members = [np.flatnonzero(cluster == c) for c in np.unique(cluster)]
        keys = np.stack([features[rows].mean(0) for rows in members])
        return keys, [mean_tokens([tokens[row] for row in rows.tolist()]) for rows in members]

    def draw(self, learned: tuple[np.ndarray, list[Tensor]], features: np.ndarray) -> list[Tensor]:
        keys, prototypes = learned
        nearest = ((features[:, None] - keys[None]) ** 2).sum(-1).argmin(1)
        return [prototypes[at] for at in nearest]

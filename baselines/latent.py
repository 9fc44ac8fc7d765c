"""A latent variable that stands for what is missing, in PRIMO's manner, on the frozen backbone's features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor
from mora_bench.tasks.named import task_of

from .by_pattern import FEWEST, ByPattern, Described, sets, showing
from .features import KINDS
from .frozen import READ, embedded

#: The length of a modality's features, however many they are: validation on the twins chose it of 3 and 10.
LENGTH = 3.0

if TYPE_CHECKING:
    from .latent_network import Examples, LatentNetwork


class LatentVariable(ByPattern, Predictor):
    """For each set of modalities that enough training samples show, a network of its own (latent_network.py) reads the
    features of `frozen` of the set, and a latent variable that stands for the other modalities; none where there are no
    others. It is fitted on the training samples that show at least the set: those that show more are complete, the
    others partial. A prediction is the mean over draws of the latent variable from its prior, and all samples share the
    noise that these are made of."""

    title = "latent variable for what is missing"
    source = "in PRIMO's manner (Madaan, Chopra and Cho, ICML 2026, arXiv 2602.16979), from its abstract"
    family = "frozen network"
    floor = False
    reads_backbone = True
    kinds = KINDS
    learns = None
    remark = "trains small networks on the frozen backbone's features of each modality alone"
    abstains = "if too few training samples show the same modalities: it predicts the share of each label"

    # The networks are so small that threads would only wait for each other; and sums run in the same order everywhere.
    @threadpool_limits.wrap(limits=1)
    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        from .latent_network import trained

        assert train.targets is not None
        train, validation = embedded(train), embedded(validation)
        self.learn_features(train, READ)
        self.task, self.seed = task_of(train.task), seed
        seen, unseen = self.described(train), self.described(validation)
        self.widths = {name: features.shape[1] for name, features in seen.features.items()}
        self.networks: dict[tuple[str, ...], LatentNetwork] = {}
        for names in sets(list(self.features), len(self.features)):
            if len(showing(train, names)) >= FEWEST:
                examples, held = self._examples(train, seen, names), self._examples(validation, unseen, names)
                self.networks[names] = trained(self.task, examples, held, self.task.outputs(self.labels), seed)

    def _examples(self, samples: Shown, described: Described, names: Sequence[str]) -> Examples:
        """The samples that show at least some modalities."""
        from .latent_network import Examples

        assert samples.targets is not None
        rows = showing(samples, names)
        rest = [name for name in self.features if name not in names]
        there = np.array([np.isin(rows, described.rows[name]) for name in rest], bool).reshape(len(rest), len(rows)).T
        others = [self._scaled(described, name, rows) for name in rest]
        return Examples.of(
            shown=np.concatenate([self._scaled(described, name, rows) for name in names], 1),
            rest=np.concatenate([*others, there], 1),
            complete=np.asarray(there.any(1)),
            targets=samples.targets[rows],
        )

    def _scaled(self, described: Described, name: str, rows: np.ndarray) -> np.ndarray:
        """The features of a modality of some samples, [k, F], rows of about the length `LENGTH`; 0 where it is not
        shown."""
        features = np.zeros((len(rows), self.widths[name]))
        there = np.isin(rows, described.rows[name])
        if there.any():
            features[there] = LENGTH * described.features[name][np.searchsorted(described.rows[name], rows[there])]
        return features

    @threadpool_limits.wrap(limits=1)
    def draws(self, samples: Shown) -> np.ndarray:
        from .latent_network import DRAWS, noise_of

        samples = embedded(samples)
        probabilities = np.empty((DRAWS, len(samples), self.labels))
        probabilities[:] = self.otherwise
        seen = self.described(samples)
        for names, rows in self.groups(samples):
            if names in self.networks:
                network = self.networks[names]
                shown = np.concatenate([self._scaled(seen, name, rows) for name in names], 1)
                probabilities[:, rows] = network.draws(self.task, shown, noise_of(network.width, self.seed))
        return probabilities

    def predict(self, samples: Shown) -> np.ndarray:
        mean: np.ndarray = self.draws(samples).mean(0)
        return mean

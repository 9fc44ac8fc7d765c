"""Late fusion: each modality has a model, and the models of the modalities that are present vote."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor

from .by_pattern import ABSTAINS, FEWEST, ByPattern, Described, sets, showing
from .features import KINDS
from .linear import Linear, log_odds

#: Folds for the votes that the weights are learned from.
FOLDS = 5


class LateFusion(ByPattern, Predictor):
    """The vote of a modality is the log odds of its own regressions on plain features (features.py). The weights of the
    votes are learned per pattern and label by a logistic regression, on votes that training samples get from models
    that did not see them, nor another sample of the same patient."""

    title = "late fusion of linear models"
    source = "stacked generalisation (Wolpert 1992), per pattern"
    version = 2
    kinds = KINDS
    has_folds = True
    abstains = f"if too few training samples show the same modalities: {ABSTAINS}"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        self.learn(train, validation, self.kinds, together=False)
        assert train.targets is not None
        assert train.groups is not None
        seen = self.described(train)
        # Where all samples are of one patient, no model saw none of them.
        several = [name for name in self.features if len(np.unique(train.groups[seen.rows[name]])) > 1]
        votes = {name: self.unseen(train, seen, name, seed) for name in several if (name,) in self.models}
        self.weights: dict[tuple[str, ...], list[Linear]] = {}
        for names in sets(list(votes), len(votes)):
            rows = showing(train, names)
            if len(names) > 1 and len(rows) >= FEWEST:
                cast = np.stack([votes[name][rows] for name in names], axis=2)
                self.weights[names] = [
                    Linear(1.0).fit(cast[:, c], train.targets[rows][:, [c]]) for c in range(self.labels)
                ]

    def unseen(self, train: Shown, seen: Described, name: str, seed: int) -> np.ndarray:
        """Log odds [n, C] that one modality's models give to training samples they were not fitted on; 0 elsewhere."""
        assert train.targets is not None
        assert train.groups is not None
        rows, features = seen.rows[name], seen.features[name]
        targets = train.targets[rows]
        groups, group = np.unique(train.groups[rows], return_inverse=True)
        fold = np.random.default_rng(seed).permutation(len(groups))[group] % FOLDS
        votes = np.zeros((len(train), self.labels))
        for k in range(min(FOLDS, len(groups))):
            model = Linear(self.models[name,].strength).fit(features[fold != k], targets[fold != k])
            votes[rows[fold == k]] = log_odds(model.predict(features[fold == k]))
        return votes

    def predict(self, samples: Shown) -> np.ndarray:
        probabilities = np.full((len(samples), self.labels), self.otherwise)
        seen = self.described(samples)
        for names, rows in self.groups(samples):
            single = {name: self.models[name,].predict(seen.of((name,), rows)) for name in names}
            if names in self.weights:
                cast = np.stack([log_odds(single[name]) for name in names], axis=2)
                columns = [model.predict(cast[:, c])[:, 0] for c, model in enumerate(self.weights[names])]
                probabilities[rows] = np.stack(columns, axis=1)
            else:
                # Too few training samples show all of them: each vote counts the same.
                probabilities[rows] = np.mean([*single.values()], axis=0)
        return probabilities

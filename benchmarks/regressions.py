"""Logistic regressions on what a frozen network gives, for several strengths of the penalty."""

from collections.abc import Iterator, Mapping

import numpy as np
from sklearn.linear_model import LogisticRegression

#: Logits of a label that all or none of the training samples have.
UNKNOWN = -9.0

#: float [n, C] by side.
Logits = dict[str, np.ndarray]


def fitted(
    features: Mapping[str, np.ndarray], targets: Mapping[str, np.ndarray], strengths: tuple[float, ...]
) -> Iterator[Logits]:
    """The logits of the "val" and "test" side for each strength, of one regression a label.

    `features` float [n, D] and `targets` 0 or 1 [n, C] are of "train", "val" and "test". Features are standardised on
    training samples, so that their variances add up to 1; a strength is scikit-learn's C, an inverse penalty.
    """
    center, scale = features["train"].mean(0), features["train"].std(0) + 1e-6
    inputs = {name: (matrix - center) / scale / len(center) ** 0.5 for name, matrix in features.items()}
    known = np.flatnonzero(targets["train"].min(0) < targets["train"].max(0))
    for strength in strengths:
        logits = {name: np.full(targets[name].shape, UNKNOWN) for name in ("val", "test")}
        for c in known:
            model = LogisticRegression(C=strength, max_iter=500).fit(inputs["train"], targets["train"][:, c])
            for name, matrix in logits.items():
                matrix[:, c] = model.decision_function(inputs[name])
        yield logits

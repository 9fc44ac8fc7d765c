"""Counting words: TF-IDF and one logistic regression per label, on the texts that the mask shows."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor
from mora_bench.tasks.named import task_of

from .by_pattern import ABSTAINS
from .features import Words
from .linear import Linear

#: Inverse strength of the L2 penalty.
C = 100.0


class Tfidf(Predictor):
    """Words and pairs of words that occur in at least two training texts, with sublinear term frequency.

    It learns from the training samples that show a text. Several text modalities are read as one, in order.
    """

    title = "TF-IDF + logistic regression"
    source = "scikit-learn's TfidfVectorizer and LogisticRegression"
    version = 2
    kinds = ("text",)
    abstains = f"on samples without text: {ABSTAINS}"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        assert train.targets is not None
        texts, rows = _texts(train)
        self.labels, self.otherwise = train.targets.shape[1], task_of(train.task).prior(train.targets)
        self.model = None
        if len(texts) >= 2:
            self.words = Words().fit(texts)
            self.model = Linear(C).fit(self.words.transform(texts), train.targets[rows])

    def predict(self, samples: Shown) -> np.ndarray:
        probabilities = np.full((len(samples), self.labels), self.otherwise)
        texts, rows = _texts(samples)
        if texts and self.model is not None:
            probabilities[rows] = self.model.predict(self.words.transform(texts))
        return probabilities


def _texts(samples: Shown) -> tuple[list[str], np.ndarray]:
    """The texts that are not empty, and the k samples that they belong to, int [k]."""
    joined = [
        " ".join(text for text in texts if text is not None)
        for texts in zip(*(samples.values[name] for name in samples.of_kind("text")), strict=True)
    ]
    rows = np.flatnonzero([bool(text) for text in joined])
    return [joined[row] for row in rows], rows

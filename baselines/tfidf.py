"""Counting words: TF-IDF and one logistic regression per label, on the texts that the mask shows."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor

#: Inverse strength of the L2 penalty.
C = 100.0


class Tfidf(Predictor):
    """Words and pairs of words that occur in at least two training texts, with sublinear term frequency.

    It learns from the training samples that show a text. Several text modalities are read as one, in order.
    """

    title = "TF-IDF + logistic regression"
    source = "scikit-learn's TfidfVectorizer and LogisticRegression"
    kinds = ("text",)
    abstains = "without text: no label"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        assert train.targets is not None
        texts, there = _texts(train)
        self.shares = train.targets.mean(0)
        self.models: list[LogisticRegression | float] = []
        self.words = None
        if len(texts) < 2:
            return
        targets = train.targets[there]
        self.words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        counted = self.words.fit_transform(texts)
        for column in targets.T:
            one = column.min() == column.max()
            self.models.append(float(column[0]) if one else LogisticRegression(C=C, max_iter=2000).fit(counted, column))

    def predict(self, samples: Shown) -> np.ndarray:
        found = np.zeros((len(samples), len(self.shares)))
        texts, there = _texts(samples)
        if texts and self.words is not None:
            counted = self.words.transform(texts)
            columns = [
                np.full(len(texts), model) if isinstance(model, float) else model.predict_proba(counted)[:, 1]
                for model in self.models
            ]
            found[there] = np.stack(columns, axis=1)
        return found


def _texts(samples: Shown) -> tuple[list[str], np.ndarray]:
    """The texts that are not empty, and the k samples that they belong to, int [k]."""
    joined = [
        " ".join(text for text in own if text is not None)
        for own in zip(*(samples.values[name] for name in samples.of_kind("text")), strict=True)
    ]
    there = np.flatnonzero([bool(text) for text in joined])
    return [joined[at] for at in there], there

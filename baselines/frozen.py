"""The frozen backbone without adaptation: linear models on the mean of its features of each modality."""

from dataclasses import replace

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.methods.predictor import Predictor

from .by_pattern import ABSTAINS, ByPattern
from .features import KINDS, VECTOR

#: Kinds of content that are read: the backbone's features, which stand for what it embeds, and those whose embedder is
#: not the backbone's.
READ = (VECTOR, "table", "signal")


class FrozenFeatures(ByPattern, Predictor):
    """The features of a modality are the mean of its tokens after the backbone's last block, with that modality alone
    in the network; of pictures that come through a projection that was not pre-trained, what the projection reads. Each
    pattern's regressions are fitted on the training samples that show at least its modalities, on their features side
    by side, scaled by the training set; the penalty is chosen on validation. Tables and signals, which no backbone
    embeds, are read as `stacked` reads them, so that nothing is hidden from it that a network sees."""

    title = "frozen backbone + one linear model per pattern"
    source = "linear probes (Alain and Bengio, arXiv 1610.01644), per pattern as `stacked`"
    version = 2
    family = "frozen network"
    reads_backbone = True
    kinds = KINDS
    remark = "uses the frozen backbone's features of each modality alone; no network is trained for it"
    abstains = f"if too few training samples show the same modalities: {ABSTAINS}"

    def fit(self, train: Shown, validation: Shown, seed: int) -> None:
        self.learn(embedded(train), embedded(validation), READ)

    def predict(self, samples: Shown) -> np.ndarray:
        return self.answer(embedded(samples))


def embedded(samples: Shown) -> Shown:
    """Samples with the backbone's features instead of the contents that it embeds."""
    kinds = samples.kinds | dict.fromkeys(samples.frozen, VECTOR)
    return replace(samples, values=samples.values | samples.frozen, kinds=kinds)

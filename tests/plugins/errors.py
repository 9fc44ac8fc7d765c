"""Two tasks whose primary score is an error: a share, and one without an upper bound. Less is better."""

import math

import numpy as np
import torch.nn.functional as F
from scipy.special import expit

from mora_bench.api import Metric, Task, finite_logit

WRONG = Metric(
    "wrong labels", higher_is_better=False, bounds=(0, 1), of="decisions", scale=100, always=True,
    convention="share of all labels, sigmoid above 0.5", source="scikit-learn's hamming_loss",
)  # fmt: skip
RMSE = Metric(
    "RMSE in months", higher_is_better=False, bounds=(0, math.inf), of="probabilities", scale=1, always=True,
    convention="of 100 months times the probability, over samples and labels",
    source="scikit-learn's root_mean_squared_error",
)  # fmt: skip


class Wrong(Task):
    title = "labels, by their errors"
    source = "this test"
    primary = "wrong"
    metrics = {"wrong": WRONG, "rmse": RMSE}

    def scores(self, targets, logits):
        if not len(targets):
            return {"n": 0}
        wrong = float(((logits > 0) != (targets > 0)).mean())
        apart = 100 * (expit(logits.astype(float)) - targets)
        return {"n": len(targets), "wrong": wrong, "rmse": float((apart**2).mean() ** 0.5)}

    def loss(self, predicted, wanted):
        return F.binary_cross_entropy_with_logits(predicted, wanted)

    def logits(self, probabilities):
        return finite_logit(np.asarray(probabilities))


class Months(Wrong):
    title = "months, by their error"
    primary = "rmse"

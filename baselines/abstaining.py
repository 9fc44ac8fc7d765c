"""What a competitor without a network predicts where it can read nothing of a sample."""

import numpy as np

from mora_bench.data.shown import Shown
from mora_bench.tasks.named import task_of

#: In words, which follow when it abstains.
IN_WORDS = "it predicts no label; of classes or grades of which one is true, how frequent each is"
#: Versions of those that abstain so, by task. Before, all classes tied there, and the first of them was decided.
VERSIONS = {"multi-class": 2, "ordinal": 2}


def abstained(train: Shown) -> np.ndarray | float:
    """The probabilities [C] of a sample of which nothing can be read: no label. Where one of the classes is true for
    every sample that would be no answer, so it is each one's share in training."""
    assert train.targets is not None
    task = task_of(train.task)
    return 0.0 if task.one_by_one else task.prior(train.targets)

"""What is scored of samples that have everything, by what of it is shown."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from mora_bench.scoring.worth import worth
from mora_bench.statistics.shapley import shapley
from mora_bench.tasks.multiclass import MultiClass
from mora_bench.tasks.multilabel import MultiLabel

N = 2000


def _side(seed: int, rule: Callable[[Any, Any], Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two modalities that are one coin each, and a third that is noise; of each set a logit that knows what it can: the
    mean of the truth over what is not shown. A tenth of the samples lack the second modality."""
    rng = np.random.default_rng(seed)
    coins = rng.integers(0, 2, (N, 2))
    truth = rule(coins[:, 0], coins[:, 1])
    logits = np.zeros((N, 7, 1))
    for code in range(1, 8):
        possible = [
            rule(coins[:, 0] if code & 1 else np.full(N, a), coins[:, 1] if code & 2 else np.full(N, b))
            for a in (0, 1)
            for b in (0, 1)
        ]
        chance = np.mean(possible, 0)
        logits[:, code - 1, 0] = 4 * (chance - 0.5) + 1e-3 * rng.normal(size=N) * bool(code & 4)
    natural = np.ones((N, 3), bool)
    natural[: N // 10, 1] = False
    return truth[:, None].astype(np.uint8), logits, natural


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (lambda a, b: a ^ b, (0.25, 0.25)),
        (lambda a, b: a | 0 * b, (0.5, 0.0)),
    ],
)
def test_shapley_values_of_auroc_on_coins(rule, expected):
    known, test = _side(0, rule), _side(1, rule)
    values = worth(MultiLabel(), known, test, {})
    assert values.n == N - N // 10
    first, second, noise = shapley(np.array(values.scores["auroc"]))
    assert (first, second) == pytest.approx(expected, abs=0.03)
    assert noise == pytest.approx(0, abs=0.03)
    assert first + second + noise == pytest.approx(values.scores["auroc"][-1] - 0.5)


def test_scores_are_those_of_complete_samples_by_what_they_show():
    rng = np.random.default_rng(2)
    sides = []
    for _ in range(2):
        natural = rng.random((N, 2)) < 0.8
        natural |= ~natural.any(1, keepdims=True)
        sides.append((rng.integers(0, 2, (N, 3)).astype(np.uint8), rng.normal(size=(N, 3, 3)), natural))
    old = rng.random(N) < 0.5
    values = worth(MultiLabel(), *sides, {"old": old, "nobody": np.zeros(N, bool)})
    targets, logits, natural = sides[1]
    at = natural.all(1)
    for code in (1, 2, 3):
        shown = logits[at, code - 1]
        assert values.scores["f1_macro"][code] == pytest.approx(f1_score(targets[at], shown > 0, average="macro"))
        assert values.scores["auroc"][code] == pytest.approx(roc_auc_score(targets[at], shown))
        assert values.per_class["f1_per_class"][code] == pytest.approx(f1_score(targets[at], shown > 0, average=None))
        both = at & old
        expected = f1_score(targets[both], logits[both, code - 1] > 0, average="macro")
        assert values.groups["old"][code] == pytest.approx(expected)
    # Nothing: each label at its prevalence among validation samples.
    always = sides[0][0].mean(0) > 0.5
    expected = f1_score(targets[at], np.tile(always, (at.sum(), 1)), average="macro", zero_division=0)
    assert values.scores["f1_macro"][0] == pytest.approx(expected)
    assert values.scores["auroc"][0] == 0.5
    assert values.group_n == {"old": int((at & old).sum()), "nobody": 0}
    assert set(values.groups) == {"old"}


def test_one_class_of_several():
    rng = np.random.default_rng(3)
    sides = [
        (np.eye(3, dtype=np.uint8)[rng.integers(0, 3, N)], rng.normal(size=(N, 3, 3)), np.ones((N, 2), bool))
        for _ in range(2)
    ]
    values = worth(MultiClass(), *sides, {})
    assert set(values.scores) == {"f1_macro", "auroc"}
    assert [len(scores) for scores in values.scores.values()] == [4, 4]


def test_nobody_is_complete_or_there_is_one_modality():
    targets, logits = np.zeros((4, 1), np.uint8), np.zeros((4, 3, 1))
    lacking = (targets, logits, np.array([[True, False]] * 4))
    assert worth(MultiLabel(), lacking, lacking, {}) is None
    alone = (targets, logits[:, :1], np.ones((4, 1), bool))
    assert worth(MultiLabel(), alone, alone, {}) is None

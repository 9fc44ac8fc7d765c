"""Imputers: known answers on toys, scikit-learn's own neighbours, and no leak."""

import numpy as np
import pytest
import torch
from conftest import tiny_backbone
from mora_baselines.bank import TOKENS, Bank
from mora_baselines.from_other import mean_tokens
from mora_baselines.knn import Knn1, Knn5
from mora_baselines.learned import Learned
from mora_baselines.mean import Mean
from mora_baselines.prototypes import CLUSTERS, Prototypes
from mora_baselines.regression import Regression
from sklearn.neighbors import NearestNeighbors

from mora_bench import registry
from mora_bench.backbones.tokens import Part
from mora_bench.backbones.vilt import Vilt


def part(values, lengths, width=1):
    x = torch.tensor(values, dtype=torch.float32)[..., None].expand(-1, -1, width).contiguous()
    return Part(x, torch.arange(x.shape[1]) < torch.tensor(lengths)[:, None])


def random_parts(rows, seed=0, width=32):
    """Text of 2 to 5 tokens, images of 3, related to each other by a hidden number."""
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(rows, 1, width, generator=generator)
    text = hidden + 0.3 * torch.randn(rows, 5, width, generator=generator)
    image = -hidden + 0.3 * torch.randn(rows, 3, width, generator=generator)
    lengths = torch.randint(2, 6, (rows, 1), generator=generator)
    return [Part(text, torch.arange(5) < lengths), Part(image, torch.ones(rows, 3, dtype=torch.bool))]


def presence(rows):
    """A third complete, a third text only, a third image only."""
    at = torch.arange(rows) % 3
    return torch.stack([at != 2, at != 1], 1)


def test_mean_of_a_toy():
    imputer = Mean(tiny_backbone())
    text = part([[1, 2, 9], [3, 4, 6]], [2, 3])
    image = part([[10, 20], [30, 40]], [2, 2])
    imputer.fit([([text, image], torch.tensor([[True, True], [True, False]]))])
    absent = [part([[7, 7]], [2]), part([[5, 5]], [2])]
    filled = imputer.fill(absent, torch.tensor([[False, False]]))
    # Lengths 2 and 3 have the mean 2.5, rounded to even: 2 tokens, the means of (1, 3) and (2, 4).
    assert filled[0].x[0, filled[0].mask[0], 0].tolist() == [2, 3]
    # Only the first sample's image was observed.
    assert filled[1].x[0, filled[1].mask[0], 0].tolist() == [10, 20]
    assert imputer.report() == {"text": "mean of 2 training samples", "image": "mean of 1 training samples"}


def test_mean_leaves_what_is_present_alone_and_keeps_a_dummy_it_knows_nothing_of():
    imputer = Mean(tiny_backbone())
    parts = [part([[1, 2]], [2]), part([[3, 4]], [2])]
    imputer.fit([(parts, torch.tensor([[True, False]]))])
    same = imputer.fill(parts, torch.tensor([[True, False]]))
    assert torch.equal(same[0].x, parts[0].x)
    assert torch.equal(same[1].x, parts[1].x)


def test_mean_over_batches_of_other_lengths():
    imputer = Mean(tiny_backbone())
    one, two = part([[2.0]], [1]), part([[4.0, 8.0, 1.0]], [3])
    image = part([[0.0]], [1])
    yes = torch.tensor([[True, True]])
    imputer.fit([([one, image], yes), ([two, image], yes)])
    filled = imputer.fill([one, image], torch.tensor([[False, True]]))
    assert filled[0].x[0, :, 0].tolist() == [3, 8]


def test_mean_tokens():
    many = [torch.tensor([[1.0], [2.0], [9.0]]), torch.tensor([[3.0], [4.0]]), torch.tensor([[5.0]])]
    assert mean_tokens(many).flatten().tolist() == [3, 3]


def test_learned_token_stands_behind_the_first_token():
    imputer = Learned(tiny_backbone())
    parts, present = random_parts(6), presence(6)
    filled = imputer.fill(parts, present)
    # Sample 1 has no image: its [CLS] and the learned token, nothing else.
    assert filled[1].mask[1].tolist() == [True, True, False]
    torch.testing.assert_close(filled[1].x[1, 0], parts[1].x[1, 0])
    torch.testing.assert_close(filled[1].x[1, 1], imputer.token[1][0])
    filled[1].x.sum().backward()
    assert imputer.token[1].grad.abs().sum() > 0


@pytest.mark.parametrize(("kind", "k"), [(Knn1, 1), (Knn5, 5)])
def test_knn_takes_scikit_learns_neighbours(kind, k):
    imputer = kind(tiny_backbone())
    bank, seen = random_parts(30), presence(30)
    imputer.fit([(bank, seen)])
    query, present = random_parts(6, seed=1), presence(6)
    filled = imputer.fill(query, present)
    complete = torch.arange(0, 30, 3)
    features = imputer.features(bank[0], 0)[complete.numpy()]
    search = NearestNeighbors(n_neighbors=k).fit(features)
    for row in (1, 4):
        nearest = search.kneighbors(imputer.features(query[0], 0)[[row]], return_distance=False)[0]
        expected = torch.stack([bank[1].x[complete[n]] for n in nearest]).mean(0)
        torch.testing.assert_close(filled[1].x[row], expected)
    assert imputer.report()["image from text"] == "10 training samples"


def test_knn_of_a_training_twin_is_the_twin_itself():
    imputer = Knn1(tiny_backbone())
    bank = random_parts(9)
    imputer.fit([(bank, torch.ones(9, 2, dtype=torch.bool))])
    blank = [Part(torch.zeros_like(bank[0].x), bank[0].mask), bank[1]]
    filled = imputer.fill(blank, torch.tensor([[False, True]] * 9))
    for row in range(9):
        torch.testing.assert_close(filled[0].x[row][filled[0].mask[row]], bank[0].x[row][bank[0].mask[row]])


def test_regression_learns_what_can_be_learned():
    """The other modality is drawn better than by the mean over the training samples."""
    imputer = Regression(tiny_backbone())
    imputer.fit([(random_parts(200), torch.ones(200, 2, dtype=torch.bool))])
    query = random_parts(40, seed=1)
    filled = imputer.fill(query, torch.tensor([[True, False]] * 40))
    assert filled[1].mask.sum(1).tolist() == [2] * 40
    truth = query[1].x[:, 1:].mean(1)
    error = (filled[1].x[:, 1] - truth).pow(2).mean()
    assert error < 0.8 * truth.var(0, unbiased=False).mean()


def test_prototypes_find_clusters_that_are_there():
    imputer = Prototypes(tiny_backbone())
    generator = torch.Generator().manual_seed(0)
    centres = 5 * torch.randn(CLUSTERS, 32, generator=generator)
    which = torch.arange(60) % CLUSTERS
    near = lambda: centres[which][:, None] + 0.01 * torch.randn(60, 3, 32, generator=generator)  # noqa: E731
    yes = torch.ones(60, 3, dtype=torch.bool)
    bank = [Part(near(), yes), Part(near(), yes)]
    imputer.fit([(bank, torch.ones(60, 2, dtype=torch.bool))])
    filled = imputer.fill([Part(near(), yes), bank[1]], torch.tensor([[True, False]] * 60))
    torch.testing.assert_close(filled[1].x.mean(1), centres[which], rtol=0, atol=0.05)


FITTED = [name for name in registry.names(registry.IMPUTERS) if name not in ("bank", "dummy", "learned")]


@pytest.mark.parametrize("name", FITTED)
def test_what_the_training_mask_hides_changes_no_imputed_value(name):
    """Values under the mask, other rows' values, and rows of other splits: the same is filled in."""
    clean, seen = random_parts(30), presence(30)
    dirty = [
        Part(torch.where(seen[:, m, None, None], p.x, 100 * torch.randn_like(p.x)), p.mask) for m, p in enumerate(clean)
    ]
    query, present = random_parts(9, seed=1), presence(9)
    results = []
    for bank in (clean, dirty):
        imputer = registry.get(registry.IMPUTERS, name)(tiny_backbone())
        imputer.fit([(bank, seen)])
        # Being asked about other rows teaches an imputer nothing.
        imputer.fill(random_parts(9, seed=2), present)
        results.append(imputer.fill(query, present))
    for a, b in zip(*results, strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.mask, b.mask)


@pytest.mark.parametrize("name", [n for n in FITTED if n != "mean"])
def test_without_a_complete_training_sample_the_dummy_stays_and_is_reported(name):
    parts = random_parts(6)
    imputer = registry.get(registry.IMPUTERS, name)(tiny_backbone())
    present = torch.tensor([[True, False], [False, True]] * 3)
    imputer.fit([(parts, present)])
    filled = imputer.fill(parts, present)
    assert all(torch.equal(a.x, b.x) for a, b in zip(parts, filled, strict=True))
    assert set(imputer.report().values()) == {"dummy: no training sample shows both"}


def test_features_ignore_padding():
    imputer = Knn1(tiny_backbone())
    parts = random_parts(4)
    longer = Part(
        torch.cat([parts[0].x, torch.full((4, 3, 32), 9.0)], 1), torch.nn.functional.pad(parts[0].mask, (0, 3))
    )
    np.testing.assert_allclose(imputer.features(parts[0], 0), imputer.features(longer, 0), atol=1e-5)


def test_the_bank_has_tokens_for_each_combination_and_what_it_lacks():
    imputer = Bank(tiny_backbone())
    parts, present = random_parts(9), presence(9)
    filled = imputer.fill(parts, present)
    for m, lone in ((0, 1), (1, 0)):
        rows = imputer.tokens[m]
        assert rows.shape == (1, TOKENS, 32)
        for row in range(9):
            if present[row, m]:
                assert torch.equal(filled[m].x[row, : parts[m].x.shape[1]], parts[m].x[row])
            else:
                tokens = filled[m].x[row, filled[m].mask[row]]
                assert torch.equal(tokens, torch.cat([parts[m].x[row, :1], rows[0]]))
                assert present[row, lone]


def test_the_bank_of_three_modalities_tells_combinations_apart():
    imputer = Bank(Vilt(tiny_backbone().vilt, {"text": "text", "left": "image", "right": "image"}))
    # A modality of three is lacking in three of the seven combinations.
    assert [len(tokens) for tokens in imputer.tokens] == [3, 3, 3]
    parts = [part([[1.0, 2.0]] * 2, [2, 2], 32) for _ in range(3)]
    present = torch.tensor([[False, True, True], [False, True, False]])
    filled = imputer.fill(parts, present)
    assert not torch.equal(filled[0].x[0], filled[0].x[1])


def test_only_what_was_missing_teaches_the_bank():
    imputer = Bank(tiny_backbone())
    filled = imputer.fill(random_parts(9), presence(9))
    sum(modality.x.sum() for modality in filled).backward()
    assert all(tokens.grad is not None and tokens.grad.abs().sum() > 0 for tokens in imputer.tokens)

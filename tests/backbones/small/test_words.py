"""The loss of words: what it asks, and what knowing nothing costs."""

import math

import pytest
import torch

from mora_bench.backbones.small.words import WordPieces

#: Word piece 1 is in every text, 2 in three of four, 3 in one; 0 is padding.
IDS = torch.tensor([[1, 2, 0], [1, 2, 2], [1, 3, 2], [1, 0, 0]])
ROWS = torch.arange(4)


def test_pieces_count_by_how_rare_they_are_and_those_of_all_texts_or_none_not_at_all():
    words = WordPieces.of(IDS, 6)
    assert words.pieces.tolist() == [2, 3]
    rare, frequent = math.log(4), math.log(4 / 3)
    third = [frequent / (rare + frequent), rare / (rare + frequent)]
    torch.testing.assert_close(words.shares, torch.tensor([[1, 0], [1, 0], third, [0, 0]]))


def test_the_shares_themselves_cost_nothing_and_other_scores_do():
    words = WordPieces.of(IDS, 6)
    scores = torch.zeros(4, 6)
    scores[:, words.pieces] = (words.shares + 1e-9).log()
    assert words.loss(scores, ROWS).item() == pytest.approx(0, abs=1e-6)
    assert words.loss(scores[ROWS.flip(0)], ROWS).item() > 1
    # Of one word among two, knowing nothing costs log 2.
    assert words.loss(torch.zeros(2, 6), torch.tensor([0, 1])).item() == pytest.approx(math.log(2))


def test_scores_of_pieces_that_are_not_asked_do_not_count():
    words = WordPieces.of(IDS, 6)
    scores = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    other = scores.clone()
    other[:, [0, 1, 4, 5]] += 7
    assert torch.equal(words.loss(scores, ROWS), words.loss(other, ROWS))

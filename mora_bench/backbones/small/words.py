"""The loss that both pre-trainings put on the features that a classifier reads: which words the texts of a pair have.

Predicting a text's words, as an unordered bag, from the token that is pooled makes that token hold them (Ma et al.
2024, arXiv 2401.11248, for retrieval); predicting the words of its caption is what a picture can be taught with (Joulin
et al. 2016, arXiv 1511.02251). Words are weighted by idf, because what tells two patients apart is rare.
"""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class WordPieces:
    """Which word pieces N texts have, of the K pieces that some of them have and others lack.

    Attributes:
        pieces: int64 [K], their numbers in a vocabulary.
        shares: float [N, K], the weight of each piece in its text, by inverse document frequency (idf),
            log(N / texts that have it). They add up to 1, or are all 0 where a text has only words that all have.
    """

    pieces: Tensor
    shares: Tensor

    @classmethod
    def of(cls, ids: Tensor, vocabulary: int) -> Self:
        """The words of padded texts, ids int64 [N, L] where 0 is padding."""
        has = torch.zeros(len(ids), vocabulary).scatter_(1, ids, 1.0)
        has[:, 0] = 0
        known = has.mean(0)
        pieces = torch.nonzero((known > 0) & (known < 1)).squeeze(1)
        return cls(pieces, F.normalize(has[:, pieces] * -known[pieces].log(), p=1))

    def loss(self, scores: Tensor, rows: Tensor) -> Tensor:
        """How far scores of all V pieces of the vocabulary, float [B, V], are from B texts: the mean Kullback-Leibler
        divergence of their softmax from the shares; 0 where it is the same."""
        return F.kl_div(scores[:, self.pieces].log_softmax(1), self.shares[rows], reduction="batchmean")

"""The base of imputers that predict a missing modality from an observed one, learned per pair of modalities."""

import copy
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mora_bench.backbones.contract import At, Backbone
from mora_bench.backbones.tokens import Part, Tokens
from mora_bench.methods.imputer import Imputer


class FromOther(Imputer):
    """Learns, for each ordered pair of modalities, to predict the tokens of one from the features of the other.

    Features are frozen: one modality alone runs through a copy of the pre-trained blocks, and its tokens are averaged.
    Only training samples that show both modalities of a pair are used. If there are none, the dummy stays, and the
    record says so. If several modalities are observed, the first in order is used.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__(backbone)
        # In a list, so that the copy is neither counted nor trained.
        self._frozen = [copy.deepcopy(backbone).eval().requires_grad_(False)]
        self._names = backbone.modalities
        self._learned: dict[tuple[int, int], Any] = {}
        self._report: dict[str, str] = {}

    @abstractmethod
    def learn(self, features: np.ndarray, tokens: Sequence[Tensor]) -> Any:
        """Learn from n pairs: features float32 [n, D] of one modality, tokens [t, D] each of the other."""

    @abstractmethod
    def draw(self, learned: Any, features: np.ndarray) -> list[Tensor]:
        """Tokens [t, D] for each row of features, float32 [n, D]; `learned` is what `learn` returned."""

    def report(self) -> dict[str, str]:
        return self._report

    @torch.no_grad()
    def fit(self, observed: Iterable[tuple[list[Part], Tensor]]) -> None:
        pairs = list(permutations(range(len(self._names)), 2))
        features: dict[tuple[int, int], list[np.ndarray]] = {pair: [] for pair in pairs}
        tokens: dict[tuple[int, int], list[Tensor]] = {pair: [] for pair in pairs}
        for parts, present in observed:
            for seen, wanted in pairs:
                both = present[:, seen] & present[:, wanted]
                if both.any():
                    features[seen, wanted].append(self.features(parts[seen], seen)[both.cpu().numpy()])
                    tokens[seen, wanted] += [t.cpu() for t in parts[wanted].rows(both)]
        for pair in pairs:
            count = len(tokens[pair])
            pair_name = f"{self._names[pair[1]]} from {self._names[pair[0]]}"
            self._report[pair_name] = f"{count} training samples" if count else "dummy: no training sample shows both"
            if count:
                self._learned[pair] = self.learn(np.concatenate(features[pair]), tokens[pair])

    @torch.no_grad()
    def features(self, part: Part, modality: int) -> np.ndarray:
        """float32 [B, D]: the mean of a modality's tokens after the frozen blocks have seen it alone."""
        backbone = self._frozen[0]
        stream = backbone.stream_of(modality)
        tokens = Tokens(part.x, part.mask, part.mask[:, :1], part.mask.to(torch.int8))
        for i in range(backbone.depth):
            tokens = backbone.block(At(stream, i), tokens)
        x = backbone.norm(stream, tokens.x).masked_fill(~part.mask[..., None], 0).sum(1)
        return (x / part.mask.sum(1, keepdim=True)).float().cpu().numpy()

    def fill(self, parts: list[Part], present: Tensor) -> list[Part]:
        filled = list(parts)
        for wanted in range(len(parts)):
            # The first observed modality of each sample.
            first = present.to(torch.int8).argmax(1)
            for seen in range(len(parts)):
                rows = ~present[:, wanted] & (first == seen)
                if (seen, wanted) in self._learned and rows.any():
                    part = Part(parts[seen].x[rows], parts[seen].mask[rows])
                    drawn = self.draw(self._learned[seen, wanted], self.features(part, seen))
                    filled[wanted] = filled[wanted].replaced(rows, drawn)
        return filled


def mean_tokens(sequences: Sequence[Tensor]) -> Tensor:
    """The mean of token sequences [t, D]: each position averages the sequences that reach it; rounded mean length."""
    length = round(sum(map(len, sequences)) / len(sequences))
    columns = [
        torch.stack([tokens[position] for tokens in sequences if position < len(tokens)]).mean(0)
        for position in range(length)
    ]
    return torch.stack(columns)

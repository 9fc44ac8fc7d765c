"""Tokens for signals that a frozen encoder read: a linear layer that trains."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.data.modalities.encoded import EncodedContent, EncodedInputs


class EncodedTokens(nn.Module):
    """A token for each channel and part of time: W [x, s] + b, plus a row for the channel and the part.

    x are the encoder's features, scaled by mean and deviation of the rows given over what was measured; s is the share
    of the part that was measured. A part in which nothing was measured has no token. Of a sample without a signal one
    token is left, of x = 0 and s = 0.

    Args:
        content: of C channels with T tokens of F features each.
        rows: int [n], the samples that scaling may see.
        width: D, features of a token.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, content: EncodedContent, rows: np.ndarray, width: int):
        super().__init__()
        _, channels, parts, features = content.features.shape
        mean, deviation = _moments(content, rows)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(deviation, dtype=torch.float32))
        self.project = nn.Linear(features + 1, width)
        self.rows = nn.Parameter(torch.zeros(channels, parts, width))

    def forward(self, inputs: EncodedInputs) -> tuple[Tensor, Tensor]:
        """Tokens [B, C * T, D], channel after channel, and their mask."""
        measured = inputs.shares > 0
        scaled = (inputs.features - self.mean) / self.deviation * measured[..., None]
        tokens = self.project(torch.cat([scaled, inputs.shares[..., None]], -1)) + self.rows
        mask = measured.flatten(1)
        first = torch.zeros_like(mask)
        first[:, 0] = True
        return tokens.flatten(1, 2), torch.where(mask.any(1, keepdim=True), mask, first)


def _moments(content: EncodedContent, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each feature over what was measured, float64 [F] each; 0 and 1 where nothing was. One
    sample after the other, because all together may not fit into memory."""
    features, places = content.features.shape[3], content.places[rows]
    places = places[places >= 0]
    count = max(int((content.shares[places] > 0).sum()), 1)
    mean = sum((_measured(content, place).sum(0) for place in places), np.zeros(features)) / count
    square = sum((((_measured(content, place) - mean) ** 2).sum(0) for place in places), np.zeros(features))
    deviation = np.sqrt(square / count)
    return mean, np.where(deviation > 0, deviation, 1)


def _measured(content: EncodedContent, place: int) -> np.ndarray:
    """The features of one signal's measured parts, float64 [k, F]."""
    return content.features[place][content.shares[place] > 0].astype(np.float64)

"""A token for a vector that was taken beforehand."""

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.data.modalities.vector import VectorInputs


class Projected(nn.Module):
    """One token: W x + b, with x scaled by mean and deviation of the rows given; without a vector, b.

    Args:
        vectors: float [n, F], the rows that scaling may see.
        width: D, features of the token.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, vectors: np.ndarray, width: int):
        super().__init__()
        mean = vectors.mean(0) if len(vectors) else np.zeros(vectors.shape[1])
        deviation = vectors.std(0) if len(vectors) else np.ones(vectors.shape[1])
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(np.where(deviation > 0, deviation, 1), dtype=torch.float32))
        self.project = nn.Linear(vectors.shape[1], width)

    def forward(self, inputs: VectorInputs) -> tuple[Tensor, Tensor]:
        """The token [B, 1, D] and its mask, all True."""
        scaled = (inputs.vectors - self.mean) / self.deviation * inputs.present[:, None]
        token = self.project(scaled)[:, None]
        return token, torch.ones(token.shape[:2], dtype=torch.bool, device=token.device)

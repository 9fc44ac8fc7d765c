"""Tokens for the columns of a table: FT-Transformer's feature tokenizer (Gorishniy et al. 2021, arXiv 2106.11959)."""

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.data.modalities.table import TableInputs


class ColumnEmbedder(nn.Module):
    """A token per column, after a first one that sums them up.

    Attributes:
        numbers: [3, K, D], of each column with numbers: w, b, and the token of an empty cell.
        categories: of each other column [size, D], the first row that of an empty cell.

    A number's token is w x + b, with x scaled by mean and deviation of the rows given; a category's is a row of a
    table; an empty cell has a token of its own column. The first token is a small network of the mean of the others.
    Tokens start uniform within 1 / sqrt(D), as published.

    Args:
        numbers: float [n, K], the rows that scaling may see; NaN where a cell is empty.
        sizes: categories of each further column, code 0 ("none") included.
        width: D.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, numbers: np.ndarray, sizes: list[int], width: int):
        super().__init__()
        filled = ~np.isnan(numbers)
        count = np.maximum(filled.sum(0), 1)
        mean = np.where(filled, numbers, 0).sum(0) / count
        variance = (np.where(filled, numbers - mean, 0) ** 2).sum(0) / count
        deviation = np.sqrt(variance)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(np.where(deviation > 0, deviation, 1), dtype=torch.float32))
        columns, bound = len(mean), width**-0.5
        self.numbers = nn.Parameter(torch.empty(3, columns, width).uniform_(-bound, bound))
        self.categories = nn.ParameterList(torch.empty(size, width).uniform_(-bound, bound) for size in sizes)
        self.summary = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, inputs: TableInputs) -> tuple[Tensor, Tensor]:
        """Tokens [B, 1 + K + J, D] and their mask, all True."""
        filled = ~inputs.numbers.isnan()[..., None]
        x = ((inputs.numbers.nan_to_num() - self.mean) / self.deviation)[..., None]
        weight, bias, empty = self.numbers
        tokens = [torch.where(filled, x * weight + bias, empty)]
        tokens += [table[inputs.codes[:, j]][:, None] for j, table in enumerate(self.categories)]
        columns = torch.cat(tokens, 1)
        sequence = torch.cat([self.summary(columns.mean(1, keepdim=True)), columns], 1)
        return sequence, torch.ones(sequence.shape[:2], dtype=torch.bool, device=sequence.device)

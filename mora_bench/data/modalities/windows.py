"""Tokens for the windows of a sampled series: a small convolutional network that trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mora_bench.data.modalities.signal import SignalInputs

#: The most windows that a series is cut into, each a token; features of a frame; a window has less than twice as many
#: frames as the last says.
TOKENS, HIDDEN, FRAMES = 16, 64, 8


class Windows(nn.Module):
    """A token per window of equal duration, after a first one that sums them up.

    Of each step it reads for each channel the value (scaled by mean and deviation of the rows given, 0 in a gap),
    whether it was measured, and the time since it last was, in windows (the inputs of Che et al. 2018, GRU-D, arXiv
    1606.01865): so a gap is not a value, and its length is seen. Two convolutions over time make frames of the steps;
    a window's token is the mean of its frames plus a row for its place. A window in which nothing was measured has no
    token. The first token is a small network of the mean of the others; of a sample without a signal it alone is left.

    Steps after the window that the longest of the rows given ends in count to the last one. What a sample gives does
    not depend on how long the others of its batch are.

    Args:
        series: float [T, C] each, the rows that scaling and the length of a window may see; NaN in gaps.
        channels: C.
        width: D, features of a token.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, series: Sequence[np.ndarray], channels: int, width: int):
        super().__init__()
        longest = max((len(values) for values in series), default=1)
        least = -(-longest // TOKENS)
        self.stride = max(1, least // FRAMES)
        #: Frames of a window.
        self.frames = -(-least // self.stride)
        self.windows = -(-longest // (self.stride * self.frames))
        mean, deviation = _moments(series, channels)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("deviation", torch.tensor(deviation, dtype=torch.float32))
        # Odd, so that a frame's steps lie around its own.
        self.first = nn.Conv1d(3 * channels, HIDDEN, 2 * self.stride + 3, self.stride, self.stride + 1)
        self.second = nn.Conv1d(HIDDEN, HIDDEN, 5, padding=2)
        self.project = nn.Linear(HIDDEN, width)
        self.places = nn.Parameter(torch.empty(self.windows, width).uniform_(-(width**-0.5), width**-0.5))
        self.summary = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, inputs: SignalInputs) -> tuple[Tensor, Tensor]:
        """Tokens [B, 1 + W, D] and their mask, False for windows in which nothing was measured."""
        step = torch.arange(inputs.values.shape[1], device=inputs.values.device)
        seen = ~inputs.values.isnan()
        within = step < inputs.steps[:, None]
        scaled = ((inputs.values - self.mean) / self.deviation).nan_to_num()
        since = self._since(seen, step) * within[..., None]
        x = torch.cat([scaled, seen.to(scaled.dtype), since.to(scaled.dtype)], 2).transpose(1, 2)
        # A frame is the sample's where its first step is; all others are nothing to the next layer, as if the batch
        # ended there.
        frame = torch.arange(-(-len(step) // self.stride), device=step.device)
        inside = (frame * self.stride < inputs.steps[:, None])[:, None].to(x.dtype)
        x = nn.functional.gelu(self.first(x)) * inside
        x = nn.functional.gelu(self.second(x)) * inside
        window = (frame // self.frames).clamp(max=self.windows - 1)
        member = nn.functional.one_hot(window, self.windows).to(x.dtype)
        count = (inside @ member).transpose(1, 2)
        pooled = (x @ member).transpose(1, 2) / count.clamp(min=1)
        tokens = self.project(pooled) + self.places
        of_step = nn.functional.one_hot((step // self.stride // self.frames).clamp(max=self.windows - 1), self.windows)
        mask = (seen.any(2).to(x.dtype) @ of_step.to(x.dtype)) > 0
        share = mask.to(tokens.dtype)[..., None]
        mean = (tokens * share).sum(1, keepdim=True) / share.sum(1, keepdim=True).clamp(min=1)
        token_mask = torch.cat([torch.ones_like(mask[:, :1]), mask], 1)
        return torch.cat([self.summary(mean), tokens], 1), token_mask

    def _since(self, seen: Tensor, step: Tensor) -> Tensor:
        """How long ago a channel was last measured, in windows; from the beginning on where it has not been."""
        last = torch.where(seen, step[:, None], -1).cummax(1).values
        return (step[:, None] - last.clamp(min=0)) / (self.stride * self.frames)


def _moments(series: Sequence[np.ndarray], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each channel over what was measured, float64 [C] each; 0 and 1 where nothing was."""
    count = np.maximum(sum((np.isfinite(values).sum(0) for values in series), np.zeros(channels)), 1)
    mean = sum((np.nansum(values, 0, dtype=np.float64) for values in series), np.zeros(channels)) / count
    square = sum((np.nansum((values - mean) ** 2, 0) for values in series), np.zeros(channels))
    deviation = np.sqrt(square / count)
    return mean, np.where(deviation > 0, deviation, 1)

"""The last layer of a classifier for proportional hazards: one risk, and a bias for each interval of time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mora_bench.tasks.cox import log_hazards

#: The largest log of what an interval adds to the cumulative hazard: beyond it nobody is left, and float32 ends.
MOST = 4.0


class ProportionalHazards(nn.Module):
    """Features x [..., F] -> logits [..., K] of the hazards h_k = 1 - exp(-exp(w . x + b_k)).

    That is Cox's model in grouped time (Prentice and Gloeckler 1978): samples differ by their risk w . x alone.

    Args:
        features: F; outputs: K, the number of intervals.
    """

    def __init__(self, features: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, features))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, features: Tensor) -> Tensor:
        # The link needs more digits than bf16 has.
        risk = nn.functional.linear(features, self.weight).float()
        added = (risk + self.bias).clamp_max(MOST).exp()
        # log(h / (1 - h)) for h = 1 - exp(-added).
        return added + (-torch.expm1(-added)).clamp_min(1e-30).log()

    def start_at(self, logits: Tensor) -> None:
        """Give samples of no risk these logits, [K]."""
        with torch.no_grad():
            self.bias.copy_(log_hazards(logits.float()))

"""Cox's loss for networks whose outputs are hazards of discrete time, all shifted by one risk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def log_hazards(logits: Tensor) -> Tensor:
    """Logits of the hazards h of intervals, [...], as log(-log(1 - h)), the logarithm of the cumulative hazard that an
    interval adds. Hazards are proportional if these differ between samples by the same number in all intervals."""
    import torch.nn.functional as F

    # -log(1 - sigmoid(l)) is softplus(l), which falls to zero where float32 ends.
    return F.softplus(logits).clamp_min(1e-30).log()


def partial_likelihood(risks: Tensor, times: Tensor, events: Tensor) -> Tensor:
    """Minus Cox's log partial likelihood of B samples, as a sum over the events; 0, with gradients of 0, without one.

    Tied events are treated as by Efron (1977): each in turn leaves its share of those that are tied. A sample that is
    censored at the time of an event is at risk of it. Neither the order of the samples nor a number that is added to
    all risks changes anything.

    Args:
        risks: float [B], logarithms of relative hazards.
        times: float [B]; events: bool [B], False where a sample was censored at its time.
    """
    import torch

    relative = (risks - risks.max().detach()).exp()
    at_risk = (times >= times[:, None]).to(risks.dtype) @ relative
    tied = (times == times[:, None]) & events & events[:, None]
    together = tied.to(risks.dtype)
    # Of d tied events, the k-th leaves k / d of them.
    left = together.tril(-1).sum(1) / together.sum(1).clamp_min(1)
    remaining = at_risk - left * (together @ relative)
    terms = remaining.clamp_min(torch.finfo(risks.dtype).tiny).log() + risks.max().detach() - risks
    return (terms * events).sum()

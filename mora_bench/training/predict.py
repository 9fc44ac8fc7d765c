"""Predicts every sample under every pattern of present modalities. All scores are picked from these logits."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mora_bench.data import presence
from mora_bench.data.samples import Samples
from mora_bench.methods.network import Model, State
from mora_bench.training.state_cache import Feed


@torch.no_grad()
def logits(finish: Callable[[State], Tensor], feed: Feed, batch: int) -> np.ndarray:
    """Logits of several models, float32 [models, n, K], in the feed's order; `finish` maps a state to
    [models, B, K]."""
    return torch.cat([finish(state).float().cpu() for state in feed.in_order(batch)], 1).numpy()


@torch.no_grad()
def predict(
    model: Model,
    samples: Samples,
    rows: np.ndarray,
    batch: int,
    device: torch.device,
    wanted: np.ndarray | None = None,
) -> np.ndarray:
    """Predict n rows once under each of the 2^M - 1 patterns, or under those that are `wanted`, bool [n, P].

    Each modality of a sample is embedded once, and one dummy per modality once in total. A pattern selects, for each
    modality, the sample's own embedding or the dummy's. Samples of similar length share a batch.

    Returns:
        float32 [n, P, K], patterns in the order of `presence.pattern_presence`; NaN where a sample lacks a modality
        that the pattern shows, and where nothing is wanted.
    """
    model.eval()
    natural = samples.present[rows]
    patterns = presence.pattern_presence(natural.shape[1])
    out = np.full((len(rows), len(patterns), model.outputs), np.nan, np.float32)
    dummies = model.embed(samples.batch(rows[:1], np.zeros_like(natural[:1])).to(device)) if len(rows) else []
    able = presence.able(natural) if wanted is None else presence.able(natural) & wanted
    order = np.argsort(samples.lengths(rows), kind="stable")
    for at in np.split(order, range(batch, len(order), batch)):
        parts = model.embed(samples.batch(rows[at], natural[at]).to(device))
        for k, (pattern, can) in enumerate(zip(patterns, able[at].T, strict=True)):
            chosen = np.flatnonzero(can)
            if len(chosen):
                these = torch.from_numpy(chosen).to(device)
                shown = [
                    part.only(these) if shows else dummy.only(torch.zeros_like(these))
                    for shows, part, dummy in zip(pattern, parts, dummies, strict=True)
                ]
                present = torch.from_numpy(pattern).to(device).expand(len(chosen), -1)
                out[at[chosen], k] = model.from_parts(shown, present).float().cpu().numpy()
    return out

"""Logits of every sample under every pattern of present modalities: what every score is picked from."""

import numpy as np
import torch

from mora_bench.data import missing
from mora_bench.data.samples import Samples, View
from mora_bench.feed import Feed
from mora_bench.model import Model


@torch.no_grad()
def logits(model: Model, feed: Feed, batch: int) -> np.ndarray:
    """float32 [n, C], in the feed's order."""
    model.eval()
    return torch.cat([model.finish(state).float().cpu() for state in feed.in_order(batch)]).numpy()


def predict(model: Model, samples: Samples, rows: np.ndarray, batch: int, device: torch.device) -> np.ndarray:
    """Predict n rows once under each of the 2^M - 1 patterns.

    Returns:
        float32 [n, P, C], patterns in the order of `missing.pattern_presence`; NaN where a sample does not have what
        the pattern shows.
    """
    natural = samples.present[rows]
    patterns = missing.pattern_presence(natural.shape[1])
    out = np.full((len(rows), len(patterns), len(samples.table.labels)), np.nan, np.float32)
    for k, pattern in enumerate(patterns):
        able = np.flatnonzero((natural | ~pattern).all(1))
        if len(able):
            view = View(samples, rows[able], np.broadcast_to(pattern, (len(able), len(pattern))))
            out[able, k] = logits(model, Feed(model, view, batch, device, keep=False), batch)
    return out

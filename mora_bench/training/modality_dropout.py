"""Modality dropout: at each step some of what the training mask still shows is left out, at random anew.

ModDrop (Neverova et al., arXiv 1501.00102) drops each modality with its own probability; here a sample keeps at
least one. A network that has seen every pattern of presence is the baseline that methods for missing modalities are
held against.
"""

from collections.abc import Sequence

import numpy as np

from mora_bench.data import presence
from mora_bench.data.samples import View
from mora_bench.seeds import uniforms

#: States of more views of a sample than this are not worth computing ahead: each step asks for one of them.
MOST_KEPT = 4


class Dropping:
    """A training view that holds a sample once for every part of what it shows, and the parts that each step draws.

    Attributes:
        view: a sample's parts stand one after the other, all that it shows last; without dropout the view itself.
        worth_keeping: whether states of the view may be computed once and kept.

    Args:
        rate: the probability with which a modality that is shown is left out, from step `rising` on; it rises linearly
            until then.
    """

    def __init__(self, training: View, rate: float, seed: int, rising: float = 0.0):
        self.rate, self.seed, self.rising = rate, seed, rising
        self.view, self.worth_keeping = training, True
        if not rate:
            return
        self.present, self.tokens = training.present, training.samples.table.tokens[training.rows]
        self.bits = 1 << np.arange(self.present.shape[1])
        self.codes = self.present @ self.bits
        # Of what a sample may show, its parts: the numbers of presence patterns, in order.
        parts = {code: [c for c in range(1, code + 1) if c & code == c] for code in np.unique(self.codes).tolist()}
        self.positions = {code: np.searchsorted(codes, np.arange(code + 1)) for code, codes in parts.items()}
        counts = np.array([len(parts[code]) for code in self.codes.tolist()])
        self.first = counts.cumsum() - counts
        shown = presence.pattern_presence(len(self.bits))
        present = np.concatenate([shown[np.array(parts[code]) - 1] for code in self.codes.tolist()])
        self.view = View(training.samples, np.repeat(training.rows, counts), present)
        self.worth_keeping = len(present) <= MOST_KEPT * len(training)

    def steps(self, batches: Sequence[np.ndarray], first: int) -> list[np.ndarray]:
        """The positions in `view` that steps see from the first on, of batches of positions of the training view."""
        return [self.at(step, at) for step, at in enumerate(batches, first)]

    def at(self, step: int, at: np.ndarray) -> np.ndarray:
        """The positions in `view` that a step sees of the samples at positions of the training view, int [b]. A
        sample's draw hangs on its id, the seed and the step, on nobody else."""
        if not self.rate:
            return at
        tokens, shown = self.tokens[at], self.present[at]
        rate = self.rate * min(step / self.rising, 1.0) if self.rising else self.rate
        drawn = [uniforms(tokens, "modality dropout", self.seed, step, m) for m in range(shown.shape[1])]
        kept = shown & (np.stack(drawn, 1) >= rate)
        none = np.flatnonzero(~kept.any(1))
        which = [uniforms(tokens[none], "modality kept", self.seed, step, m) for m in range(shown.shape[1])]
        kept[none, np.where(shown[none], np.stack(which, 1), -1).argmax(1)] = True
        part_codes = (kept @ self.bits).tolist()
        positions = [self.positions[code][part] for code, part in zip(self.codes[at].tolist(), part_codes, strict=True)]
        return self.first[at] + np.array(positions, int)

"""A dataset whose bags hold pictures of differing shapes, and an imputer that draws at random."""

import numpy as np
import torch

from mora_bench.api import Column, Dataset, Imputer, Part, Table

N = 60


class Shade:
    def __init__(self, seed, height, width):
        self.picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)

    def read(self):
        return self.picture

    def fingerprint(self):
        return str(self.picture.sum())


def _twin():
    rng = np.random.default_rng(0)
    sick = rng.integers(0, 2, N)
    films = tuple((Shade(i, 32, 32), Shade(N + i, 64, 32), Shade(2 * N + i, 32, 64)) for i in range(N))
    return Table(
        name="odd-shapes",
        source="twin",
        labels=("sick", "well"),
        ids=tuple(f"visit {i}" for i in range(N)),
        patients=tuple(f"patient {i}" for i in range(N)),
        modalities={
            "note": Column("text", tuple("severe finding" if s else "normal" for s in sick)),
            "films": Column("bag", films),
        },
        targets=np.stack([sick, 1 - sick], 1).astype(np.uint8),
        covariates={},
    )


ODD_SHAPES = Dataset("bags of differing shapes", find=lambda root: None, read=lambda root: _twin(), twin=_twin)


class Noise(Imputer):
    title = "noise"
    source = "this test"

    def fill(self, parts, present):
        return [
            Part(torch.where(present[:, m, None, None], p.x, torch.randn(p.x.shape)), p.mask)
            for m, p in enumerate(parts)
        ]

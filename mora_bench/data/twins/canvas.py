"""A square grey picture to draw soft shapes on; places and sizes are shares of its side."""

from collections.abc import Callable, Collection, Mapping
from typing import Self

import numpy as np

SIZE = 128
Y, X = (np.mgrid[:SIZE, :SIZE].astype(np.float32) + 0.5) / SIZE


class Canvas:
    """Grey levels [SIZE, SIZE] in about 0..1; x to the right, y down.

    Args:
        rng: the only source of randomness.
        level: the grey of the ground.
    """

    def __init__(self, rng: np.random.Generator, level: float):
        self.rng = rng
        self.grey = np.full((SIZE, SIZE), level, np.float32)

    @staticmethod
    def soft(r2: np.ndarray, edge: float) -> np.ndarray:
        return 1 / (1 + np.exp(np.clip((r2 - 1) * edge, -40, 40)))

    def oval(self, x: float, y: float, rx: float, ry: float, light: float, edge: float = 8) -> None:
        self.grey += light * self.soft(((X - x) / rx) ** 2 + ((Y - y) / ry) ** 2, edge)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, light: float) -> None:
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((X - x0) * dx + (Y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        self.grey += light * np.exp(-(((X - x0 - t * dx) ** 2 + (Y - y0 - t * dy) ** 2) / width**2))

    def add(self, marks: Mapping[str, Callable[[Self], None] | None], names: Collection[str]) -> None:
        """Draw the marks of the given names, in the order of names; None stands for what is drawn already."""
        for name in sorted(names):
            mark = marks[name]
            if mark is not None:
                mark(self)

    def picture(self, brightness: float) -> np.ndarray:
        """With film grain: uint8 array [SIZE, SIZE, 3], three equal channels."""
        grey = self.grey * brightness + 0.015 * self.rng.standard_normal(self.grey.shape, np.float32)
        return np.repeat((np.clip(grey, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)

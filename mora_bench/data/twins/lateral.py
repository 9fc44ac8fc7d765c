"""Draws one lateral chest film as a function of a seed and the findings it shows.

Schematic, as film.py: the patient looks to the left, with breastbone, heart, lungs and the two domes of the diaphragm
before the spine. Every finding adds a mark of its own place, size and brightness.
"""

from collections.abc import Callable

import numpy as np

from mora_bench.data.twins.canvas import Canvas, X, Y


class _Side(Canvas):
    """A canvas with the body's landmarks."""

    def __init__(self, rng: np.random.Generator, bend: float, heart: float, lift: float, flat: float):
        super().__init__(rng, 0.6)
        self.back = 0.78 + rng.normal(0, 0.012)
        self.floors = [0.8 - lift + rng.normal(0, 0.01), 0.85 + rng.normal(0, 0.01)]
        self.spine_x = self.back - 0.08 * np.sin(np.pi * Y) + bend * np.sin(7 * Y)
        lung = self.soft(((X - 0.5) / 0.27) ** 2 + ((Y - 0.48) / 0.4) ** 2, 14)
        self.grey -= 0.38 * lung * self.above(self.floors[0], flat)
        self.grey += 0.2 * np.exp(-(((X - self.spine_x) / 0.05) ** 2))
        for k in range(8):
            self.oval(self.back - 0.08 * np.sin(np.pi * (0.12 + 0.1 * k)), 0.12 + 0.1 * k, 0.04, 0.03, 0.1)
        self.line(0.24, 0.2, 0.2, 0.6, 0.018, 0.2)
        self.oval(0.38, 0.64, 0.13 * heart, 0.14 * heart, 0.3, edge=9)
        self.oval(0.5, 0.3, 0.05, 0.16, 0.1, edge=6)

    def above(self, floor: float, flat: float) -> np.ndarray:
        """1 above a dome of the diaphragm, 0 below it; `flat` takes its curve away."""
        return 1 / (1 + np.exp((Y - floor - (1 - flat) * 1.1 * (X - 0.42) ** 2) * 90))

    def behind(self, low: float, high: float) -> tuple[float, float]:
        """A place in the lung between heart and spine."""
        return 0.58 + self.rng.uniform(-0.06, 0.06), self.rng.uniform(low, high)


def _opacity(f: _Side) -> None:
    x, y = f.behind(0.38, 0.52)
    f.oval(x, y, 0.11, 0.09, 0.34, edge=2.5)


def _atelectasis(f: _Side) -> None:
    for k in range(3):
        f.line(0.46, f.floors[0] - 0.05 - 0.045 * k, 0.7, f.floors[0] - 0.02 - 0.045 * k, 0.014, 0.5)


def _calcinosis(f: _Side) -> None:
    for k in range(4):
        f.oval(0.5 + f.rng.normal(0, 0.02), 0.4 + 0.05 * k, 0.028, 0.028, 0.6)


def _granuloma(f: _Side) -> None:
    x, y = f.behind(0.56, 0.66)
    f.oval(x, y, 0.045, 0.045, 0.9, edge=12)


def _vertebrae(f: _Side) -> None:
    for k in range(6):
        y = 0.17 + 0.1 * k
        x = f.back - 0.08 * np.sin(np.pi * y)
        f.line(x - 0.08, y, x + 0.06, y, 0.02, 0.5)


def _cicatrix(f: _Side) -> None:
    for k in range(4):
        f.line(0.44 + 0.06 * k + f.rng.normal(0, 0.01), 0.12, 0.46 + 0.05 * k, 0.28, 0.014, 0.5)


def _spine(f: _Side) -> None:
    f.grey += 0.34 * np.exp(-(((X - f.spine_x) / 0.06) ** 2)) * (Y > 0.55)


def _markings(f: _Side) -> None:
    for _ in range(16):
        angle = f.rng.uniform(0, 2 * np.pi)
        f.line(0.52, 0.46, 0.52 + 0.2 * np.cos(angle), 0.46 + 0.28 * np.sin(angle), 0.01, 0.26)


def _effusion(f: _Side) -> None:
    level = f.rng.uniform(0.62, 0.68)
    fluid = 0.68 / (1 + np.exp(-(Y - level + 0.9 * (X - 0.6)) * 60)) * (X > 0.48) * (X < 0.76) * (Y < 0.9)
    f.grey = np.maximum(f.grey, fluid)


def _aorta(f: _Side) -> None:
    f.oval(0.56, 0.27, 0.07, 0.11, 0.34, edge=6)


def _density(f: _Side) -> None:
    f.oval(0.46, 0.22, 0.13, 0.1, 0.34, edge=4)


def _atherosclerosis(f: _Side) -> None:
    for angle in np.linspace(-2.8, 0.4, 9):
        f.oval(0.55 + 0.07 * np.cos(angle), 0.28 + 0.1 * np.sin(angle), 0.02, 0.02, 0.7)


def _deformity(f: _Side) -> None:
    for k in range(4):
        f.line(0.26, 0.3 + 0.08 * k, 0.36, 0.36 + 0.08 * k, 0.024, 0.45)


def _airspace(f: _Side) -> None:
    for _ in range(9):
        f.oval(0.6 + f.rng.normal(0, 0.05), 0.6 + f.rng.normal(0, 0.05), 0.045, 0.045, 0.24, edge=3)


def _catheter(f: _Side) -> None:
    f.line(0.3, 0.06, 0.46, 0.14, 0.015, 0.8)
    f.line(0.46, 0.14, 0.5, 0.55, 0.015, 0.8)


def _nodule(f: _Side) -> None:
    x, y = f.behind(0.26, 0.38)
    f.oval(x, y, 0.058, 0.058, 0.6, edge=9)


#: What each finding adds. Lung volume, heart size, diaphragm and the spine's curve are built in by `draw_lateral`.
FINDINGS: dict[str, Callable[[_Side], None] | None] = {
    "Lung": None,
    "Opacity": _opacity,
    "Cardiomegaly": None,
    "Calcinosis": _calcinosis,
    "Pulmonary Atelectasis": _atelectasis,
    "Calcified Granuloma": _granuloma,
    "Thoracic Vertebrae": _vertebrae,
    "Cicatrix": _cicatrix,
    "Spine": _spine,
    "Markings": _markings,
    "Pleural Effusion": _effusion,
    "Aorta": _aorta,
    "Diaphragm": None,
    "Density": _density,
    "Atherosclerosis": _atherosclerosis,
    "Deformity": _deformity,
    "Airspace Disease": _airspace,
    "Catheters, Indwelling": _catheter,
    "Scoliosis": None,
    "Nodule": _nodule,
}


def draw_lateral(rng: np.random.Generator, findings: frozenset[str]) -> np.ndarray:
    """Draw one film.

    Args:
        rng: the only source of randomness.
        findings: which of `FINDINGS` are visible.

    Returns:
        uint8 array [128, 128, 3], three equal channels.
    """
    side = _Side(
        rng,
        bend=rng.uniform(0.04, 0.06) if "Scoliosis" in findings else 0.0,
        heart=rng.uniform(1.3, 1.5) if "Cardiomegaly" in findings else rng.uniform(0.9, 1.05),
        lift=rng.uniform(0.12, 0.16) if "Diaphragm" in findings else 0.0,
        flat=1.0 if "Lung" in findings else 0.0,
    )
    if "Lung" in findings:
        side.oval(0.28, 0.36, 0.07, 0.2, -0.2, edge=5)
    side.add(FINDINGS, findings)
    return side.picture(rng.uniform(0.9, 1.08))

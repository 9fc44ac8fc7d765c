"""Draws one frontal chest film as a function of a seed and the findings it shows.

Schematic on purpose: lungs, heart, spine, ribs, clavicles and diaphragm as smooth grey shapes; every finding of
`FINDINGS` adds a mark of its own place, size and brightness. The patient's right is at the left of the picture.
"""

from collections.abc import Callable

import numpy as np

from mora_bench.data.twins.canvas import Canvas, X, Y


class _Film(Canvas):
    """A canvas with the body's landmarks."""

    def __init__(self, rng: np.random.Generator, curve: float, heart: float, lift: float):
        super().__init__(rng, 0.58)
        self.middle = 0.5 + rng.normal(0, 0.012)
        self.curve = curve
        self.lungs = [(self.middle - 0.20, 0.45), (self.middle + 0.20, 0.45)]
        self.floor = [0.76 - lift + rng.normal(0, 0.01), 0.79 + rng.normal(0, 0.01)]
        for side, (x, y) in enumerate(self.lungs):
            lung = self.soft(((X - x) / 0.165) ** 2 + ((Y - y) / 0.36) ** 2, 14)
            lung *= 1 / (1 + np.exp((Y - self.floor[side] - 0.9 * (X - x) ** 2) * 90))
            self.grey -= 0.4 * lung
        self.spine_x = self.middle + curve * np.sin(Y * 7)
        self.grey += 0.24 * np.exp(-(((X - self.spine_x) / 0.035) ** 2))
        for k in range(7):
            arc = Y - (0.17 + 0.085 * k) - 0.55 * (X - self.middle) ** 2
            self.grey += 0.055 * np.exp(-((arc / 0.011) ** 2))
        self.oval(self.middle + 0.06, 0.64, 0.13 * heart, 0.15 * heart**0.5, 0.28, edge=10)
        self.oval(self.middle, 0.36, 0.05, 0.2, 0.1, edge=6)
        for way in (-1, 1):
            self.line(self.middle + way * 0.05, 0.16, self.middle + way * 0.33, 0.11, 0.014, 0.12)

    def in_lung(self, low: float = 0.22, high: float = 0.65) -> tuple[float, float]:
        x, _ = self.lungs[int(self.rng.integers(2))]
        return x + self.rng.uniform(-0.08, 0.08), self.rng.uniform(low, high)

    def either(self) -> int:
        return int(self.rng.integers(2))


def _lung(f: _Film) -> None:
    """Hyperexpanded: both lungs darker."""
    for x, y in f.lungs:
        f.oval(x, y, 0.17, 0.36, -0.2, edge=5)


def _opacity(f: _Film) -> None:
    x, y = f.in_lung(0.38, 0.52)
    f.oval(x, y, 0.11, 0.09, 0.36, edge=2.5)


def _atelectasis(f: _Film) -> None:
    side = f.either()
    x = f.lungs[side][0]
    for k in range(3):
        f.line(x - 0.13, f.floor[side] - 0.04 - 0.04 * k, x + 0.11, f.floor[side] - 0.06 - 0.04 * k, 0.014, 0.5)


def _calcinosis(f: _Film) -> None:
    for way in (-1, 1):
        for k in range(3):
            f.oval(f.middle + way * f.rng.normal(0.1, 0.012), 0.37 + 0.06 * k, 0.03, 0.03, 0.6)


def _granuloma(f: _Film) -> None:
    x, y = f.in_lung(0.56, 0.68)
    f.oval(x, y, 0.048, 0.048, 0.9, edge=12)


def _thoracic_vertebrae(f: _Film) -> None:
    for k in range(6):
        y = 0.16 + 0.075 * k
        x = f.middle + f.curve * np.sin(y * 7)
        f.line(x - 0.09, y, x + 0.09, y, 0.02, 0.5)


def _cicatrix(f: _Film) -> None:
    x = f.lungs[f.either()][0]
    for k in range(4):
        f.line(x - 0.1 + 0.06 * k + f.rng.normal(0, 0.01), 0.12, x - 0.08 + 0.05 * k, 0.32, 0.014, 0.5)


def _spine(f: _Film) -> None:
    f.grey += 0.34 * np.exp(-(((X - f.spine_x) / 0.055) ** 2)) * (Y > 0.6)


def _markings(f: _Film) -> None:
    for x, y in f.lungs:
        for _ in range(12):
            angle = f.rng.uniform(0, 2 * np.pi)
            f.line(x, y, x + 0.13 * np.cos(angle), y + 0.26 * np.sin(angle), 0.01, 0.26)


def _effusion(f: _Film) -> None:
    side = f.either()
    level = f.rng.uniform(0.56, 0.64)
    x = f.lungs[side][0]
    fluid = 0.66 / (1 + np.exp(-(Y - level + 0.5 * np.abs(X - x)) * 60)) * (np.abs(X - x) < 0.17) * (Y < 0.88)
    f.grey = np.maximum(f.grey, fluid)


def _aorta(f: _Film) -> None:
    f.oval(f.middle + 0.085, 0.26, 0.075, 0.09, 0.36, edge=6)


def _density(f: _Film) -> None:
    x, _ = f.lungs[f.either()]
    f.oval(x, 0.24, 0.13, 0.12, 0.34, edge=4)


def _atherosclerosis(f: _Film) -> None:
    for angle in np.linspace(-2.4, 0.6, 9):
        f.oval(f.middle + 0.055 + 0.06 * np.cos(angle), 0.26 + 0.08 * np.sin(angle), 0.022, 0.022, 0.7)


def _deformity(f: _Film) -> None:
    way = f.rng.choice([-1, 1])
    for k in range(4):
        y = 0.3 + 0.085 * k
        f.line(f.middle + way * 0.34, y, f.middle + way * 0.46, y + 0.07, 0.025, 0.5)


def _airspace(f: _Film) -> None:
    x, _ = f.lungs[f.either()]
    for _ in range(9):
        f.oval(x + f.rng.normal(0, 0.05), 0.6 + f.rng.normal(0, 0.05), 0.045, 0.045, 0.24, edge=3)


def _catheter(f: _Film) -> None:
    way = f.rng.choice([-1, 1])
    f.line(f.middle + way * 0.36, 0.04, f.middle + way * 0.06, 0.12, 0.015, 0.8)
    f.line(f.middle + way * 0.06, 0.12, f.middle - 0.05, 0.55, 0.015, 0.8)


def _nodule(f: _Film) -> None:
    x, y = f.in_lung(0.28, 0.4)
    f.oval(x, y, 0.06, 0.06, 0.6, edge=9)


#: What each finding adds to the film. Heart size, spine curve and diaphragm height are built in from the start, by
#: `draw_film`.
FINDINGS: dict[str, Callable[[_Film], None] | None] = {
    "Lung": _lung,
    "Opacity": _opacity,
    "Cardiomegaly": None,
    "Calcinosis": _calcinosis,
    "Pulmonary Atelectasis": _atelectasis,
    "Calcified Granuloma": _granuloma,
    "Thoracic Vertebrae": _thoracic_vertebrae,
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


def draw_film(rng: np.random.Generator, findings: frozenset[str]) -> np.ndarray:
    """Draw one film.

    Args:
        rng: the only source of randomness.
        findings: which of `FINDINGS` are visible.

    Returns:
        uint8 array [128, 128, 3], three equal channels.
    """
    film = _Film(
        rng,
        curve=rng.choice([-1, 1]) * rng.uniform(0.1, 0.13) if "Scoliosis" in findings else rng.normal(0, 0.004),
        heart=rng.uniform(1.35, 1.6) if "Cardiomegaly" in findings else rng.uniform(0.9, 1.05),
        lift=rng.uniform(0.12, 0.16) if "Diaphragm" in findings else 0.0,
    )
    film.add(FINDINGS, findings)
    return film.picture(rng.uniform(0.9, 1.08))

"""Draws one colour fundus photograph as a function of a seed and the signs it shows.

The picture is schematic, not photorealistic: a retina with optic disc, macula and vessel arcades, on which every
sign of `SIGNS` leaves a mark of its own colour, shape and place. The right eye's disc lies to the right of the
picture, the left eye's to the left, as in a fundus photograph.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE = 128
_Y, _X = np.mgrid[:SIZE, :SIZE].astype(np.float32)
Colour = tuple[int, int, int]


class _Eye:
    """The canvas, its generator, and where the landmarks lie (all in pixels of a SIZE x SIZE picture)."""

    def __init__(self, rng: np.random.Generator, side: str):
        self.rng = rng
        self.nasal = 1 if side == "right" else -1
        self.centre = SIZE / 2 + rng.normal(0, 1.5, 2)
        self.radius = SIZE * rng.uniform(0.46, 0.49)
        self.disc = self.centre + np.array([self.nasal * SIZE * rng.uniform(0.20, 0.25), rng.normal(0, 2)])
        self.macula = self.centre + np.array([-self.nasal * SIZE * rng.uniform(0.08, 0.12), rng.normal(0, 2) + 2])
        self.image = self._retina()
        self.draw = ImageDraw.Draw(self.image)

    def _retina(self) -> Image.Image:
        r = np.hypot(_X - self.centre[0], _Y - self.centre[1]) / self.radius
        base = np.array([196, 88, 38], np.float32) * self.rng.uniform(0.85, 1.12, 3).astype(np.float32)
        light = (1.08 - 0.35 * r**2)[..., None]
        dark = np.exp(-((_X - self.macula[0]) ** 2 + (_Y - self.macula[1]) ** 2) / (2 * (SIZE * 0.06) ** 2))[..., None]
        return Image.fromarray(np.clip(base * light * (1 - 0.35 * dark), 0, 255).astype(np.uint8))

    def blob(self, at: np.ndarray, rx: float, ry: float, colour: Colour) -> None:
        self.draw.ellipse([at[0] - rx, at[1] - ry, at[0] + rx, at[1] + ry], fill=colour)

    def somewhere(self, low: float = 0.15, high: float = 0.8) -> np.ndarray:
        angle, r = self.rng.uniform(0, 2 * math.pi), self.radius * self.rng.uniform(low, high)
        return self.centre + r * np.array([math.cos(angle), math.sin(angle)])

    def vessels(self, narrow: bool) -> None:
        """Four arcades from the disc; arteries of a hypertensive eye are thin, bright and winding."""
        for up in (-1, 1):
            for towards, reach in ((-self.nasal, 1.45), (self.nasal, 0.5)):
                for artery in (True, False):
                    t = np.linspace(0, 1, 24)
                    bend = self.rng.uniform(0.55, 0.85) * SIZE * 0.42
                    wave = (3.5 if narrow else 0.8) * np.sin(t * self.rng.uniform(18, 26) + self.rng.uniform(0, 6))
                    px = self.disc[0] + towards * reach * SIZE * 0.42 * t + (2 if artery else -2)
                    py = self.disc[1] + up * (bend * np.sin(t * 2.2) + wave * t)
                    colour = (236, 190, 150) if artery and narrow else (168, 44, 26) if artery else (112, 22, 20)
                    width = 1 if artery and narrow else 2 if artery else 3
                    self.draw.line(list(zip(px, py, strict=True)), fill=colour, width=width, joint="curve")

    def optic_disc(self, cup: float) -> None:
        r = SIZE * 0.075
        self.blob(self.disc, r, r * 1.1, (240, 190, 110))
        self.blob(self.disc, r * cup, r * cup * 1.1, (255, 242, 205))


def _diabetes(eye: _Eye) -> None:
    for _ in range(eye.rng.integers(14, 26)):
        s = eye.rng.uniform(1.0, 2.4)
        eye.blob(eye.somewhere(), s, s, (96, 6, 10))
    nest = eye.macula + eye.rng.normal(0, 10, 2)
    for _ in range(eye.rng.integers(8, 16)):
        s = eye.rng.uniform(0.9, 2.2)
        eye.blob(nest + eye.rng.normal(0, 9, 2), s, s, (255, 236, 96))


def _degeneration(eye: _Eye) -> None:
    eye.blob(eye.macula, 11, 9, (92, 42, 30))
    for _ in range(eye.rng.integers(16, 28)):
        s = eye.rng.uniform(1.2, 2.8)
        eye.blob(eye.macula + eye.rng.normal(0, 9, 2), s, s, (250, 214, 150))


def _hypertension(eye: _Eye) -> None:
    for _ in range(eye.rng.integers(9, 15)):
        angle, r = eye.rng.uniform(0, 2 * math.pi), eye.rng.uniform(14, 30)
        way = np.array([math.cos(angle), math.sin(angle)])
        start = eye.disc + r * way
        eye.draw.line([tuple(start), tuple(start + eye.rng.uniform(5, 10) * way)], fill=(150, 0, 12), width=2)


def _myopia(eye: _Eye) -> None:
    for _ in range(22):
        a, b = eye.somewhere(0, 0.95), eye.rng.normal(0, 12, 2)
        eye.draw.line([tuple(a), tuple(a + b)], fill=(226, 128, 70), width=2)
    r = SIZE * eye.rng.uniform(0.12, 0.15)
    eye.blob(eye.disc - np.array([eye.nasal * r * 0.45, 0]), r, r * 1.15, (252, 240, 214))


def _membrane(eye: _Eye) -> None:
    eye.blob(eye.macula, 15, 12, (178, 158, 150))
    for k in range(7):
        y = eye.macula[1] - 10 + 3.3 * k
        eye.draw.line([(eye.macula[0] - 13, y), (eye.macula[0] + 13, y + eye.rng.normal(0, 3))], fill=(120, 100, 100))


def _laser(eye: _Eye) -> None:
    for k in range(26):
        angle, r = 2 * math.pi * k / 13, eye.radius * (0.66 if k < 13 else 0.84)
        eye.blob(eye.centre + r * np.array([math.cos(angle), math.sin(angle)]), 2.6, 2.6, (64, 44, 40))


def _nerve_fibres(eye: _Eye) -> None:
    up = eye.rng.choice([-1, 1])
    for _ in range(26):
        end = eye.disc + np.array([eye.rng.normal(-eye.nasal * 6, 8), up * eye.rng.uniform(14, 34)])
        eye.draw.line([tuple(eye.disc + np.array([0, up * 8])), tuple(end)], fill=(250, 250, 244), width=2)


#: What each sign draws on the finished retina. `cataract` and `glaucoma` are not marks but change the whole picture
#: or the disc, and are handled by `draw_eye`.
SIGNS: dict[str, Callable[[_Eye], None] | None] = {
    "diabetes": _diabetes,
    "glaucoma": None,
    "cataract": None,
    "degeneration": _degeneration,
    "hypertension": _hypertension,
    "myopia": _myopia,
    "membrane": _membrane,
    "laser": _laser,
    "nerve fibres": _nerve_fibres,
}


def draw_eye(rng: np.random.Generator, side: str, signs: frozenset[str]) -> np.ndarray:
    """Draw one eye.

    Args:
        rng: the only source of randomness.
        side: "left" or "right".
        signs: which of `SIGNS` are visible.

    Returns:
        uint8 array [SIZE, SIZE, 3], RGB, black outside the retina.
    """
    eye = _Eye(rng, side)
    if "myopia" in signs:
        _myopia(eye)
    eye.vessels(narrow="hypertension" in signs)
    eye.optic_disc(cup=rng.uniform(0.78, 0.9) if "glaucoma" in signs else rng.uniform(0.25, 0.45))
    for sign in sorted(signs - {"myopia"}):
        mark = SIGNS[sign]
        if mark is not None:
            mark(eye)
    image = eye.image.filter(ImageFilter.GaussianBlur(4.5 if "cataract" in signs else 0.6))
    pixels = np.asarray(image, np.float32)
    if "cataract" in signs:
        pixels = 0.45 * pixels + 0.55 * np.array([176, 160, 140], np.float32)
    pixels = pixels * rng.uniform(0.85, 1.1) + 4 * rng.standard_normal(pixels.shape, np.float32)
    pixels[np.hypot(_X - eye.centre[0], _Y - eye.centre[1]) > eye.radius] = 0
    return np.clip(pixels, 0, 255).astype(np.uint8)

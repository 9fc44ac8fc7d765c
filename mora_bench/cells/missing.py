"""How modalities, and values inside them, are taken away, as fields of a cell; `mora_bench.missing` draws them."""

from dataclasses import dataclass
from typing import Self

from mora_bench.errors import UserError
from mora_bench.files import as_floats, axis

#: The patterns with fixed names: nothing is taken; each modality in turn.
COMPLETE, EACH = "complete", "both"
UNITS = ("sample", "patient")
#: The gaps that take nothing.
NOTHING = "none"
#: The mechanism that reads a mask that somebody brought; in a cell its argument is the mask's digest.
MASK = "mask"


@dataclass(frozen=True)
class Missing:
    """How modalities are taken away, apart from which and how often.

    Attributes:
        mechanism: a registered mechanism, with its argument behind a colon: "uniform", "covariate:age".
        strength: how much it departs from chance.
        unit: what loses a modality: a sample, or a patient with all samples.
        version: of the mechanism.
        reads: digest of its inputs that the data's fingerprint does not cover, such as a file of masks; "" without.
    """

    mechanism: str = axis("uniform")
    strength: float = axis(1.0)
    unit: str = axis("sample")
    version: str = axis("1")
    reads: str = axis("")

    def __post_init__(self) -> None:
        as_floats(self)
        if self.unit not in UNITS:
            raise UserError(f"unknown unit of missingness {self.unit!r}; known: {', '.join(UNITS)}.")
        if not self.strength >= 0 or self.strength == float("inf"):
            raise UserError(f"strength of missingness {self.strength} is not a number of 0 or more.")

    @property
    def brought(self) -> str:
        """The digest of the mask that somebody brought; "" where masks are drawn."""
        kind, _, argument = self.mechanism.partition(":")
        return argument if kind == MASK else ""

    def in_words(self, graded: bool) -> str:
        """It in words, as `label:A (strength 4, by patient)`, with its strength if `graded`; "" for the uniform one."""
        if self == UNIFORM:
            return ""
        more = [f"strength {self.strength:g}"] * graded + [f"by {self.unit}"] * (self.unit != UNIFORM.unit)
        return self.mechanism + (f" ({', '.join(more)})" if more else "")

    @property
    def in_label(self) -> str:
        """It in words, with its strength if that is not 1; "" for the uniform one."""
        return self.in_words(self.strength != 1)


@dataclass(frozen=True)
class Gaps:
    """Values that are taken inside the signals of every sample.

    Attributes:
        mechanism: a registered mechanism of gaps; rate: the share of measured values that it takes, between 0 and 1.
            `NO_GAPS`, which takes none, has mechanism "none" and rate 0.
        version: of the mechanism.
    """

    mechanism: str
    rate: float
    version: str = axis("1")

    def __post_init__(self) -> None:
        as_floats(self)
        if not (0 < self.rate < 1 or (self.mechanism, self.rate) == (NOTHING, 0)):
            raise UserError(
                f"gaps {self.mechanism}@{self.rate:g}: expected a rate between 0 and 1. At 0 there are none; a whole "
                "signal is taken by --missing."
            )

    @classmethod
    def of(cls, text: str) -> Self:
        """From "block@0.5", or "none".

        Raises:
            UserError: it is not of this form.
        """
        if text == NOTHING:
            return cls(NOTHING, 0.0)
        name, _, rate = text.partition("@")
        try:
            return cls(name, float(rate))
        except ValueError:
            raise UserError(
                f"gaps {text!r} (--gaps, --test-gaps): expected none, or a name and a rate, such as block@0.5."
            ) from None

    def __str__(self) -> str:
        return f"{self.mechanism}@{self.rate:g}" if self.rate else self.mechanism


#: The mechanism of cells that name none.
UNIFORM = Missing("uniform", 1.0, "sample", "1", "")
NO_GAPS = Gaps(NOTHING, 0.0)

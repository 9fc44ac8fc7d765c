"""The header of an EDF or BDF file, read by ourselves where a package would guess, or not say.

Fields and their places: Kemp et al., A simple format for exchange of digitized polygraphic recordings, 1992.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from mora_bench.errors import UserError
from mora_bench.text import number_of

#: How a file of BioSemi begins, whose header is alike and whose samples have a byte more.
BIOSEMI = b"\xffBIOSEMI"
#: Bytes of the header's first part.
FIRST = 256
#: The fields of each signal in the second part, in order, and their bytes.
FIELDS = {
    "label": 16, "transducer": 80, "unit": 8, "physical minimum": 8, "physical maximum": 8, "digital minimum": 8,
    "digital maximum": 8, "prefiltering": 80, "samples": 8, "reserved": 32,
}  # fmt: skip
#: Those that say which digital number is which physical one.
RANGES = ("physical minimum", "physical maximum", "digital minimum", "digital maximum")
#: Bytes of a sample, by format.
SAMPLE = {"EDF": 2, "BDF": 3}


@dataclass(frozen=True)
class EdfHeader:
    """Attributes:
    format: "EDF" or "BDF".
    begin: the byte at which data records begin; records: how many the header says, -1 while it is recorded.
    duration: of a data record in seconds, as the header writes it.
    fields: of each signal, by the names of `FIELDS`, text.
    """

    format: str
    begin: int
    records: int
    duration: str
    fields: tuple[dict[str, str], ...]

    @property
    def sizes(self) -> list[int]:
        """Bytes of each signal in a data record."""
        return [SAMPLE[self.format] * int(signal["samples"]) for signal in self.fields]

    @property
    def labels(self) -> list[str]:
        """The names of the signals."""
        return [signal["label"] for signal in self.fields]

    def shortage(self, size: int) -> str:
        """What a file of `size` bytes lacks, in words; "" if nothing. One that is still recorded has at least a data
        record, as has any other."""
        needed = self.begin + self.records * sum(self.sizes)
        if self.records >= 0 and size < needed:
            return f"its header says {number_of(self.records, 'data record')}, {needed:,} bytes, and it has {size:,}"
        return "it has no whole data record" if size < self.begin + sum(self.sizes) else ""

    @property
    def annotations(self) -> str:
        """The name of the signal in which data records begin with their own time."""
        return f"{self.format} Annotations"

    def timeless(self) -> str:
        """Why no signal but annotations has a rate, in words; "" if any has."""
        sizes = [size for size, label in zip(self.sizes, self.labels, strict=True) if label != self.annotations]
        if sizes and not any(sizes):
            return "its header says 0 samples of every channel"
        if sizes and not 0 < _number(self.duration) < math.inf:
            return f"its data records last {self.duration!r} s, and rates follow from a time above 0"
        return ""

    def calibration(self, place: int) -> tuple[float, float]:
        """What is added to a signal's digital numbers, and by what the sum is multiplied, for its unit. Recorders in
        countries with a decimal comma write one.

        Raises:
            ValueError: the ranges in its fields are none.
        """
        fields = self.fields[place]
        numbers = [_number(fields[name]) for name in RANGES]
        least, greatest, digital_least, digital_greatest = numbers
        if not all(map(math.isfinite, numbers)) or least == greatest or digital_least == digital_greatest:
            said = ", ".join(f"{name} {fields[name]!r}" for name in RANGES)
            raise ValueError(
                f"channel {fields['label']!r} has the {said}; expected four numbers, no minimum that is its "
                "maximum. Correct the header, or leave the channel out (channels=)"
            )
        gain = (greatest - least) / (digital_greatest - digital_least)
        return greatest / gain - digital_greatest, gain


def edf_header(path: Path, wanted: str) -> EdfHeader:
    """The header of a file of the format `wanted`, which its name says.

    Raises:
        ValueError: it has none, or a number in it is none.
        UserError: it is of the other format.
    """
    with open(path, "rb") as file:
        first = file.read(FIRST)
        found = "BDF" if first.startswith(BIOSEMI) else "EDF" if first[:8].strip() == b"0" else ""
        if found and found != wanted:
            raise UserError(
                f"{path}: {'a BDF' if found == 'BDF' else 'an EDF'} file, of {8 * SAMPLE[found]} bits a sample, though "
                f"its name says {wanted}. Call it .{found.lower()}."
            )
        if wanted == "BDF" and not found:
            raise ValueError("it does not begin as one")
        count = int(first[252:FIRST])
        second = file.read(count * sum(FIELDS.values()))
    if len(second) < count * sum(FIELDS.values()):
        raise ValueError("its header is cut short")
    signals: list[dict[str, str]] = [{} for _ in range(count)]
    at = 0
    for name, size in FIELDS.items():
        for signal in signals:
            signal[name] = _text(second[at : at + size])
            at += size
    negative = [signal["label"] for signal in signals if int(signal["samples"]) < 0]
    if negative:
        raise ValueError(f"channel {negative[0]!r} has less than 0 samples in its header")
    return EdfHeader(wanted, int(first[184:192]), int(first[236:244]), _text(first[244:252]), tuple(signals))


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return math.nan


def _text(field: bytes) -> str:
    """A field; the format knows ASCII only, and recorders write the micro sign all the same."""
    try:
        return field.decode("utf-8").strip(" \0")
    except UnicodeDecodeError:
        return field.decode("latin-1").strip(" \0")

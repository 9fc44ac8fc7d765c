"""Signals that are waveforms of DICOM, such as an ECG of 12 leads (PS3.3, C.10.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mora_bench.data.readers.dicom_header import described
from mora_bench.data.readers.signal_files import Channel, SignalFile, places
from mora_bench.errors import UserError
from mora_bench.text import number_of

#: Samples of telephones, whose bytes are no linear scale, and which pydicom takes for one (3.0.2).
COMPANDED = ("MB", "AB")


@dataclass(frozen=True)
class DicomWaveform(SignalFile):
    """A waveform of DICOM in the units of its channels; NaN where a sample is padding.

    A multiplex group is channels of one rate. Groups of one length, rate and beginning are read side by side; of others
    the entry says which one.
    """

    def channels(self) -> Sequence[Channel]:
        data = described(self.path)
        if not data.get("WaveformSequence"):
            kind = getattr(data.get("SOPClassUID"), "name", "of no kind")
            raise UserError(f"{self.path}: no waveform in it ({kind}). Pictures are read by --image.")
        if not data.original_encoding[1]:
            raise UserError(
                f"{self.path}: its higher bytes come first, of which pydicom makes other values (3.0.2). Write it in "
                "Explicit VR Little Endian (dcmconv +te)."
            )
        groups = [_Group(number, item) for number, item in enumerate(data.WaveformSequence, 1)]
        try:
            return self._of(data, self._asked(groups))
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{self.path}: not a readable waveform of DICOM ({str(error)[:200]}).") from None

    def _asked(self, groups: Sequence[_Group]) -> list[_Group]:
        """The groups to read: that which the entry names, or all if they are alike."""
        wanted = self.entry.group
        named = [group for group in groups if wanted == str(group.number)]
        named = named or [group for group in groups if wanted == group.label]
        said = "; ".join(map(str, groups))
        if wanted and len(named) != 1:
            found = "several multiplex groups are" if named else "no multiplex group is"
            raise UserError(f"{self.path}: {found} called {wanted!r}; it has {said}. Say group= with one's number.")
        if not wanted and len({group.shape for group in groups}) > 1:
            raise UserError(
                f"{self.path}: multiplex groups of several lengths, rates or beginnings: {said}. Say group= with the "
                "name or the number of the one to read."
            )
        return named if wanted else [*groups]

    def _of(self, data: Any, groups: Sequence[_Group]) -> list[Channel]:
        """The channels of groups that the entry asks for."""
        owners = [(group, place) for group in groups for place in range(group.count)]
        names = [group.name(place) for group, place in owners]
        wanted = [(owners[place], names[place]) for place in places(names, self.entry, self.path)]
        for (group, place), name in wanted:
            if wrong := group.problem(place):
                raise UserError(f"{self.path}: channel {name!r} {wrong}.")
        values = {group.number: group.values(data) for group in dict.fromkeys(owner for (owner, _), _ in wanted)}
        return [
            Channel(name, values[group.number][:, place], group.rate, group.unit(place))
            for (group, place), name in wanted
        ]


@dataclass(frozen=True, eq=False)
class _Group:
    """A multiplex group of a file, by its number from 1; `item` is that of its sequence."""

    number: int
    item: Any

    @property
    def label(self) -> str:
        return str(self.item.get("MultiplexGroupLabel") or "").strip()

    @property
    def count(self) -> int:
        """How many channels it has.

        Raises:
            ValueError: it defines others.
        """
        count, defined = int(self.item.NumberOfWaveformChannels), len(self.item.ChannelDefinitionSequence)
        if count != defined:
            raise ValueError(f"{number_of(count, 'channel')}, of which {defined} are defined")
        return count

    @property
    def rate(self) -> float:
        return float(self.item.SamplingFrequency)

    @property
    def shape(self) -> tuple[int, float, float]:
        """Its steps, its rate in Hz, and when it begins, in seconds."""
        begins = float(self.item.get("MultiplexGroupTimeOffset") or 0) / 1000
        return int(self.item.NumberOfWaveformSamples), self.rate, begins

    def __str__(self) -> str:
        steps, rate, begins = self.shape
        label = f" {self.label!r}" if self.label else ""
        size = f"{number_of(self.count, 'channel')} of {steps:,} steps at {rate:g} Hz"
        return f"{self.number}{label} ({size} from {begins:g} s on)"

    def name(self, place: int) -> str:
        """The label of a channel, or what its source means."""
        channel = self.item.ChannelDefinitionSequence[place]
        source: Any = next(iter(channel.get("ChannelSourceSequence") or ()), {})
        return str(channel.get("ChannelLabel") or source.get("CodeMeaning") or "").strip()

    def unit(self, place: int) -> str:
        """That of a channel as UCUM writes it; "" of digital numbers."""
        channel = self.item.ChannelDefinitionSequence[place]
        units: Any = next(iter(channel.get("ChannelSensitivityUnitsSequence") or ()), {})
        return str(units.get("CodeValue") or "") if "ChannelSensitivity" in channel else ""

    def problem(self, place: int) -> str:
        """Why a channel is not read, in words; "" if it is."""
        channel = self.item.ChannelDefinitionSequence[place]
        seconds = float(channel.get("ChannelTimeSkew") or 0) + float(channel.get("ChannelOffset") or 0)
        samples = float(channel.get("ChannelSampleSkew") or 0) + seconds * self.rate
        if abs(samples) >= 1:
            return f"is {samples:g} samples beside the others, which are not moved. Leave it out (channels=)"
        if self.item.WaveformSampleInterpretation in COMPANDED:
            return f"has samples by a logarithm ({self.item.WaveformSampleInterpretation}). Leave it out (channels=)"
        return ""

    def values(self, data: Any) -> np.ndarray:
        """float64 [T, C]."""
        from pydicom.waveforms import multiplex_array

        values = data.waveform_array(self.number - 1)
        padding = self.item.get("WaveformPaddingValue")
        if padding is not None:
            stored = multiplex_array(data, self.number - 1, as_raw=True)
            values[stored == np.frombuffer(padding, stored.dtype)[0]] = np.nan
        return values

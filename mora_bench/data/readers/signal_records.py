"""Signals in the formats of clinical recorders: WFDB (PhysioNet), EDF and BDF."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mora_bench.data.modalities.units import MILLIVOLT
from mora_bench.data.readers.edf_header import EdfHeader, edf_header
from mora_bench.data.readers.signal_files import MOST, Channel, SignalFile, places
from mora_bench.errors import UserError
from mora_bench.files import hash_file
from mora_bench.text import number_of

#: Names that the header of a WFDB record may give its files: plain ones, so that none leads out of the record's folder.
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
#: The unit in a line of its header, after the gain; one that is not written is mV.
UNIT = re.compile(r"/(\S+)")
#: The format of WFDB whose samples have their higher byte first; and of a channel that is skewed, in frames of several
#: samples.
BIG_ENDIAN, SKEWED_FRAMES = "61", re.compile(r"\d+x(?!0*1:)\d+:0*[1-9]")
#: Change it when an EDF or BDF file, or a WFDB record that is not all in mV, becomes another signal, or is refused.
VERSION = 2


@dataclass(frozen=True)
class WfdbFile(SignalFile):
    """A record of WFDB, by its header (NAME.hea), in physical units; NaN where a sample is marked as missing.

    Frames that hold several samples of a channel are not averaged: `wfdb` would take the mark of a missing sample for a
    number (version 4.3.1). Nor does it bring together channels that the header says are skewed: checksums are of the
    samples as they are stored, and of frames it takes what it pads for samples.
    """

    def channels(self) -> Sequence[Channel]:
        try:
            import wfdb
        except ImportError:
            raise UserError(f"{self.path}: WFDB needs the package wfdb: pip install 'mora-bench[signals]'.") from None
        record = str(self.path.with_suffix(""))
        try:
            # It uses what pandas will drop one day.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header = wfdb.rdheader(record)
                self._check(header)
                # It fails to return whole numbers of this format, and not the values that are made of them.
                physical = BIG_ENDIAN in header.fmt
                recording = wfdb.rdrecord(
                    record, physical=physical, smooth_frames=False, return_res=64, ignore_skew=True
                )
                if physical:
                    recording.e_d_signal = recording.adc(expanded=True)
                self._check_sums(recording)
                values = recording.dac(expanded=True, return_res=64)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{self.path}: not a readable WFDB record ({str(error)[:200]}).") from None
        frames = recording.samps_per_frame
        values = [self._shifted(*parts) for parts in zip(values, recording.skew, frames, strict=True)]
        rates = [float(recording.fs) * samples for samples in frames]
        # A line of a header may end before the name.
        names = [name or "" for name in recording.sig_name]
        units = [unit or MILLIVOLT for unit in recording.units]
        return [Channel(*parts) for parts in zip(names, values, rates, units, strict=True)]

    def _shifted(self, values: np.ndarray, skew: int | None, frame: int) -> np.ndarray:
        """A channel, [T], that is stored `skew` frames late, each of `frame` samples, at its time: NaN at its end."""
        late = (skew or 0) * frame
        return np.concatenate([values[late:], np.full(min(late, len(values)), np.nan)]) if late else values

    def _check(self, header: Any) -> None:
        """Refuse what `wfdb` would read from elsewhere, or fill the memory with."""
        if hasattr(header, "seg_name"):
            raise UserError(f"{self.path}: a record of several segments. Write it as one (wfdb.rdrecord, wrsamp).")
        if not header.n_sig:
            raise UserError(
                f"{self.path}: its header says 0 signals, as that of annotations alone does. Name a record that has "
                "some, or leave the cell empty."
            )
        files = header.file_name or ()
        if len(files) != header.n_sig:
            many = number_of(header.n_sig, "signal")
            raise UserError(f"{self.path}: its header says {many} and describes {len(files)}. Download it again.")
        odd = [name for name in files if not PLAIN.fullmatch(str(name))]
        if odd:
            raise UserError(f"{self.path}: names the file {odd[0]!r}; expected files beside it, by plain names.")
        links = [name for name in files if (self.path.parent / name).is_symlink()]
        if links and self.path.parent.resolve() != (self.path.parent / links[0]).resolve().parent:
            raise UserError(f"{self.path}: {links[0]!r} is a link that leads elsewhere. Copy the file.")
        frames = max(header.samps_per_frame or [1])
        if (header.sig_len or 0) * frames * len(files) * 8 > MOST:
            raise UserError(f"{self.path}: over {MOST >> 20} MiB of values. Cut it into shorter records.")

    def _check_sums(self, recording: Any) -> None:
        """Refuse values whose sums are not those that the header holds: `wfdb` does not look at them."""
        if recording.checksum is None:
            return
        sums = zip(recording.sig_name, recording.checksum, recording.calc_checksum(expanded=True), strict=True)
        odd = [name for name, stated, actual in sums if stated is not None and (stated - actual) % (1 << 16)]
        if odd:
            raise UserError(
                f"{self.path}: the values of {odd[0]} are not those that it holds the checksum of. Download the record "
                "again, or take the checksums out of the header if they are wrong there."
            )

    def details(self) -> str:
        """Its values lie in other files than the header. All that is in mV was always read as it is now."""
        try:
            lines = self.path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        specified = [line.split() for line in lines[1:] if line.strip() and not line.startswith("#")]
        names = dict.fromkeys(fields[0] for fields in specified)
        files = [name for name in names if PLAIN.fullmatch(name) and (self.path.parent / name).is_file()]
        units = {unit for fields in specified for unit in UNIT.findall("".join(fields[2:3]))}
        other = f" wfdb {VERSION} " if units - {MILLIVOLT} else ""
        # What `wfdb` padded them with was part of them.
        other += " skewed frames " * any(SKEWED_FRAMES.match(field) for fields in specified for field in fields[1:2])
        return "".join(hash_file(self.path.parent / name) for name in files) + other + super().details()


@dataclass(frozen=True)
class EdfFile(SignalFile):
    """A file of EDF or EDF+. What lies between the data records of a discontinuous one is a gap."""

    #: As messages and `edf_header` name it.
    format: ClassVar[str] = "EDF"

    def channels(self) -> Sequence[Channel]:
        try:
            import edfio
        except ImportError:
            raise UserError(
                f"{self.path}: {self.format} needs the package edfio: pip install 'mora-bench[signals]'."
            ) from None
        try:
            header = edf_header(self.path, self.format)
            if short := header.shortage(self.path.stat().st_size):
                raise UserError(f"{self.path}: cut short: {short}. Copy it again.")
            if timeless := header.timeless():
                raise UserError(f"{self.path}: {timeless}. Correct the header.")
            # The package warns of what is refused here or means nothing, and names no file.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                recording = edfio.read_bdf(self.path) if self.format == "BDF" else edfio.read_edf(self.path)
                continuous = recording.is_continuous
            # What is not asked for is not decoded.
            labels = [signal.label for signal in recording.signals]
            measured = [place for place, label in enumerate(header.labels) if label != header.annotations]
            pairs = list(zip(recording.signals, measured, strict=True))
            wanted = [pairs[place] for place in places(labels, self.entry, self.path)]
            if empty := [signal.label for signal, place in wanted if not header.sizes[place]]:
                raise UserError(f"{self.path}: channel {empty[0]!r} has no samples. Leave it out (channels=).")
            calibrations = [self._calibration(header, place) for _, place in wanted]
            # The package puts data records side by side, whenever they were taken.
            starts = None if continuous else self._starts(header, recording.num_data_records)
            channels = []
            for (signal, place), (added, gain) in zip(wanted, calibrations, strict=True):
                values, rate = (signal.digital + added) * gain, signal.sampling_frequency
                values = values if starts is None else self._apart(values, rate, starts)
                channels.append(Channel(signal.label, values, rate, header.fields[place]["unit"]))
            return channels
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{self.path}: not a readable {self.format} file ({str(error)[:200]}).") from None

    def details(self) -> str:
        return f" {self.format.lower()} {VERSION} {super().details()}"

    def _calibration(self, header: EdfHeader, place: int) -> tuple[float, float]:
        """That of a channel, by its place among the file's signals: of one without, the package would give digital
        numbers."""
        try:
            return header.calibration(place)
        except ValueError as error:
            raise UserError(f"{self.path}: {error}.") from None

    def _starts(self, header: EdfHeader, records: int) -> np.ndarray:
        """When each data record begins, in seconds from the first one's beginning, float [records]."""
        data, sizes = self.path.read_bytes(), header.sizes
        offset = header.begin + sum(sizes[: header.labels.index(header.annotations)])
        firsts = (offset + sum(sizes) * k for k in range(records))
        # A time ends with the byte 20, or with 21 where a duration follows.
        times = np.array([float(re.split(b"[\x14\x15]", data[first : first + 32], maxsplit=1)[0]) for first in firsts])
        return times - times[0]

    def _apart(self, values: np.ndarray, rate: float, starts: np.ndarray) -> np.ndarray:
        """A signal's values, [T], where its data records were taken, NaN between them."""
        parts = values.reshape(len(starts), -1)
        first = np.round(starts * rate).astype(np.int64)
        steps = int(first.max()) + parts.shape[1]
        if (first < 0).any() or steps * 8 > MOST:
            raise UserError(
                f"{self.path}: its data records begin at {starts.min():g} to {starts.max():g} s. Cut it into shorter "
                "files, in order."
            )
        apart = np.full(steps, np.nan)
        for at, part in zip(first, parts, strict=True):
            apart[at : at + len(part)] = part
        return apart


@dataclass(frozen=True)
class BdfFile(EdfFile):
    """A file of BDF or BDF+, as those of BioSemi: EDF with 24 bits a sample."""

    format: ClassVar[str] = "BDF"

"""Encoded signals: what a frozen encoder gives of sampled series, kept in their place for backbones that read them so.

As features of pictures (`features`) they are a pure function of the encoder's weights and a signal, computed once, when
signals are decoded. Each channel is read alone. An encoder knows no gaps; beside each token stands which share of its
stretch of time was measured.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mora_bench.data.batch import Inputs
from mora_bench.data.modalities.contract import Content, Lose, Rule
from mora_bench.data.progress import shown
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from mora_bench.data.modalities.series import Series

FILES = ("encoded.bin", "shares.bin")
HEADER = "encoded.json"


@dataclass(frozen=True)
class EncodingRule(ABC):
    """How a frozen encoder reads signals.

    Attributes:
        tokens, width: T and F: it gives T features of width F of a channel.
    """

    tokens: int
    width: int

    @abstractmethod
    def key(self) -> Any:
        """A JSON value that identifies all that decides the features: weights, rate, number of tokens."""

    @abstractmethod
    def encoded(self, series: Series, sample: str) -> tuple[np.ndarray, np.ndarray]:
        """The features of a signal, float32 [C, T, F], and of each the share of its stretch that was measured, float32
        [C, T]; where that is 0 the features are zero.

        Args:
            sample: the name of the signal at the beginning of a message.

        Raises:
            UserError: the encoder cannot read it, because it is too short, say.
        """


@dataclass(frozen=True)
class EncodedInputs(Inputs):
    """Attributes:
    features: float [B, C, T, F], zero where nothing was measured; shares: float [B, C, T], the share that was measured.
    """

    features: Tensor
    shares: Tensor


@dataclass(frozen=True)
class EncodedContent(Content):
    """The features of the K of N samples that have a signal.

    Attributes:
        features: float32 [K, C, T, F]; shares: float32 [K, C, T], as in `EncodedInputs`.
        places: int64 [N], which of the K each sample is; -1 where it has no signal.
        rate: of the signals, in Hz; channels: their C names.
    """

    features: np.ndarray
    shares: np.ndarray
    places: np.ndarray
    rate: float
    channels: tuple[str, ...]

    def collate(self, rows: np.ndarray, present: np.ndarray) -> EncodedInputs:
        """The dummy is zero: nothing of it was measured."""
        import torch

        places = np.where(present, self.places[rows], -1)
        has = places >= 0
        features = np.zeros((len(rows), *self.features.shape[1:]), np.float32)
        shares = np.zeros(features.shape[:3], np.float32)
        features[has], shares[has] = self.features[places[has]], self.shares[places[has]]
        return EncodedInputs(torch.from_numpy(features), torch.from_numpy(shares))

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> Self:
        features, places = np.array(self.features), self.places[rows]
        places = places[places >= 0]
        # What was not measured stays so, as a text's length does.
        measured = (self.shares[places] > 0)[..., None]
        features[places] = 1000 * rng.normal(size=features[places].shape) * measured
        return replace(self, features=features)

    def with_gaps(self, lose: Lose | None) -> Self:
        if lose is None:
            return self
        raise UserError(f"{NO_GAPS}. Leave gaps out (--gaps, --test-gaps), or the encoder (+signal:).")

    def facts(self) -> dict[str, Any]:
        """Rate, channels, the tokens of a channel, and the share of the samples' time that is measured."""
        return {
            "rate (Hz)": self.rate,
            "channels": list(self.channels),
            "tokens a channel": self.features.shape[2],
            "measured": float(self.shares.mean()) if self.shares.size else 0.0,
        }


#: Why the values inside a signal cannot be taken once it was encoded.
NO_GAPS = "its frozen encoder reads every signal once, as it was measured, and not with gaps that a cell takes"


def unread(rules: Mapping[str, Rule], kinds: Sequence[str], gapped: bool = False) -> str:
    """Why a backbone with these rules cannot run with an encoder on a dataset of these kinds, `gapped` where gaps are
    taken, in words; "" if it can, or has no encoder."""
    if not isinstance(rules.get("signal"), EncodingRule):
        return ""
    if "signal" not in kinds:
        return "its encoder (+signal:) reads signals, and the dataset has none"
    return NO_GAPS if gapped else ""


def write(folder: Path, rule: EncodingRule, ids: Sequence[str], signals: Iterable[Series | None]) -> None:
    """Write what an encoder gives of the signals of some samples, None where one has none.

    Raises:
        UserError: the encoder cannot read one; the message names the sample.
    """
    places = np.full(len(ids), -1, np.int64)
    first: Series | None = None
    with open(folder / FILES[0], "wb") as features_file, open(folder / FILES[1], "wb") as shares_file:
        for i, series in enumerate(shown(signals, len(ids), "encoding signals")):
            if series is not None:
                places[i] = places.max(initial=-1) + 1
                first = first or series
                features, shares = rule.encoded(series, f"sample {ids[i]!r}: its signal")
                features_file.write(np.ascontiguousarray(features, np.float32).tobytes())
                shares_file.write(np.ascontiguousarray(shares, np.float32).tobytes())
    rate, channels = (first.rate, first.channels) if first else (1.0, ("none",))
    header = {"shape": [len(channels), rule.tokens, rule.width], "rate": rate, "channels": channels}
    np.save(folder / "places.npy", places, allow_pickle=False)
    (folder / HEADER).write_text(json.dumps(header), encoding="utf-8")


def opened(folder: Path) -> EncodedContent | None:
    """The content that `write` wrote, mapped into memory; None where it wrote nothing."""
    if not (folder / HEADER).is_file():
        return None
    header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
    flat = [
        np.memmap(file, np.float32, "r") if file.stat().st_size else np.zeros(0, np.float32)
        for file in (folder / name for name in FILES)
    ]
    shape = header["shape"]
    features, shares = flat[0].reshape(-1, *shape), flat[1].reshape(-1, *shape[:2])
    places = np.load(folder / "places.npy", allow_pickle=False)
    return EncodedContent(features, shares, places, header["rate"], tuple(header["channels"]))

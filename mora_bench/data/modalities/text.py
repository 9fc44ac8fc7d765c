"""Text: tokens of a WordPiece vocabulary."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mora_bench.data.batch import Inputs
from mora_bench.data.modalities.contract import Content, Modality, Rule
from mora_bench.data.modalities.unread import TRUNCATED, UNKNOWN, unknown_share
from mora_bench.data.modalities.wordpiece import lowers, open_tokenizer
from mora_bench.errors import UserError
from mora_bench.files import FileHashes, hash_file

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TextRule:
    """How a backbone wants its texts.

    Attributes:
        tokenizer: tokenizer.json or vocab.txt.
        max_text: tokens after which a text is cut, [CLS] and [SEP] included.
    """

    tokenizer: Path
    max_text: int

    def key(self) -> list:
        return [hash_file(self.tokenizer), self.max_text] + ([] if lowers(self.tokenizer) else ["cased"])


@dataclass(frozen=True)
class TextInputs(Inputs):
    """Attributes:
    ids: int64 [B, L], WordPiece ids, of any value where `mask` is False (padding).
    mask: bool [B, L].
    """

    ids: Tensor
    mask: Tensor


@dataclass(frozen=True)
class TextContent(Content):
    """Attributes:
    ids: int32, flat; sample i's tokens are `ids[bounds[i]:bounds[i + 1]]`.
    empty: token ids of the empty text, the dummy.
    truncated: share of texts that were cut; unknown: share of characters that the vocabulary lacks.
    """

    ids: np.ndarray
    bounds: np.ndarray
    empty: np.ndarray
    truncated: float
    unknown: float = 0.0

    def collate(self, rows: np.ndarray, present: np.ndarray) -> TextInputs:
        import torch

        texts = [
            self.ids[self.bounds[row] : self.bounds[row + 1]] if yes else self.empty
            for row, yes in zip(rows, present, strict=True)
        ]
        lengths = np.array([len(text) for text in texts])
        ids = np.zeros((len(rows), lengths.max()), np.int64)
        for i, text in enumerate(texts):
            ids[i, : len(text)] = text
        return TextInputs(torch.from_numpy(ids), torch.from_numpy(np.arange(ids.shape[1]) < lengths[:, None]))

    def lengths(self, rows: np.ndarray) -> np.ndarray:
        """Tokens of each row's own text, int [B]."""
        return self.bounds[rows + 1] - self.bounds[rows]

    def noised(self, rows: np.ndarray, rng: np.random.Generator) -> Self:
        ids = np.array(self.ids)
        for row in rows:
            part = slice(self.bounds[row], self.bounds[row + 1])
            ids[part] = rng.integers(5, int(ids.max()) + 1, len(ids[part]))
        return replace(self, ids=ids)

    def facts(self) -> dict[str, Any]:
        return {TRUNCATED: self.truncated} | ({UNKNOWN: self.unknown} if self.unknown else {})


#: The most characters of a text; the longest reports have some thousands.
LONGEST = 200_000


class Text(Modality):
    """A text is a str; a blank one counts as absent."""

    title = "text, as WordPiece tokens"

    def exists(self, value: Any) -> bool:
        return not isinstance(value, str) or bool(value.strip())

    def summary(self, value: Any) -> float:
        """The number of words."""
        return float(len(value.split()))

    def problem(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return f"is {type(value).__name__} ({value!r:.40}); expected a str, or None where there is no text"
        if value.strip().lower() == "nan":
            return f"is {value!r}, what pandas makes of an empty cell; write None where there is no text"
        if len(value) > LONGEST:
            return f"has {len(value)} characters; expected at most {LONGEST}: is it a whole file?"
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds half a character (a lone surrogate); read the file in its own encoding"
        return None

    def contents(self, values: Sequence[Any], hashes: FileHashes | None) -> Iterator[bytes]:
        yield json.dumps(list(values)).encode()

    def encode(self, values: Sequence[Any], ids: Sequence[str], rule: Rule | None, folder: Path, workers: int) -> None:
        if not isinstance(rule, TextRule):
            raise UserError("text: the backbone says nothing of its tokenizer; it needs a TextRule.")
        tokenizer = open_tokenizer(rule.tokenizer)
        texts = [text or "" for text in values]
        whole = tokenizer.encode_batch(texts)
        unknown = unknown_share(texts, whole, tokenizer)
        uncut = [e.ids for e in whole]
        tokenizer.enable_truncation(rule.max_text)
        cut = [e.ids for e in tokenizer.encode_batch(texts)]
        arrays = {
            "ids": np.concatenate([np.array(tokens, np.int32) for tokens in cut]),
            "bounds": np.cumsum([0, *map(len, cut)]),
            "empty": np.array(tokenizer.encode("").ids, np.int32),
            "truncated": np.array(np.mean([len(u) > len(c) for u, c in zip(uncut, cut, strict=True)])),
            "unknown": np.array(unknown),
        }
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    def open(self, folder: Path) -> TextContent:
        arrays = {n: np.load(folder / f"{n}.npy", allow_pickle=False) for n in ("ids", "bounds", "empty", "truncated")}
        # What an earlier version decoded has no share of unknown characters.
        unknown = folder / "unknown.npy"
        more = float(np.load(unknown, allow_pickle=False)) if unknown.is_file() else 0.0
        return TextContent(**arrays | {"truncated": float(arrays["truncated"]), "unknown": more})

"""What a backbone does not read of texts: ends that are cut off, and characters that its vocabulary lacks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

#: The names of the facts; a fact of nothing is not noted.
TRUNCATED, UNKNOWN = "truncated", "unknown characters"
#: What a normalizer writes in place of a character that its vocabulary lacks.
INSTEAD = "?"


def unknown_share(texts: Sequence[str], encodings: Sequence[Encoding], tokenizer: Tokenizer) -> float:
    """The share of characters, blanks aside, that are read as the unknown token, or as a "?" that no text holds.

    Args:
        encodings: of the texts, before any is cut.
    """
    token = getattr(tokenizer.model, "unk_token", None)
    number = None if token is None else tokenizer.token_to_id(token)
    unknown, count = 0, 0
    for text, encoding in zip(texts, encodings, strict=True):
        count += len(text) - sum(map(str.isspace, text))
        unknown += sum(
            end - start for k, (start, end) in zip(encoding.ids, encoding.offsets, strict=True) if k == number
        )
        if not text.isascii() and tokenizer.normalizer is not None:
            unknown += max(0, tokenizer.normalizer.normalize_str(text).count(INSTEAD) - text.count(INSTEAD))
    return unknown / max(count, 1)


def unread(name: str, facts: Mapping[str, Any]) -> list[str]:
    """What the facts of a modality say that is not read of its texts, in words; empty if all is read or none is."""
    phrases = {
        TRUNCATED: f"of the texts of {name} are longer than what is read of them: their ends are cut off",
        UNKNOWN: f"of the characters of {name} are unknown to the vocabulary, and read as one and the same",
    }
    shares = {fact: facts.get(fact) for fact in phrases}
    return [
        f"{_percent(share)} {phrases[fact]}" for fact, share in shares.items() if isinstance(share, float) and share
    ]


def say_unread(dataset: str, backbone: str, contents: Mapping[str, Mapping[str, Any]]) -> None:
    """Print on stderr what a backbone does not read of the texts of a data set, which its scores alone do not tell."""
    for name, facts in contents.items():
        for phrase in unread(name, facts):
            print(f"{dataset}, {backbone}: {phrase}.", file=sys.stderr)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "less than 1 %"

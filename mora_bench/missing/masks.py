"""Which modality a sample lacks: a pure function of data, split, pattern, rate and seed, never of the method.

`image` at rate e removes the image of a share e of the samples, `text` their text, `both` the text of e/2 and the
image of another e/2 (the protocol of missing-aware prompts, arXiv 2303.03369, and of MoRA). Masks are nested: what is
missing at 0.3 is missing at 0.5. Missing completely at random.
"""

import hashlib

import numpy as np

#: Change it when the same arguments would give another mask.
VERSION = 1
PATTERNS = ("complete", "image", "text", "both")


def rng(*names: object) -> np.random.Generator:
    """A generator that depends on `names` alone."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:16], "big"))


def mask(
    samples: int,
    pattern: str,
    rate: float,
    *,
    data: str,
    split: str,
    seed: int,
    modalities: tuple[str, ...] = ("text", "image"),
) -> np.ndarray:
    """Draw what the protocol removes.

    Args:
        samples: N.
        pattern: "complete", the name of the modality to remove, or "both" (with three modalities: each in turn).
        rate: share of samples that lose a modality, 0..1; round(rate * N) of them do, halves up.
        data, split, seed: what the draw depends on.

    Returns:
        bool [N, M], True where the modality is kept.
    """
    if pattern not in ("complete", "both", *modalities):
        raise ValueError(f"unknown missing pattern {pattern!r}; known: complete, both, {', '.join(modalities)}")
    if not 0 <= rate <= 1:
        raise ValueError(f"missing rate {rate} is outside 0..1")
    kept = np.ones((samples, len(modalities)), bool)
    if pattern == "complete":
        return kept
    order = rng("mask", VERSION, data, split, pattern, seed).permutation(samples)
    gone = order[: int(np.floor(rate * samples + 0.5))]
    if pattern == "both":
        kept[gone, np.arange(len(gone)) % len(modalities)] = False
    else:
        kept[gone, modalities.index(pattern)] = False
    return kept


def combine(natural: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Final presence, bool [N, M]: what exists and is kept. A mask never takes a sample's last modality."""
    present = natural & kept
    return np.where(present.any(1, keepdims=True), present, natural)


def pattern_index(present: np.ndarray) -> np.ndarray:
    """Number each row's pattern of presence, bool [N, M] -> int [N]: sum of 2^m over present m, minus 1."""
    return present @ (1 << np.arange(present.shape[1])) - 1


def pattern_presence(modalities: int) -> np.ndarray:
    """The inverse: bool [2^M - 1, M], row i the presence that `pattern_index` numbers i."""
    codes = np.arange(1, 1 << modalities)
    return (codes[:, None] >> np.arange(modalities)) & 1 == 1


def realised(
    natural: np.ndarray, present: np.ndarray, modalities: tuple[str, ...] = ("text", "image")
) -> dict[str, float]:
    """What a mask came to: shares of samples that are complete, that lack each modality, and that never had it."""
    shares = {"complete": float(present.all(1).mean())}
    for m, name in enumerate(modalities):
        shares[f"without_{name}"] = float((~present[:, m]).mean())
        shares[f"naturally_without_{name}"] = float((~natural[:, m]).mean())
    return shares

"""What a search for a recipe leaves: tuning/KEY.json of a results folder."""

from typing import Any

import msgspec


class Trial(msgspec.Struct, kw_only=True):
    """One setting: what of the recipe and the method it changes, and its validation score by epochs trained; None where
    it diverged, which is worse than any score."""

    number: int
    settings: dict[str, Any]
    scores: dict[str, float | None] = {}


class Ledger(msgspec.Struct, kw_only=True):
    """One search: what it was for, every trial, the best one, and what it cost.

    `epochs_trained` sums over trials; it is the same for every method of a study.
    """

    key: str
    dataset: str
    method: str
    label: str
    space: dict[str, Any]
    epochs: list[int]
    withheld_seeds: list[int]
    samples: dict[str, int]
    trials: list[Trial]
    best: Trial
    untuned: float | None
    tuned: float | None
    epochs_trained: int
    seconds: float

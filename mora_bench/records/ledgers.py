"""The ledgers of searches for a recipe: tuning/KEY.json of a results folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mora_bench.errors import UserError
from mora_bench.records.documents import Refused, plain_content, taken
from mora_bench.records.encoding import decode
from mora_bench.records.schema import SCHEMA, Struct


class Trial(Struct, kw_only=True):
    """One setting: its changes to the recipe and the method, and its validation score by epochs trained; None where
    it diverged or ended in the `error`, which is worse than any score."""

    number: int
    settings: dict[str, Any]
    scores: dict[str, float | None] = {}
    error: str = ""


class Ledger(Struct, kw_only=True):
    """One search: what it was for, every trial, the best one, and what it cost.

    `epochs_trained` sums over trials what each may train, the same for every method of a study. `digest` is that of the
    file itself, as records have it.
    """

    schema: int = SCHEMA
    digest: str = ""

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


def file_of(folder: Path, key: str) -> Path:
    """The ledger of that key in a results folder."""
    return folder / "tuning" / f"{key}.json"


def read(folder: Path, key: str) -> Ledger | Refused | None:
    """The ledger of that key; None if there is none."""
    file = file_of(folder, key)
    if not taken(file):
        return None
    try:
        ledger = decode(plain_content(file), Ledger)
    except (UserError, ValueError) as error:
        return Refused(file, f"{str(error).removeprefix(f'{file}: ').rstrip('.')}; `mora_bench tune` searches again")
    if not ledger.digest:
        return Refused(file, "its digest is gone: it was edited; `mora_bench tune` searches again")
    return ledger if ledger.key == key else Refused(file, f"the ledger of another search, {ledger.key}; remove it")


def refused(folder: Path) -> list[Refused]:
    """The ledgers of a results folder that are not what was written."""
    keys = sorted(file.stem for file in (folder / "tuning").glob("*.json"))
    return [ledger for key in keys if isinstance(ledger := read(folder, key), Refused)]

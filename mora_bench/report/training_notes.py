"""The training of a table's cells in words: which were cut short or ended early, and in which precision."""

from collections.abc import Iterable

import pandas as pd

from mora_bench.records.schema import FIRST_LOOKS
from mora_bench.report.row import Row
from mora_bench.text import number_of

#: Marks a row some of whose cells were cut short, and one half of whose cells or more ended early.
CUT_SHORT, EARLY = "†", "‡"


def early(row: Row) -> bool:
    """Whether half of a row's trainings or more ended early: one alone says little."""
    return 0 < row.seeds <= 2 * row.ended_early


def marks_of(row: Row) -> str:
    """The marks of a row's training, with a blank before them, or ""."""
    marks = CUT_SHORT * bool(row.cut_short) + EARLY * early(row)
    return f" {marks}" if marks else ""


def ended_early(rows: Iterable[Row]) -> str:
    """The meaning of the mark of rows that ended early, if any has it."""
    if not any(map(early, rows)):
        return ""
    return (
        f" {EARLY}: in half or more of its trainings the best validation is one of the first {FIRST_LOOKS}, perhaps by "
        "chance; a larger --recipe.patience may help."
    )


def cut_short(group: pd.DataFrame) -> str:
    """The meaning of the mark of rows that were cut short, and the number of such cells."""
    trained = group[group["cut_short"].notna()]
    short = trained[trained["cut_short"].astype(bool)]
    if short.empty:
        return ""
    caps = " or ".join(f"{epochs:g}" for epochs in sorted(set(short["recipe.epochs"])))
    return (
        f" {CUT_SHORT}: training was cut short: the best validation lies in the last fifth of at most {caps} epochs, "
        f"in {len(short)} of {number_of(len(trained))}."
    )


def in_precision(networks: pd.DataFrame) -> str:
    """The precisions of networks that were trained in another one than fp32."""
    if "recipe.precision" not in networks:
        return ""
    precisions = sorted(set(networks["recipe.precision"].dropna()))
    return f", trained in {' or '.join(precisions)}" * (precisions != ["fp32"])

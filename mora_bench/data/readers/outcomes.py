"""The targets of a table of one's own: labels, grades, or the time until something happens."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mora_bench.data.readers import joined
from mora_bench.data.readers.event_times import event_times
from mora_bench.data.readers.own_columns import Columns
from mora_bench.data.readers.targets import REFUSE, Policy, Targets, targets
from mora_bench.data.readers.thousands import refuse_thousands
from mora_bench.errors import UserError


def outcomes(frame: pd.DataFrame, columns: Columns, file: Path) -> Targets:
    """The targets of the rows.

    Raises:
        UserError: as `targets` and `event_times` do.
    """
    if columns.event_times is None:
        return targets(frame, columns.labels, file, columns.policy)
    odd = [name for name, is_set in _of_labels(columns.policy).items() if is_set]
    if odd:
        raise UserError(f"{file}: {odd[0]} is for labels, and --time is given. Leave one of them out.")
    between = joined.separators(file, columns.joins(file), [columns.time])[columns.time]
    # Rows are those of the first table, wherever a column comes from.
    refuse_thousands(frame[columns.time], file, between)
    return event_times(frame, columns.event_times, file, columns.policy, commas=between != ",")


def _of_labels(policy: Policy) -> dict[str, bool]:
    """Options that mean nothing for times, and whether each is set."""
    return {
        "--grades": bool(policy.grades),
        "--separator": bool(policy.separator),
        "--none-label": bool(policy.none_label),
        "--exclusive": policy.exclusive,
        "--uncertain": policy.uncertain != REFUSE,
        "--empty-label negative": policy.empty == "negative",
    }

"""Columns of numbers in tables, with decimal points or, where no comma separates fields, commas."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mora_bench.data.readers.measured import WITH_COMMA


def decimals(plain: pd.Series, commas: bool) -> np.ndarray:
    """The numbers of N cells without blanks around them, float64 [N], NaN where a cell is none.

    Args:
        commas: whether 7,5 may be a number, because no comma separates fields.
    """
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, copy=True)
    if commas:
        odd = np.isnan(numbers)
        odd[odd] = plain[odd].str.fullmatch(WITH_COMMA).to_numpy(bool)
        numbers[odd] = pd.to_numeric(plain[odd].str.replace(",", "."))
    return numbers

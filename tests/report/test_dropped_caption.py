"""A caption says what is left out of steps beyond the mask."""

import pandas as pd
import pytest

from mora_bench.report.caption import _dropped


@pytest.mark.parametrize(
    ("values", "phrase"),
    [
        ([0.0, 0.0], ""),
        ([0.3, 0.3], "; modality dropout 0.3 beyond the training mask"),
        ([0.0, 0.3, None], "; modality dropout 0.3 beyond the training mask where a row says so"),
    ],
)
def test_it_names_the_probability(values, phrase):
    assert _dropped(pd.DataFrame({"recipe.modality_dropout": values})) == phrase
    assert _dropped(pd.DataFrame({"recipe.lr": [0.1]})) == ""

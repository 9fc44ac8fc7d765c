"""What a predictor is shown: changed in place, it reaches neither the table nor what others are shown."""

import numpy as np
import pytest

from mora_bench.data.modalities.series import Series
from mora_bench.data.shown import shown
from mora_bench.data.table import Column, Table

ROWS, EVERYTHING = np.arange(2), np.ones((2, 5), bool)


class Lying:
    """A picture that lies in memory already."""

    def __init__(self):
        self.pixels = np.full((2, 2, 3), 7, np.uint8)

    def read(self):
        return self.pixels

    def fingerprint(self):
        return self.pixels.tobytes().hex()


@pytest.fixture
def table():
    values = {
        "note": ("text", ("one", "two")),
        "cells": ("table", ({"age": 60.0, "crp": None}, {"age": 70.0, "crp": 1.0})),
        "ecg": ("signal", tuple(Series(np.array([[1.0], [np.nan]]), 1.0, ("a",)) for _ in ROWS)),
        "film": ("image", ((Lying(),), (Lying(),))),
        "vector": ("vector", tuple(np.array([1.0, 2.0], np.float32) for _ in ROWS)),
    }
    columns = {name: Column(*column) for name, column in values.items()}
    return Table("toy", "twin", ("sick",), ("a", "b"), ("a", "b"), columns, np.array([[1], [0]], np.uint8))


def test_what_is_changed_in_place_is_the_predictors_own(table):
    before = table.fingerprint()
    features = {"note": np.ones((2, 3), np.float32)}
    first = shown(table, ROWS, EVERYTHING, targets=True, frozen=features)
    first.values["cells"][0]["crp"] = 0.0
    series = first.values["ecg"][0].read()
    series.values[np.isnan(series.values)] = 0.0
    first.values["film"][0][0].read()[:] = 0
    first.targets[:] = 0
    first.present[:] = False
    assert table.fingerprint() == before
    assert table.present.all()
    again = shown(table, ROWS, EVERYTHING, targets=True, frozen=features)
    assert again.values["cells"][0] == {"age": 60.0, "crp": None}
    assert np.isnan(again.values["ecg"][0].read().values[1, 0])
    assert again.values["film"][0][0].read()[0, 0].tolist() == [7, 7, 7]
    assert again.targets.tolist() == [[1], [0]]


def test_vectors_and_features_of_a_backbone_are_read_only(table):
    features = {"note": np.ones((2, 3), np.float32)}
    samples = shown(table, ROWS, EVERYTHING, targets=True, frozen=features)
    for array in (samples.values["vector"][0], samples.frozen["note"][1]):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    # What others hold stays as it was, and may be written to by its owner.
    assert features["note"].flags.writeable
    assert table.modalities["vector"].values[0].flags.writeable

"""What the shipped nets pool holds what their layers hold, and the script that measures it."""

import all_layers
import numpy as np
import pytest
from all_layers import TEXT, features, probe

from mora_bench.backbones.load import load, resolve
from mora_bench.data import cache
from mora_bench.data.twins import tables as twins

TRAINED, VALIDATED, TESTED = range(500), range(500, 620), range(620, 900)


@pytest.fixture(scope="module")
def chest(tmp_path_factory):
    """The CXR twin's first samples, decoded for either net."""
    table = twins.cxr(range(900))
    folder = tmp_path_factory.mktemp("cache")
    return lambda spec: cache.prepare(table, "first 900", spec.rules, folder, 1)


@pytest.mark.parametrize("name", ["small", "small-dual"])
def test_a_probe_of_what_is_pooled_reads_nine_tenths_of_what_one_of_all_layers_does(name, chest, monkeypatch):
    monkeypatch.setattr(all_layers, "STRENGTHS", (100.0,))
    spec = resolve(name, TEXT)
    samples = chest(spec)
    readouts = features(load(spec, samples.table.shape, TEXT, 0), samples, np.arange(900))
    targets = samples.table.targets
    rows = [np.array(side) for side in (TRAINED, VALIDATED, TESTED)]
    scores = {part: probe([(values[at], targets[at]) for at in rows]) for part, values in readouts.items()}
    most = max(scores["embeddings"]["f1_macro_tuned"], scores["all"]["f1_macro_tuned"])
    assert scores["pooled"]["f1_macro_tuned"] >= 0.9 * most
    assert most > 60

"""What is said of new records while they are predicted."""

import numpy as np
from scipy.io import wavfile

from mora_bench.cli.new_predictions import PredictedRecords
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import own_table
from mora_bench.data.readers.picture_paths import Views
from mora_bench.training.inference import Applied


def test_signals_of_another_rate_are_said_once(tmp_path):
    for name, rate in (("a", 100), ("b", 100), ("n", 200), ("m", 50)):
        wavfile.write(tmp_path / f"{name}.wav", rate, np.tile([100, 200], rate).astype(np.int16))
    (tmp_path / "t.csv").write_text("id,ill\na,0\nb,1\n")
    wards = own_table("t", "t.csv", labels=["ill"], signal=["cough={id}.wav"], id="id")
    trained = wards.read(tmp_path)
    (tmp_path / "new.csv").write_text("id\nn\na\nm\n")

    def apply(table):
        series = [value.read() for value in table.modalities["cough"].values]
        assert {(len(one.values), one.rate) for one in series} == {(200, 100)}
        return Applied(np.zeros((len(table), 2, 1)), 0.1)

    predicted = PredictedRecords(None, np.ones(2, int), apply)
    records = new_records(trained, tmp_path / "new.csv", Views(), at_once=2, made=wards.made, id="id")
    assert [len(part.table) for part in predicted.parts(records)] == [2, 1]
    files = f"{tmp_path}/n.wav (200 for 100 Hz), {tmp_path}/m.wav (50 for 100 Hz)"
    said = f"signals of another rate than was trained on, brought to that one as rate= does: {files}"
    assert predicted.of_other_rates() == [said]

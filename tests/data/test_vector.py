"""Vectors: features that somebody took, as a modality."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit

from mora_bench.cli import main as cli
from mora_bench.data.modalities.projected import Projected
from mora_bench.data.modalities.vector import Vector, VectorInputs
from mora_bench.data.readers.new_records import new_records
from mora_bench.data.readers.own import own_table
from mora_bench.data.readers.picture_paths import Views
from mora_bench.errors import UserError
from mora_bench.records.store import Store

WIDTH, N = 5, 60


@pytest.fixture
def clinic(tmp_path):
    """60 visits: a text, and a vector whose first number says the label; every fifth has none. The same as files."""
    rng = np.random.default_rng(0)
    ill = rng.integers(0, 2, N)
    vectors = rng.normal(size=(N, WIDTH)).astype(np.float32)
    vectors[:, 0] += 4 * ill
    frame = pd.DataFrame({"id": [f"v{i}" for i in range(N)], "ill": ill, "note": ["seen", "seen again"] * (N // 2)})
    for k in range(WIDTH):
        frame[f"e_{k}"] = [f"{v:.6f}" if i % 5 else "" for i, v in enumerate(vectors[:, k])]
    frame.to_csv(tmp_path / "visits.csv", index=False)
    (tmp_path / "vectors").mkdir()
    for i, name in enumerate(frame["id"]):
        if i % 5:
            np.save(tmp_path / "vectors" / f"{name}.npy", np.round(vectors[i].astype(np.float64), 6))
    return tmp_path


def dataset(**more):
    options = {"labels": ["ill"], "text": ["note"], "vector": ["embedding=e_*"], "id": "id"}
    return own_table("visits", "visits.csv", **(options | more))


def test_columns_and_files_give_the_same_vectors(clinic):
    of_columns = dataset().read(clinic).modalities["embedding"]
    of_files = dataset(vector=["embedding={id}.npy"], pictures="vectors", absent_pictures="allow").read(clinic)
    assert of_columns.kind == of_files.modalities["embedding"].kind == "vector"
    for first, second in zip(of_columns.values, of_files.modalities["embedding"].values, strict=True):
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_array_equal(first, second)
    assert sum(value is None for value in of_columns.values) == N // 5


def test_a_joined_table_may_hold_them(clinic):
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    parts = [name for name in frame if name.startswith("e_")]
    frame[["id", *parts]].to_parquet(clinic / "embeddings.parquet")
    before = dataset().read(clinic).fingerprint()
    frame.drop(columns=parts).to_csv(clinic / "visits.csv", index=False)
    assert dataset(join=["embeddings.parquet:id"]).read(clinic).fingerprint() == before


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "is empty, where the rest of its vector is not in row 3"),
        ("x", "is part of a vector, and no finite number"),
    ],
)
def test_a_vector_is_whole_or_absent(clinic, cell, message):
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    frame.loc[1, "e_2"] = cell
    frame.to_csv(clinic / "visits.csv", index=False)
    with pytest.raises(UserError, match=f"column 'e_2' {message}"):
        dataset().read(clinic)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("embedding", "expected NAME=COLUMNS with"),
        ("=e_*", "expected NAME=COLUMNS with"),
        ("embedding=x_*", "no column 'x_\\*', which --vector embedding=x_\\* asks for"),
        ("embedding=i*", "column 'id' names somebody"),
    ],
)
def test_what_asks_for_no_vector_is_refused(clinic, entry, message):
    with pytest.raises(UserError, match=message):
        dataset(vector=[entry]).read(clinic)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}], object), "no array that NumPy reads without pickle"),
        (np.zeros((2, 3)), r"is float64 \[2, 3\]; expected a NumPy array of numbers \[F\]"),
        (np.array([1, np.nan]), "holds NaN"),
        (np.array(["a"]), "expected a NumPy array of numbers"),
    ],
)
def test_a_file_that_holds_no_vector_is_named(clinic, array, message):
    np.save(clinic / "vectors" / "v1.npy", array, allow_pickle=True)
    with pytest.raises(UserError, match=rf"v1\.npy: .*{message}|v1\.npy: {message}"):
        dataset(vector=["embedding={id}.npy"], pictures="vectors", absent_pictures="allow").read(clinic)


def test_vectors_of_unlike_widths_are_refused(tmp_path):
    with pytest.raises(UserError, match="sample 'b': a vector of 2 numbers, and 3 in sample 'a'"):
        Vector().encode([np.zeros(3), np.zeros(2)], ["a", "b"], None, tmp_path, 1)


def test_content_that_is_hidden_is_not_read(tmp_path):
    Vector().encode([np.array([1.0, 2.0]), None, np.array([3.0, 4.0])], ["a", "b", "c"], None, tmp_path, 1)
    content = Vector().open(tmp_path)
    inputs = content.collate(np.array([0, 2, 1]), np.array([True, False, False]))
    assert inputs.vectors.tolist() == [[1.0, 2.0], [0.0, 0.0], [0.0, 0.0]]
    assert inputs.present.tolist() == [True, False, False]


def test_the_token_is_scaled_by_training_rows_and_absent_is_the_bias():
    vectors = np.array([[0.0, 5.0], [2.0, 5.0]], np.float32)
    embedder = Projected(vectors, 3)
    inputs = VectorInputs(torch.tensor([[2.0, 5.0], [0.0, 0.0]]), torch.tensor([True, False]))
    token, mask = embedder(inputs)
    # (2 - 1) / 1 and, where all are alike, 5 - 5.
    expected = embedder.project(torch.tensor([[1.0, 0.0]]))
    torch.testing.assert_close(token[0], expected)
    torch.testing.assert_close(token[1, 0], embedder.project.bias)
    assert mask.all()


def test_new_records_have_vectors_of_the_same_width(clinic):
    visits = dataset()
    table = visits.read(clinic)
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    frame.drop(columns="ill")[:3].to_csv(clinic / "new.csv", index=False)
    (part,) = new_records(table, clinic / "new.csv", Views(), made=visits.made)
    np.testing.assert_array_equal(part.table.modalities["embedding"].values[1], table.modalities["embedding"].values[1])
    frame.drop(columns=["ill", "e_4"])[:3].to_csv(clinic / "new.csv", index=False)
    with pytest.raises(UserError, match="a vector of 4 numbers; 5 were trained on"):
        list(new_records(table, clinic / "new.csv", Views(), made=visits.made))


def test_new_vectors_in_files_that_a_column_of_their_name_says(clinic):
    (clinic / "visits.csv").write_text("embedding,ill\nv1,0\nv2,1\n")
    for number in (1, 2):
        np.save(clinic / f"v{number}.npy", np.full(3, number, np.float32))
    visits = own_table("visits", "visits.csv", labels=["ill"], vector=["embedding={embedding}.npy"])
    (part,) = new_records(visits.read(clinic), clinic / "visits.csv", Views(), made=visits.made)
    assert [value.tolist() for value in part.table.modalities["embedding"].values] == [[1.0] * 3, [2.0] * 3]


def test_from_a_command_to_predictions(clinic, tmp_path, folder, as_a_new_user, capsys):
    out = tmp_path / "out"
    words = [
        "data",
        str(clinic / "visits.csv"),
        "--text",
        "note",
        "--vector",
        "embedding=e_*",
        "--labels",
        "ill",
        "--id",
        "id",
    ]
    words += [
        "--backbone",
        str(folder),
        "--methods",
        "head",
        "mora",
        "--floors",
        "late-fusion",
        "frozen",
        "--seeds",
        "0",
    ]
    words += [
        "--recipe.epochs",
        "2",
        "--recipe.max-text",
        "32",
        "--engine",
        "inline",
        "--out",
        str(out),
        "--save-adapters",
    ]
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert "embedding" in printed
    key = next(line.split()[1] for line in plan(words, capsys) if " mora " in line)
    frame = pd.read_csv(clinic / "visits.csv", dtype=str, keep_default_na=False)
    frame.drop(columns="ill").to_csv(clinic / "new.csv", index=False)
    more = ["--data-root", str(clinic), "--plugin", str(out / "visits.py"), "--out", str(tmp_path / "p.csv")]
    assert cli.main(["predict", str(out), key, str(clinic / "new.csv"), *more]) == 0
    predicted = pd.read_csv(tmp_path / "p.csv").set_index("id")
    store = Store(out)
    predictions = store.predictions(store.record_of(key).cell)
    assert {*predicted["had"]} == {"note", "note+embedding"}
    for row, logits in zip(predictions["test_rows"], predictions["test_logits"], strict=True):
        prediction = predicted.loc[frame["id"][row]]
        # Patterns are numbered from the text alone, 0, to both, 2.
        pattern = 2 if prediction["had"] == "note+embedding" else 0
        assert prediction["ill"] == pytest.approx(expit(logits[pattern].astype(float))[0], abs=2e-6)


def plan(words, capsys):
    capsys.readouterr()
    assert cli.main([*words, "--plan"]) == 0
    return capsys.readouterr().out.splitlines()

"""What a frozen backbone gives of each modality alone: by hand, computed once, and read by the floor of that name."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import make_floor

from mora_bench import campaign
from mora_bench.backbones import load as backbones
from mora_bench.backbones.contract import At
from mora_bench.data import cache
from mora_bench.data.table import Column
from mora_bench.data.twins import tables as twins
from mora_bench.records.store import Store
from mora_bench.report.compare import compare
from mora_bench.training import frozen, predictors
from mora_bench.training.masking import decoded

UNTRAINED = "fused:untrained,untrained"
CPU = torch.device("cpu")


def read(table, name, folder):
    """A backbone, samples decoded for it, and its features of them."""
    spec = backbones.resolve(str(name), 64)
    data = cache.prepare(table, "f", spec.rules, folder)
    backbone = backbones.load(spec, table.shape, 64, 0)
    return backbone, data, frozen.computed(backbone, data, CPU)


def test_features_are_the_mean_of_a_modalitys_tokens_with_that_one_alone_in_the_network(folder, tmp_path):
    backbone, data, features = read(twins.odir(range(6)), folder, tmp_path)
    for m, name in enumerate(("text", "image")):
        alone = np.arange(2)[None] == m
        for row in range(6):
            batch = data.batch(np.array([row]), alone)
            (tokens,) = backbone.join(backbone.embed(batch), batch.present)
            for k in range(backbone.depth):
                tokens = backbone.block(At(0, k), tokens)
            x = backbone.vilt.layernorm(tokens.x[0][tokens.modality[0] == m]).mean(0)
            np.testing.assert_array_equal(features[name][row], x.detach().numpy())


def test_of_fused_nets_words_are_read_by_bert_and_pictures_before_the_projection(tmp_path):
    backbone, data, features = read(twins.odir(range(5)), UNTRAINED, tmp_path)
    text, pictures = data.contents
    for row in range(5):
        ids = torch.from_numpy(np.array(text.ids[text.bounds[row] : text.bounds[row + 1]]).astype(np.int64))[None]
        with torch.no_grad():
            states = backbone.bert(input_ids=ids).last_hidden_state[0]
        np.testing.assert_allclose(features["text"][row], states.mean(0).numpy(), atol=1e-5)
        grid = pictures.features[pictures.bounds[row] : pictures.bounds[row + 1]]
        np.testing.assert_allclose(features["image"][row], grid.reshape(-1, grid.shape[-1]).mean(0), atol=1e-6)


@pytest.mark.parametrize("name", ["small-dual", "small", "pair:small-dual,untrained"])
def test_what_another_modality_or_another_sample_holds_changes_no_bit(name, tmp_path):
    table = twins.odir(range(6))
    texts = table.modalities["text"]
    other = dataclasses.replace(table, modalities=table.modalities | {"text": Column("text", texts.values[::-1])})
    _, _, first = read(table, name, tmp_path / "a")
    _, _, again = read(other, name, tmp_path / "b")
    np.testing.assert_array_equal(first["image"], again["image"])
    np.testing.assert_array_equal(first["text"], again["text"][::-1])
    assert not np.array_equal(first["text"], again["text"])


def test_what_a_sample_lacks_and_what_no_backbone_embeds_has_no_features(folder, tmp_path):
    table = twins.odir(range(4))
    values = (None, *table.modalities["text"].values[1:])
    lab = Column("table", tuple({"age": float(k)} for k in range(4)))
    columns = {"text": Column("text", values), "image": Column("image", (None,) * 4), "lab": lab}
    _, _, features = read(dataclasses.replace(table, modalities=columns), folder, tmp_path)
    assert list(features) == ["text"]
    assert not features["text"][0].any()
    assert features["text"][1:].any(1).all()


def test_a_plan_has_a_cell_for_each_backbone_and_length_of_texts_and_no_other_axis(runtime, folder):
    axes = {"impute": ("dummy", "mean"), "lrs": (1e-3, 1e-2), "ranks": (1, 2)}
    grid = campaign.preset("quick", methods=("mora",), backbone=("small", str(folder)), seeds=(0,), **axes)
    longer = dataclasses.replace(grid, recipe=dataclasses.replace(grid.recipe, max_text=grid.recipe.max_text + 1))
    cells = [[c for c in campaign.plan(g, runtime).cells if c.method == "frozen"] for g in (grid, longer)]
    assert [(c.dataset, c.backbone, c.max_text) for c in cells[0]] == [
        (data, net, grid.recipe.max_text) for data in grid.datasets for net in ("small", str(folder))
    ]
    assert all(c.recipe is None and c.impute == "none" and c.weights for c in cells[0])
    assert len({c.key for c in cells[0] + cells[1]}) == 2 * len(cells[0])
    alone = dataclasses.replace(grid, methods=("frozen",), backbone=("small",), datasets=("odir",))
    (only,) = campaign.plan(alone, runtime).cells
    assert only in cells[0]


def test_features_are_computed_once_for_all_seeds_and_anew_where_a_file_was_changed(runtime, folder, tmp_path, capsys):
    runtime = dataclasses.replace(runtime, cache=tmp_path / "cache")
    calls = []

    def counted(backbone, data, device, compute=frozen.computed):
        calls.append(len(data))
        return compute(backbone, data, device)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frozen, "computed", counted)
        first, second = (predictors.frozen_of(make_floor(runtime, folder, seed=seed), runtime) for seed in (0, 1))
        assert calls == [60]
        np.testing.assert_array_equal(first["train"]["image"], second["test"]["image"])
        *_, where = decoded(make_floor(runtime, folder), runtime)
        assert cache.damaged(where) == []
        (where / "1.npy").write_bytes(bytes((where / "1.npy").stat().st_size))
        assert cache.damaged(where) == [f"{where / '1.npy'} is not what was written"]
        again = predictors.frozen_of(make_floor(runtime, folder), runtime)
        assert calls == [60, 60]
        assert "1.npy is not what was written; computed anew" in capsys.readouterr().err
        np.testing.assert_array_equal(first["train"]["image"], again["train"]["image"])
        # Weights that are drawn are other ones for each seed.
        predictors.frozen_of(make_floor(runtime, "small-untrained", seed=1), runtime)
        predictors.frozen_of(make_floor(runtime, "small-untrained", seed=2), runtime)
        assert calls == [60] * 4


def test_it_stands_in_the_tables_of_its_backbone_beside_the_other_floors(runtime, folder, tmp_path):
    nets = ("small", str(folder))
    grid = campaign.preset("quick", methods=("head",), floors=("frozen", "prior"), backbone=nets, datasets=("odir",))
    recipe = dataclasses.replace(grid.recipe, epochs=1, max_text=64)
    grid = dataclasses.replace(grid, recipe=recipe, seeds=(0,), pool=20)
    cells = campaign.plan(grid, runtime).cells
    assert all(record.status == "done" for _, record in campaign.run(cells, runtime, "inline"))
    tables = compare(campaign.report(runtime.out).results.cells)
    assert len(tables) == 2
    for table in tables:
        (section,) = table.sections
        assert [(row.method, row.network) for row in section.rows] == [
            ("prior", False), ("frozen", False), ("head", True),
        ]  # fmt: skip
        assert any("no network is trained for it" in note for note in table.notes)
    scores = {s.key: s.test["complete"].scores["f1_macro"] for s in Store(runtime.out).scores()[0]}
    assert len({scores[c.key] for c in cells if c.method == "frozen"}) == 2

"""The lines of a plan tell its cells apart."""

from dataclasses import replace

from mora_bench.cells.recipe import Recipe
from mora_bench.cli.grid import distinctions
from mora_bench.plan.expand import expand
from mora_bench.plan.grid import Grid


def test_lines_name_the_backbone_and_what_differs_of_the_recipe(runtime):
    grid = Grid(datasets=("odir",), methods=("head",), floors=("prior",), seeds=(0,), recipe=Recipe(epochs=3))
    one = expand(grid, grid, runtime).cells
    assert distinctions(one) == ["", ""]
    nets = expand(replace(grid, backbone=("small", "small-untrained")), grid, runtime).cells
    assert dict(zip([(c.method, c.backbone) for c in nets], distinctions(nets), strict=True)) == {
        ("head", "small"): "  small",
        ("head", "small-untrained"): "  small-untrained",
        ("prior", "none"): "",
    }
    parts = ({}, {"recipe": {"modality_dropout": 0.3}}, {"recipe": {"lr": 0.1}})
    dropped = expand(replace(grid, parts=parts), grid, runtime).cells
    assert sorted(distinctions(dropped)) == ["", "", "", "  modality_dropout 0.3"]
    pairs = zip(dropped, distinctions(dropped), strict=True)
    assert len({f"{cell.label} {cell.recipe and cell.recipe.lr}{more}" for cell, more in pairs}) == len(dropped)

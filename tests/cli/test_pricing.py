"""The table of what a grid holds."""

from mora_bench.cells.cell import NONE
from mora_bench.cli.pricing import OF_ALL, summary
from mora_bench.plan.count import CellCount


def row(dataset: str, backbone: str, method: str, cells: int) -> CellCount:
    return CellCount(dataset, backbone, method, {OF_ALL: cells})


def cells_of(text: str) -> dict[str, list[str]]:
    """The cells of each line, by its first one."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line]
    return {line[0]: line[1:] for line in lines}


def test_cells_stand_under_their_own_dataset_where_no_network_runs_on_it():
    rows = [row("odir", "small", "head", 3), row("odir", NONE, "prior", 2), row("lab", NONE, "prior", 5)]
    table = cells_of(summary(rows, lambda row: 0.0))
    assert table[""][:2] == ["odir on small", "lab"]
    assert table["head"][:2] == ["3", "0"]
    assert table["prior"][:2] == ["2", "5"]

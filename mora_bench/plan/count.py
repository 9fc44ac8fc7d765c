"""How many cells a grid has, by dataset, backbone and competitor: products of its axes, none of them built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from mora_bench import registry
from mora_bench.cells.cell import NONE
from mora_bench.cells.runtime import Runtime
from mora_bench.plan.data_axes import befores_of, gaps_of, masked_points
from mora_bench.plan.expand import axes_of, check, check_fit, competitors, imputers_of, masked
from mora_bench.plan.floors import competing, read_by, unreadable
from mora_bench.plan.grid import Grid


@dataclass(frozen=True)
class CellCount:
    """The cells of one competitor on one dataset and backbone, or on none.

    Attributes:
        values: the number of values of each axis that gives it cells of their own; the cells are their product.
    """

    dataset: str
    backbone: str
    method: str
    values: dict[str, int]

    @property
    def cells(self) -> int:
        return prod(self.values.values())

    @property
    def network(self) -> bool:
        return self.backbone != NONE


def count(grid: Grid, runtime: Runtime) -> list[CellCount]:
    """The cells of a grid without parts: as many as `expand` makes of it.

    Raises:
        UserError: as `expand`.
    """
    return [counted for counted in _counted(grid, runtime) if counted.cells]


def _counted(grid: Grid, runtime: Runtime) -> Iterator[CellCount]:
    from mora_bench.data import datasets

    methods, predictors = competitors(grid)
    specs = check(grid, methods, predictors)
    seeds = len(set(grid.seeds))
    for dataset in grid.datasets:
        table = datasets.table_of(dataset, runtime)
        check_fit(specs if methods else [], dataset, table)
        masks = len({masked(grid, dataset, table, *pair) for pair in masked_points(grid, dataset, table, runtime)})
        masks *= len({point.value for point in gaps_of(grid, table) if not point.why})
        befores = sum(point.value is not None for point in befores_of(grid, table, runtime))
        for spec in specs:
            for name in methods:
                if registry.get(registry.METHODS, name).unfit(spec):
                    continue
                settings: set[Any] = {
                    (axes["rank"], axes["blocks"], axes["knobs"]) for axes, _ in axes_of(grid, dataset, name, spec)
                }
                values = {"masks": masks, "ranks, blocks, knobs": len(settings), "imputers": len(imputers_of(grid))}
                values |= {"learning rates": len(set(grid.lrs)) or 1}
                values |= {"trained before": befores, "seeds": seeds}
                yield CellCount(dataset, spec.name, name, values)
        for name in competing(predictors, (*grid.methods, *grid.floors), table):
            for net in read_by(name, specs):
                if not unreadable(name, table, net):
                    yield CellCount(dataset, net.name if net else NONE, name, {"masks": masks, "seeds": seeds})


def smallest(grid: Grid, counted: CellCount) -> Grid:
    """The grid of one cell that stands for those of a count: the first value of every axis."""
    network = counted.network
    return replace(
        grid,
        datasets=(counted.dataset,),
        methods=(counted.method,),
        backbone=(counted.backbone,) if network else grid.backbone[:1],
        floors=(NONE,),
        missing=grid.missing[:1],
        rates=grid.rates[:1],
        mechanism=grid.mechanism[:1],
        gaps=grid.gaps[:1],
        test_gaps=grid.test_gaps[:1],
        strength=grid.strength[:1],
        ranks=grid.ranks[:1],
        blocks=grid.blocks[:1],
        lrs=grid.lrs[:1],
        impute=tuple(imputers_of(grid)[:1]),
        knobs=(),
        seeds=grid.seeds[:1],
    )

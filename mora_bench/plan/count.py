"""How many cells a grid has, by dataset, backbone and competitor: products of its axes, none of them built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from mora_bench.cells.cell import NONE
from mora_bench.cells.missing import NO_GAPS
from mora_bench.cells.runtime import Runtime
from mora_bench.plan.data_axes import InTrainingAndTests, Point, befores_of, gaps_of, masked_points
from mora_bench.plan.expand import axes_of, check, check_fit, competitors, imputers_of, masked
from mora_bench.plan.floors import competing, read_by, unreadable
from mora_bench.plan.grid import AS_TRAINED, Grid
from mora_bench.plan.recipes import recipe_of
from mora_bench.plan.sense import senseless


@dataclass(frozen=True)
class CellCount:
    """The cells of one competitor on one dataset and backbone, or on none.

    Attributes:
        values: the number of values of each axis that gives it cells of their own; the cells are their product.
        gaps: the first gaps that give it cells, in training and in tests.
    """

    dataset: str
    backbone: str
    method: str
    values: dict[str, int]
    gaps: InTrainingAndTests = field(default_factory=InTrainingAndTests)

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
        gaps = gaps_of(grid, table)
        befores = sum(point.value is not None for point in befores_of(grid, table, runtime))
        for spec in specs:
            for name in methods:
                # Flags and overrides of a recipe may differ in dropout, which alone is asked for, where both give it.
                recipe = recipe_of(grid, (), dataset, name, runtime.device)
                taken = _sensible(point for point in gaps if not senseless(name, spec, table, point, recipe))
                if not taken:
                    continue
                settings: set[Any] = {
                    (axes["rank"], axes["blocks"], axes["knobs"]) for axes, _ in axes_of(grid, dataset, name, spec)
                }
                values = {"masks": masks * len(taken), "ranks, blocks, knobs": len(settings)}
                values |= {"imputers": len(imputers_of(grid)), "learning rates": len(set(grid.lrs)) or 1}
                values |= {"trained before": befores, "seeds": seeds}
                yield CellCount(dataset, spec.name, name, values, taken[0])
        for name in competing(predictors, (*grid.methods, *grid.floors), table):
            for net in read_by(name, specs):
                taken = _sensible(p for p in gaps if not (unreadable(name, table, net, any(p.value)) or p.why))
                if taken:
                    values = {"masks": masks * len(taken), "seeds": seeds}
                    yield CellCount(dataset, net.name if net else NONE, name, values, taken[0])


def _sensible(points: Iterable[Point]) -> list[InTrainingAndTests]:
    """The values of points, each once."""
    return list(dict.fromkeys(point.value for point in points))


def smallest(grid: Grid, counted: CellCount) -> Grid:
    """The grid of one cell that stands for those of a count: the first value of every axis that gives it cells."""
    network, (gaps, test_gaps) = counted.network, counted.gaps
    return replace(
        grid,
        datasets=(counted.dataset,),
        methods=(counted.method,),
        backbone=(counted.backbone,) if network else grid.backbone[:1],
        floors=(NONE,),
        missing=grid.missing[:1],
        rates=grid.rates[:1],
        mechanism=grid.mechanism[:1],
        gaps=(str(gaps or NO_GAPS),),
        test_gaps=(AS_TRAINED if test_gaps is None else str(test_gaps),),
        strength=grid.strength[:1],
        ranks=grid.ranks[:1],
        blocks=grid.blocks[:1],
        lrs=grid.lrs[:1],
        impute=tuple(imputers_of(grid)[:1]),
        knobs=(),
        seeds=grid.seeds[:1],
    )

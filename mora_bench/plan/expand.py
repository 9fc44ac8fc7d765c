"""Expands a grid into a list of cells, and counts the points that collapsed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from mora_bench import registry
from mora_bench.cells.cell import AXES, NONE, OFFICIAL, Cell, Knob, Scoring
from mora_bench.cells.missing import COMPLETE, UNIFORM, Missing
from mora_bench.cells.runtime import Runtime
from mora_bench.data.modalities.encoded import unread
from mora_bench.errors import UserError
from mora_bench.missing.masks import settled
from mora_bench.plan import mask_files
from mora_bench.plan.blocks import parse_blocks
from mora_bench.plan.data_axes import Point, befores_of, gaps_of, known_of, masked_points
from mora_bench.plan.fitting import check_projection, fitting
from mora_bench.plan.floors import cell_of, competing, read_by, reads_backbone, unreadable
from mora_bench.plan.given import given_of_recipe
from mora_bench.plan.grid import Grid
from mora_bench.plan.knobs import parse_knob, typed
from mora_bench.plan.parts import ALL, check_names, parts
from mora_bench.plan.recipes import overridden, recipe_of, watched_of
from mora_bench.plan.sense import senseless
from mora_bench.plan.versions import fit_versions, start_versions, versions_of

if TYPE_CHECKING:
    from mora_bench.backbones.spec import Spec
    from mora_bench.data.table import Table

TWICE = "it was asked for twice"


@dataclass(frozen=True)
class Plan:
    """The cells of a grid, and the number of points that gave no cell of their own.

    Attributes:
        cells: unique cells, ordered by seed, so that an interrupted grid leaves complete comparisons.
        asked: number of points in the full product.
        collapsed: number of points that gave no cell of their own, by reason.
    """

    cells: list[Cell]
    asked: int
    collapsed: dict[str, int]


def expand(grid: Grid, preset: Grid, runtime: Runtime) -> Plan:
    """All cells of `grid`, without duplicates.

    `preset` is the preset's grid without any flags. A recipe field that was given as a flag (`plan.given`) takes
    precedence over the preset's overrides. `runtime` says where the data are.

    Raises:
        UserError: an unknown name, or a value that a dataset or backbone does not have.
    """
    check_names(grid)
    seeds_of: dict[str, list[int]] = {}
    first: dict[str, Cell] = {}
    collapsed: Counter[str] = Counter()
    asked = 0
    for part, base in parts(grid, preset):
        seeds = list(dict.fromkeys(part.seeds))
        points = 0
        # One seed stands for all, the same in every part, so that parts can be seen to ask for the same cell.
        for cell, why in _points(replace(part, seeds=grid.seeds), replace(base, seeds=grid.seeds), runtime):
            points += 1
            if cell is None or cell.score_key in first:
                collapsed[why or TWICE] += len(seeds)
            if cell is not None:
                first.setdefault(cell.score_key, cell)
                seeds_of.setdefault(cell.score_key, []).extend(seeds)
        asked += points * len(part.seeds)
        if len(part.seeds) > len(seeds):
            collapsed[TWICE] += (len(part.seeds) - len(seeds)) * points
    order = dict.fromkeys(seed for cell_seeds in seeds_of.values() for seed in cell_seeds)
    seed_sets = {key: set(seeds) for key, seeds in seeds_of.items()}
    cells = [cell.with_seed(seed) for seed in order for key, cell in first.items() if seed in seed_sets[key]]
    _check_sides(cells, runtime)
    mask_files.check(cells, runtime)
    return Plan(cells, asked, dict(collapsed))


def _check_sides(cells: list[Cell], runtime: Runtime) -> None:
    """Raise UserError if a side of a split would be empty."""
    from mora_bench.data import datasets, sides

    of_data: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        of_data.setdefault((cell.dataset, cell.data), []).append(cell)
    for (dataset, _), cells_of_data in of_data.items():
        sides.check(cells_of_data, datasets.table_of(dataset, runtime))


def _points(grid: Grid, preset: Grid, runtime: Runtime) -> Iterator[tuple[Cell | None, str]]:
    """Every point of the product for the first seed: its cell, and the reason why it may collapse.

    The cell is None where a predictor cannot run on the dataset, or a method makes no sense on the backbone.
    """
    from mora_bench.data import datasets

    flags = given_of_recipe(grid, preset)
    methods, predictors = competitors(grid)
    imputers = imputers_of(grid)
    specs = check(grid, methods, predictors)
    for dataset in grid.datasets:
        table, fingerprint = datasets.fingerprinted(dataset, runtime)
        check_fit(specs if methods else [], dataset, table)
        masks = masked_points(grid, dataset, table, runtime)
        gaps = gaps_of(grid, table)
        befores = befores_of(grid, table, runtime)
        for spec, (missing, pattern), gap, name in product(specs, masks, gaps, methods):
            base = _base(grid, dataset, table, fingerprint, missing, pattern) | gap.value._asdict()
            recipe, recipe_why = fitting(recipe_of(grid, flags, dataset, name, runtime.device), spec, table)
            unfit = senseless(name, spec, table, gap, recipe)
            base["watched"] = watched_of(table.task, recipe)
            base["versions"] += start_versions(recipe, table)
            for axes, why in axes_of(grid, dataset, name, spec):
                for lr, impute, after in product(grid.lrs or (recipe.lr,), imputers, befores):
                    if unfit or after.value is None:
                        yield None, unfit or after.why
                        continue
                    cell = Cell(
                        **base,
                        **axes,
                        impute=impute,
                        impute_version=registry.version(registry.IMPUTERS, impute),
                        backbone=spec.name,
                        weights=spec.fingerprint,
                        recipe=replace(recipe, lr=lr),
                        after=after.value,
                    )
                    yield cell, pattern.why or why or recipe_why
        of_data = competing(predictors, (*grid.methods, *grid.floors), table)
        fits = {name: fit_versions(name, table) for name in of_data}
        for (missing, pattern), gap, name in product(masks, gaps, of_data):
            base = _base(grid, dataset, table, fingerprint, missing, pattern) | gap.value._asdict()
            base["versions"] += fits[name]
            for net in read_by(name, specs):
                why = unreadable(name, table, net, any(gap.value)) or gap.why
                competitor = None if why else cell_of(base, name, net, grid.recipe.max_text)
                yield competitor, why or pattern.why


def competitors(grid: Grid) -> tuple[list[str], list[str]]:
    """The methods and predictors to run, without duplicates. Floors are added only if there are methods."""
    known = registry.names(registry.PREDICTORS)
    asked = list(dict.fromkeys(grid.methods))
    methods = registry.names(registry.METHODS) if ALL in asked else [name for name in asked if name not in known]
    floors = [name for name in known if ALL in asked or registry.get(registry.PREDICTORS, name).floor]
    floors = floors if ALL in (*grid.floors, *asked) else [name for name in grid.floors if name != NONE]
    named = [name for name in asked if name in known]
    return methods, list(dict.fromkeys([*named, *floors] if methods else named))


def imputers_of(grid: Grid) -> list[str]:
    """The imputers to run, without duplicates."""
    return registry.names(registry.IMPUTERS) if ALL in grid.impute else list(dict.fromkeys(grid.impute))


def check_fit(specs: Iterable[Spec], dataset: str, table: Table) -> None:
    """Raise UserError if a backbone cannot run on a dataset, before every cell of theirs fails for it."""
    for spec in specs:
        wrong = registry.get(registry.BACKBONES, spec.family).unfit(table.shape)
        if wrong := wrong or unread(spec.rules, table.kinds):
            raise UserError(f"--backbone {spec.name} cannot run on {dataset}: {wrong}. Try --backbone small-dual.")


def check(grid: Grid, methods: list[str], predictors: list[str]) -> list[Spec]:
    """The grid's backbones, which its axes fit; none where nothing reads them.

    Raises:
        UserError: a backbone that is none, or an axis that one does not have; or none can be loaded here.
    """
    from mora_bench.backbones import load as backbones

    needs_specs = methods or any(map(reads_backbone, predictors))
    if needs_specs:
        backbones.check_torchvision()
    specs = [backbones.resolve(name, grid.recipe.max_text) for name in grid.backbone] if needs_specs else []
    for spec in specs:
        _check_axes(grid, spec)
    _check_knobs(grid, methods)
    check_projection(grid.recipe, specs)
    return specs


def masked(grid: Grid, dataset: str, table: Table, missing: Missing, pattern: Point) -> tuple:
    """The key by which the cells of two mechanisms and patterns differ."""
    trained = missing if pattern.value[0] != COMPLETE else UNIFORM
    return (*pattern.value, trained, _tested(grid, dataset, table, missing, pattern))


def _check_axes(grid: Grid, spec: Spec) -> None:
    for text in grid.blocks:
        parse_blocks(text, spec.depth)
    for rank in grid.ranks:
        if rank > spec.width:
            raise UserError(f"--ranks {rank} is above the width of backbone {spec.name}, {spec.width}.")


def _check_knobs(grid: Grid, methods: list[str]) -> None:
    known = sorted({k for name in methods for k in registry.get(registry.METHODS, name).reads} - {*AXES})
    for text in grid.knobs:
        if parse_knob(text)[0] not in known:
            raise UserError(f"--knobs {text}: none of the methods reads it; known: {', '.join(known) or 'none'}.")


def _base(grid: Grid, dataset: str, table: Table, fingerprint: str, missing: Missing, pattern: Point) -> dict[str, Any]:
    """The fields of a cell that describe its data, masks and scoring."""
    from mora_bench.data import datasets

    pooled = table.source == "twin" and datasets.get(dataset).more is not None
    pool = grid.pool if grid.limit is None else min(grid.pool, grid.limit)
    split = grid.split or (OFFICIAL if table.official else "patient")
    if split == OFFICIAL and not table.official:
        raise UserError(f"--split official: {dataset} has no official split. Give patient or row.")
    return {
        "dataset": dataset,
        "source": table.source,
        "folds": 0 if table.source == "twin" or split == OFFICIAL else grid.folds,
        "pool": pool if pooled else 0,
        "data": fingerprint,
        "split": split,
        "missing": pattern.value[0],
        "rate": pattern.value[1],
        "mechanism": missing if pattern.value[0] != COMPLETE else UNIFORM,
        "modalities": table.names,
        "task": table.task,
        "versions": versions_of(table),
        "scoring": _scoring(grid, dataset, table, missing, pattern),
        "seed": grid.seeds[0],
    }


def _tested(grid: Grid, dataset: str, table: Table, missing: Missing, pattern: Point) -> Missing | None:
    """The test mechanism of a cell, if it is asked for, or if the cell is trained on complete data and its mechanism is
    not uniform; None for other cells."""
    if grid.test_mechanism:
        # Chance has no strength, so what was asked for is lost where training is by chance.
        strength = grid.strength[0] if len(set(grid.strength)) == 1 else missing.strength
        wanted = Missing(grid.test_mechanism, strength, grid.mask_unit)
        return settled(wanted, dataset, known_of(table))
    trained_on_complete = pattern.value[0] == COMPLETE and missing != UNIFORM
    return missing if trained_on_complete else None


def _scoring(grid: Grid, dataset: str, table: Table, missing: Missing, pattern: Point) -> Scoring:
    """The scoring of a cell: at the rate that was asked for, or that the test mechanism fixes."""
    tested = _tested(grid, dataset, table, missing, pattern)
    trained = missing if pattern.value[0] != COMPLETE else UNIFORM
    return mask_files.at_its_rate(Scoring(tested, grid.test_rate), trained, table.names)


def axes_of(grid: Grid, dataset: str, name: str, spec: Spec) -> Iterator[tuple[dict[str, Any], str]]:
    """A method with every combination of its axes, as fields of a cell; and the reason if an axis is not read."""
    method = registry.get(registry.METHODS, name)
    rank = overridden(grid, dataset, name).get("rank")
    ranks = _axis(grid.ranks or (() if rank is None else (rank,)), "rank", name, method)
    blocks = _axis(grid.blocks, "blocks", name, method)
    for (rank_index, rank_point), (block_index, block_point), knobs in product(
        enumerate(ranks), enumerate(blocks), _knobs(grid, name, method)
    ):
        axes = {
            "method": name,
            "method_version": registry.version(registry.METHODS, name),
            "rank": rank_point.value,
            "blocks": None if block_point.value is None else parse_blocks(str(block_point.value), spec.depth),
            "knobs": knobs,
        }
        # The first value of an axis that is not read gives the cell; only what comes after it collapses for that.
        later = (rank_index and rank_point.why) or (block_index and block_point.why)
        yield axes, rank_point.why or block_point.why if later else ""


def _axis(values: tuple, axis: str, name: str, method: Any) -> list[Point]:
    """The values of one axis for one method. A method that does not read the axis gets one None per value."""
    if axis not in method.reads:
        return [Point(None, f"{name} does not read {axis}")] * max(len(values), 1)
    return [Point(value) for value in values or (method.reads[axis],)]


def _knobs(grid: Grid, name: str, method: Any) -> list[tuple[Knob, ...]]:
    """Every combination of a method's own knobs. A cell holds only values that differ from the paper's."""
    asked = dict(parse_knob(text) for text in grid.knobs)
    settings: list[list[tuple[Knob, ...]]] = []
    for knob, values in asked.items():
        if knob in method.reads and knob not in AXES:
            settings.append([((knob, typed(value, method.reads[knob], knob)),) for value in values])
    points = [
        tuple(knob for part in parts for knob in part if knob[1] != method.reads[knob[0]])
        for parts in product(*settings)
    ]
    return [tuple(sorted(point)) for point in points]

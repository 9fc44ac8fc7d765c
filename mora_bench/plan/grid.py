"""From a preset and flags to a list of cells, and what was collapsed on the way.

`Grid` is both the configuration (presets are TOML files with its fields) and the command line of `grid`.
"""

import tomllib
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tyro

from mora_bench.cells.cell import Cell, Recipe
from mora_bench.errors import UserError

DEFAULT_PRESET = "quick"
TWICE = "it was asked for twice"


@dataclass(frozen=True)
class Grid:
    """Train every method on every dataset, missing pattern, rate and seed; write records and tables."""

    preset: str = DEFAULT_PRESET
    """a shipped preset (see `list`) or a TOML file; flags override it"""
    datasets: tuple[str, ...] = ("odir", "cxr")
    """odir, cxr; real where --data-root is given, else the embedded twins"""
    methods: tuple[str, ...] = ("all",)
    """names from `list`, or all"""
    impute: tuple[str, ...] = ("dummy",)
    """what stands in for a missing modality: names from `list`, or all"""
    missing: tuple[Literal["complete", "image", "text", "both"], ...] = ("both",)
    """what the training masks remove; every cell is tested under all four"""
    rates: tuple[float, ...] = (0.7,)
    """share of training samples that lose a modality, 0..1"""
    ranks: tuple[int, ...] = ()
    """ranks of low-rank methods; none given: each method's own"""
    blocks: tuple[str, ...] = ()
    """sets of blocks, e.g. 0 0-2 0,3,5 all; none given: each method's own"""
    lrs: tuple[float, ...] = ()
    """peak learning rates, for tuning on the validation split; none given: the preset's, by method"""
    seeds: tuple[int, ...] = (0, 1, 2)
    """of split, masks, initialisation and order"""
    split: Literal["patient", "row"] = "patient"
    """what a split keeps together"""
    backbone: tuple[str, ...] = ("small",)
    """small, small-untrained, a folder, or a hub name such as dandelin/vilt-b32-mlm"""
    recipe: Recipe = field(default_factory=Recipe)
    """how every method is trained; what is given here beats the preset's overrides"""
    overrides: Annotated[dict[str, dict[str, Any]], tyro.conf.Suppress] = field(default_factory=dict)
    """recipe fields by dataset or method, from the preset"""

    plugin: tuple[Path, ...] = ()
    """Python files that define methods, imputers or datasets of your own (see `check`)"""
    save_adapters: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """keep what each cell trained, adapters/KEY/, in the format of the peft library where it has one"""
    data_root: Path | None = None
    """folder with the real datasets; without it the twins run"""
    out: Path | None = None
    """results folder; results/PRESET if not given"""
    limit: int | None = None
    """only the first N samples of each dataset: a smoke run"""
    device: str = "auto"
    """cpu, cuda, cuda:1, or auto"""
    workers: int | None = None
    """cells at once; all cores on a CPU, 1 on a GPU if not given"""
    fuse: int | None = None
    """cells trained as one if only learning rate or rank differ; if not given 1, on a GPU what a trial says"""
    compile: Literal["off", "on", "graphs"] = "off"
    """torch.compile in training, graphs: with CUDA graphs; pays where a cell trains for many minutes"""
    threads: int = 1
    """CPU threads a worker; another number gives other last bits"""
    plan: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """print the cells, what is done, and what was collapsed and why; run nothing"""

    def __post_init__(self) -> None:
        for name in ("datasets", "methods", "impute", "missing", "rates", "seeds", "backbone"):
            if not getattr(self, name):
                raise UserError(f"--{name} is empty; give at least one value.")
        for name, least in (("limit", 1), ("workers", 1), ("threads", 1), ("fuse", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"--{name} is {value}; expected at least {least}.")
        for rate in self.rates:
            if not 0 <= rate <= 1:
                raise UserError(f"--rates {rate} is outside 0..1.")
        for rank in self.ranks:
            if rank < 1:
                raise UserError(f"--ranks {rank} is below 1.")

    @property
    def folder(self) -> Path:
        return self.out or Path("results") / Path(self.preset).stem


@dataclass(frozen=True)
class Plan:
    """The cells of a grid, and what became of the rest.

    Attributes:
        cells: each once, seeds outermost, so that an interrupted grid leaves whole comparisons.
        asked: points of the full product; collapsed: how many of them fell together, by reason.
    """

    cells: list[Cell]
    asked: int
    collapsed: dict[str, int]


def presets() -> dict[str, str]:
    """The shipped presets, name -> first comment line of the file."""
    folder = resources.files("mora_bench.plan") / "presets"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): f.read_text().splitlines()[0].lstrip("# ") for f in files}


def load_preset(name: str) -> Grid:
    """A grid with a preset's values.

    Raises:
        UserError: no such preset or file, not TOML, or a key that `Grid` or `Recipe` does not have.
    """
    shipped = resources.files("mora_bench.plan") / "presets" / f"{name}.toml"
    source = Path(name) if name.endswith(".toml") else shipped
    if not source.is_file():
        raise UserError(f"unknown preset {name!r}; known: {', '.join(presets())}, or a .toml file.")
    try:
        raw = tomllib.loads(source.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{source}: not TOML ({error}).") from error
    _check_keys(raw, Grid, f"{source}", {"preset"})
    recipe = raw.pop("recipe", {})
    _check_keys(recipe, Recipe, f"{source}, [recipe]", set())
    for owner, changed in raw.get("overrides", {}).items():
        _check_keys(changed, Recipe, f"{source}, [overrides.{owner}]", set())
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
    for key in ("data_root", "out"):
        if key in values:
            values[key] = Path(values[key])
    _check_types(values, f"{source}")
    return Grid(preset=name, recipe=Recipe(**recipe), **values)


def _check_keys(raw: dict, kind: type, where: str, hidden: set[str]) -> None:
    known = [f.name for f in fields(kind) if f.name not in hidden]
    for key in raw:
        if key not in known:
            raise UserError(f"{where}: unknown key {key!r}; known: {', '.join(known)}.")


def _check_types(values: dict[str, Any], where: str) -> None:
    """TOML knows no tuples of strings; catch `datasets = "odir"` before it becomes four letters."""
    defaults = {f.name: f.default for f in fields(Grid)}
    for key, value in values.items():
        if isinstance(defaults[key], tuple) and not isinstance(value, tuple):
            raise UserError(f"{where}: {key} is {value!r}; expected a list, e.g. {key} = [{value!r}].")


def parse_blocks(text: str, depth: int) -> tuple[int, ...]:
    """ "0", "0-2", "0,3,5", "all" or "first half" -> ascending block numbers.

    Raises:
        UserError: not of that form, or a block outside 0..depth - 1.
    """
    if text == "all":
        return tuple(range(depth))
    if text == "first half":
        return tuple(range((depth + 1) // 2))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(f"blocks {text!r} is not a set of blocks; write 0, 0-2, 0,3,5 or all.")
        found.update(range(int(first), int(last or first) + 1))
    if not found:
        raise UserError(f"blocks {text!r} is empty; write the smaller number first, e.g. 0-2.")
    if max(found) >= depth:
        raise UserError(f"blocks {text!r}: block {max(found)} is outside the backbone's 0..{depth - 1}.")
    return tuple(sorted(found))


def expand(grid: Grid, preset: Grid, site: Any) -> Plan:
    """All cells of `grid`, each once.

    `preset` is what the preset alone says: a recipe field that differs from it was given as a flag, and then beats the
    preset's overrides. `site` says where the data are (`mora_bench.training.cell.Site`).
    """
    from mora_bench import registry
    from mora_bench.backbones import load as backbones
    from mora_bench.data import datasets as known
    from mora_bench.training.cell import table

    for name in grid.datasets:
        known.get(name)
    names = _names(registry.METHODS, grid.methods)
    methods = {name: registry.get(registry.METHODS, name) for name in names}
    imputers = {name: registry.get(registry.IMPUTERS, name) for name in _names(registry.IMPUTERS, grid.impute)}
    specs = [backbones.resolve(name) for name in grid.backbone]
    for owner in grid.overrides:
        if owner not in [*registry.names(registry.DATASETS), *registry.names(registry.METHODS)]:
            raise UserError(
                f"preset {grid.preset}: [overrides.{owner}] is neither a dataset nor a method; known: "
                f"{', '.join([*registry.names(registry.DATASETS), *registry.names(registry.METHODS)])}."
            )
    for spec in specs:
        for text in grid.blocks:
            parse_blocks(text, spec.depth)
    given = {f.name for f in fields(Recipe) if getattr(grid.recipe, f.name) != getattr(preset.recipe, f.name)}
    seeds = list(dict.fromkeys(grid.seeds))
    first: dict[str, Cell] = {}
    collapsed: Counter[str] = Counter()
    asked = 0
    for dataset, spec, pattern, name in product(grid.datasets, specs, _patterns(grid), methods):
        found, fingerprint = table(dataset, site)
        method = methods[name]
        recipe = _recipe(grid, given, dataset, name)
        ranks, blocks = _axis(grid.ranks, "rank", name, method), _axis(grid.blocks, "blocks", name, method)
        for rank, text, lr, impute in product(ranks, blocks, grid.lrs or (recipe.lr,), imputers):
            cell = Cell(
                dataset=dataset,
                source=found.source,
                data=fingerprint,
                split=grid.split,
                missing=pattern.value[0],
                rate=pattern.value[1],
                method=name,
                method_version=registry.version(registry.METHODS, name),
                rank=rank.value,
                blocks=None if text.value is None else parse_blocks(str(text.value), spec.depth),
                impute=impute,
                impute_version=registry.version(registry.IMPUTERS, impute),
                backbone=spec.name,
                weights=spec.fingerprint,
                recipe=replace(recipe, lr=lr),
                seed=seeds[0],
            )
            asked += len(grid.seeds)
            if cell.key in first:
                collapsed[pattern.why or rank.why or text.why or TWICE] += len(seeds)
            first.setdefault(cell.key, cell)
    if len(grid.seeds) > len(seeds):
        collapsed[TWICE] += (len(grid.seeds) - len(seeds)) * (asked // len(grid.seeds))
    cells = [replace(cell, seed=seed) for seed in seeds for cell in first.values()]
    return Plan(cells, asked, dict(collapsed))


class _Point(NamedTuple):
    """A value of an axis, and why it is not the one asked for."""

    value: Any
    why: str = ""


def _names(group: str, asked: tuple[str, ...]) -> list[str]:
    from mora_bench import registry

    return registry.names(group) if "all" in asked else list(dict.fromkeys(asked))


def _patterns(grid: Grid) -> list[_Point]:
    """Every (pattern, rate)."""
    points = []
    for pattern, rate in product(grid.missing, grid.rates):
        if pattern == "complete":
            points.append(_Point((pattern, 0.0), "complete data have no missing rate"))
        elif rate == 0:
            points.append(_Point(("complete", 0.0), "at rate 0 every pattern is complete data"))
        else:
            points.append(_Point((pattern, rate)))
    return points


def _axis(asked: tuple, axis: str, name: str, method: Any) -> list[_Point]:
    """The values of one axis for one method; a method that does not read it has None, as often as it was asked."""
    if axis not in method.reads:
        return [_Point(None, f"{name} does not read {axis}")] * max(len(asked), 1)
    return [_Point(value) for value in asked or (method.reads[axis],)]


def _recipe(grid: Grid, given: set[str], dataset: str, method: str) -> Recipe:
    """The preset's recipe, its overrides for the dataset, then for the method, then what was given as flags."""
    recipe = grid.recipe
    for owner in (dataset, method):
        changed = {key: value for key, value in grid.overrides.get(owner, {}).items() if key not in given}
        recipe = replace(recipe, **changed)
    return recipe

"""One cell, the whole chain: data + masks -> backbone + imputer + method -> train -> predict -> measure -> record."""

import hashlib
import os
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from mora_bench import plugins, registry
from mora_bench.backbones import load as backbones
from mora_bench.cells.cell import Cell, Recipe
from mora_bench.data import datasets, splits
from mora_bench.data.batch import Batch
from mora_bench.data.samples import Inputs, Samples, View, prepare
from mora_bench.data.table import HashMemo, Table
from mora_bench.errors import UserError
from mora_bench.methods.contract import Axes
from mora_bench.methods.network import Model
from mora_bench.missing import masks as missing
from mora_bench.records import provenance
from mora_bench.records.store import Store
from mora_bench.tasks import metrics as scores
from mora_bench.training import fused
from mora_bench.training.cost import PeakMemory, forward_flops, parameters, step_flops
from mora_bench.training.export import save_adapter
from mora_bench.training.loop import Fit, train
from mora_bench.training.predict import predict

#: Test settings every record holds F1-macro for, beside the cell's own rate.
CURVE = tuple(round(0.1 * k, 1) for k in range(11))
#: The rate a cell that was trained on complete data is tested at.
TEST_RATE = 0.7
#: Cells that a GPU is given at once, where they may be trained as one; a probe then says how many are.
AS_ONE = 8


@dataclass(frozen=True)
class Site:
    """Where and how cells run; nothing here changes a score, so nothing here is in a cell's key.

    (Bits may change with `device` and `threads`; records say both.)
    """

    out: Path
    cache: Path
    data_root: Path | None = None
    device: str = "cpu"
    threads: int = 1
    workers: int = 1
    limit: int | None = None
    fuse: int | None = None
    compiler: str = "off"
    plugins: tuple[Path, ...] = ()
    save_adapters: bool = False


def default_cache() -> Path:
    """MORA_BENCH_CACHE, or the user's cache folder; made if absent.

    Raises:
        UserError: it cannot be written.
    """
    base = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    folder = Path(os.environ.get("MORA_BENCH_CACHE", f"{base}/mora_bench")).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cache folder {folder}: cannot be made ({error.strerror}). Set MORA_BENCH_CACHE to another one."
        ) from error
    return folder


@lru_cache(maxsize=4)
def table(name: str, site: Site) -> tuple[Table, str]:
    """A dataset and its fingerprint, once a process."""
    found = datasets.load(name, site.data_root, site.limit)
    memo = HashMemo(site.cache / "hashes.json")
    fingerprint = found.fingerprint(memo)
    memo.save()
    return found, fingerprint


@lru_cache(maxsize=4)
def samples(name: str, backbone: str, max_text: int, site: Site) -> Samples:
    """A dataset decoded for a backbone, once a process; from the cache on disk if any process has done it."""
    found, fingerprint = table(name, site)
    spec = backbones.resolve(backbone)
    inputs = Inputs(spec.rule, spec.tokenizer, max_text)
    return prepare(found, fingerprint, inputs, site.cache, site.workers)


def derive(seed: int, name: str) -> int:
    """A seed for one use, from a cell's seed."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:6], "big")


def groups(cells: Sequence[Cell], site: Site) -> list[list[Cell]]:
    """`cells` in the runs that workers are given: one by one, or with those that may be trained as one with them.

    These differ in learning rate alone, or also in rank where the method fills up smaller ranks.
    """
    most = site.fuse or (AS_ONE if site.device.startswith("cuda") else 1)
    alike: dict[Cell, list[Cell]] = {}
    for cell in cells:
        rank = None if registry.get(registry.METHODS, cell.method).pads_rank else cell.rank
        alike.setdefault(replace(cell, rank=rank, recipe=replace(cell.recipe, lr=1.0)), []).append(cell)
    return [group[start : start + most] for group in alike.values() for start in range(0, len(group), most)]


def work(cells: Sequence[Cell], site: Site, not_as_one: str = "") -> list[dict]:
    """Run one of `groups` and write the records, whatever happens; the records are returned.

    If cells cannot be trained as one, each is run alone, and its record says why: `not_as_one`.
    """
    store = Store(site.out)
    torch.set_num_threads(site.threads)
    why = ""
    try:
        for file in site.plugins:
            plugins.load(file)
        found = run_cells(cells, site)
    except Exception as error:
        if len(cells) > 1:
            why = f"{type(error).__name__}: {error}"
        else:
            found = [(failure(cells[0], site, error), None)]
    if why:
        # Not in the handler: there the error would hold on to all models of the group.
        return [record for cell in cells for record in work([cell], site, why)]
    for cell, (record, predictions) in zip(cells, found, strict=True):
        if not_as_one:
            record["not_as_one"] = not_as_one
        store.write(cell, record, predictions)
    return [record for record, _ in found]


def failure(cell: Cell, site: Site, error: BaseException) -> dict:
    """The record of a cell that did not come to an end: the reason and the tail of the trace."""
    trace = "".join(traceback.format_exception(error)).splitlines()[-30:]
    return {
        "status": "failed",
        "error": f"{type(error).__name__}: {error}",
        "trace": trace,
        "cell": asdict(cell),
        "provenance": provenance.collect(site.device, site.threads, site.workers),
    }


def run_cell(cell: Cell, site: Site) -> tuple[dict, dict[str, np.ndarray] | None]:
    """Train, predict and measure one cell.

    Returns:
        The record (scores, costs, realised masks, provenance) and the logits of validation and test samples under every
        pattern of presence, float32 [n, P, C], with what is needed to score them again.
    """
    return run_cells([cell], site)[0]


def run_cells(cells: Sequence[Cell], site: Site) -> list[tuple[dict, dict[str, np.ndarray] | None]]:
    """`run_cell` for one of `groups`: cells that share data, masks, and all that `train` needs to train them as one."""
    begun = time.perf_counter()
    device = torch.device(site.device)
    memory = PeakMemory(device)
    cell = cells[0]
    data = samples(cell.dataset, cell.backbone, cell.recipe.max_text, site)
    if table(cell.dataset, site)[1] != cell.data:
        raise UserError(f"{cell.dataset} is not the data this cell was planned on. Plan again.")
    rows = splits.split(data.table.ids, data.table.groups, data=cell.data, unit=cell.split, seed=cell.seed)
    views = {name: View(data, part, masked(cell, name, len(part))) for name, part in rows.items()}

    models = [build(each, data, views["train"], device) for each in cells]
    fused.share_frozen(models)
    flops = [counted(each, model, data, device) for each, model in zip(cells, models, strict=True)]
    size = site.fuse or as_one(models, views["train"], cell.recipe, device)
    fits: list[Fit] = []
    for start in range(0, len(cells), size):
        some = slice(start, start + size)
        recipes = [each.recipe for each in cells[some]]
        order = derive(cell.seed, "order")
        fits += train(models[some], views["train"], views["val"], recipes, order, device, site.compiler)

    found: list[tuple[dict, dict[str, np.ndarray] | None]] = []
    for each, model, cost, fit in zip(cells, models, flops, fits, strict=True):
        evaluated = time.perf_counter()
        logits = {name: predict(model, data, rows[name], cell.recipe.batch, device) for name in ("val", "test")}
        record: dict = {
            "status": "done",
            "cell": asdict(each),
            "scores": scored(each, data, rows, logits),
            "training": {
                "history": fit.history,
                "best_step": fit.best_step,
                "best_val_f1_macro": fit.best_f1,
                "steps": fit.steps,
            },
            "method": {"title": model.method.title, "family": model.method.family},
            "imputer": model.imputer.report(),
            "parameters": parameters(model),
            "flops": cost,
            "time": {**fit.clock, "predict_s": time.perf_counter() - evaluated},
            "memory": memory.read(),
            "data": described(data, rows, views),
            "provenance": provenance.collect(site.device, site.threads, site.workers) | {"compiler": site.compiler},
        }
        if site.save_adapters:
            save_adapter(model, record, Store(site.out).adapter_folder(each))
        found.append((record, predictions(data, rows, logits)))
    for record, _ in found:
        record["time"]["cell_s"] = (time.perf_counter() - begun) / len(cells)
    return found


def build(cell: Cell, data: Samples, training: View, device: torch.device) -> Model:
    """The network of a cell, its imputer fitted, nothing trained."""
    spec = backbones.resolve(cell.backbone)
    backbone = backbones.load(spec, cell.recipe.max_text, derive(cell.seed, "backbone")).to(device)
    torch.manual_seed(derive(cell.seed, "method"))
    imputer = registry.get(registry.IMPUTERS, cell.impute)(backbone).to(device)
    method = registry.get(registry.METHODS, cell.method)(backbone, Axes(cell.rank or 0, cell.blocks or ())).to(device)
    model = Model(backbone, method, imputer, len(data.table.labels), derive(cell.seed, "head")).to(device)
    imputer.fit(observed(model, training, cell.recipe.batch, device))
    return model


def as_one(models: Sequence[Model], training: View, recipe: Recipe, device: torch.device) -> int:
    """How many of `models` to train as one on this device, tried on a batch."""
    if len(models) == 1:
        return 1
    batch = training.batch(np.arange(min(recipe.batch, len(training)))).to(device)
    return fused.best_size(models, models[0].begin(batch), device)


def described(data: Samples, rows: dict[str, np.ndarray], views: dict[str, View]) -> dict:
    """What a record says of its data."""
    return {
        "labels": list(data.table.labels),
        "split": splits.digest(data.table.ids, rows),
        "truncated_texts": data.truncated,
        "canvas": list(data.canvas),
        "realised": {
            name: missing.realised(data.present[view.rows], view.present) | {"n": len(view)}
            for name, view in views.items()
        },
    }


def predictions(data: Samples, rows: dict[str, np.ndarray], logits: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The logits, and what is needed to score them again."""
    found = {f"{name}_logits": values for name, values in logits.items()}
    for name in logits:
        found[f"{name}_rows"] = rows[name]
        found[f"{name}_targets"] = data.table.targets[rows[name]]
        found[f"{name}_natural"] = data.present[rows[name]]
    return found


def masked(cell: Cell, split: str, n: int, pattern: str | None = None, rate: float | None = None) -> np.ndarray:
    """The mask of one split, bool [n, M]: the cell's own pattern and rate, or those given."""
    return missing.mask(
        n,
        cell.missing if pattern is None else pattern,
        cell.rate if rate is None else rate,
        data=cell.data,
        split=split,
        seed=cell.seed,
    )


def observed(model: Model, view: View, batch: int, device: torch.device):
    """Embedded training batches, for an imputer to fit on; absent modalities hold their dummies."""
    with torch.no_grad():
        for start in range(0, len(view), batch):
            inputs = view.batch(np.arange(start, min(start + batch, len(view)))).to(device)
            yield model.backbone.embed(inputs), inputs.present


#: FLOPs already counted by this process: they depend on shapes alone, and seeds share them.
_counted: dict[tuple, dict[str, float]] = {}


def counted(cell: Cell, model: Model, data: Samples, device: torch.device) -> dict[str, float]:
    """FLOPs of a reference sample, forward and in a training step, and its numbers of tokens."""
    data_and_net = (cell.data, cell.recipe.max_text, cell.weights, str(device))
    key = (*data_and_net, cell.method, cell.method_version, cell.rank, cell.blocks, cell.impute)
    if key not in _counted:
        reference = reference_batch(data).to(device)
        _counted[key] = {
            "forward": forward_flops(model, reference),
            **{f"step_{name}": value for name, value in step_flops(model, reference).items()},
            "tokens_text": int(reference.ids_mask.sum()),
            "tokens_image": int(reference.grid.prod(1).sum()) + 1,
        }
    return dict(_counted[key])


def reference_batch(data: Samples) -> Batch:
    """One sample of typical size: whatever the dataset's sample with the text of median length has."""
    lengths = data.text_lengths(np.arange(len(data)))
    row = np.argsort(lengths, kind="stable")[len(data) // 2]
    return data.batch(np.array([row]), data.present[[row]])


def test_rate(cell: Cell) -> float:
    """The missing rate a cell's main test scores are taken at: its own, or `TEST_RATE` if it has none."""
    return cell.rate if cell.missing != "complete" else TEST_RATE


def scored(cell: Cell, data: Samples, rows: dict[str, np.ndarray], logits: dict[str, np.ndarray]) -> dict:
    """All scores of a record, picked from the logits: no forward pass here.

    `val` and `test` hold the full scores for complete data and for each pattern at the cell's test rate, with strata;
    `curve` holds F1-macro of the test split over rates, a list a pattern.
    """
    rate = test_rate(cell)
    found: dict = {"test_rate": rate}
    for name, values in logits.items():
        targets, natural = data.table.targets[rows[name]], data.present[rows[name]]
        found[name] = {}
        for pattern in missing.PATTERNS:
            kept = masked(cell, name, len(targets), pattern, rate)
            present = missing.combine(natural, kept)
            found[name][pattern] = scores.stratified(targets, values, present) | {
                "realised": missing.realised(natural, present)
            }
    targets, natural = data.table.targets[rows["test"]], data.present[rows["test"]]
    found["curve"] = {"rates": sorted({*CURVE, rate})}
    for pattern in missing.PATTERNS[1:]:
        found["curve"][pattern] = [
            scores.f1_macro(
                targets,
                scores.pick(logits["test"], missing.combine(natural, masked(cell, "test", len(targets), pattern, r))),
            )
            for r in found["curve"]["rates"]
        ]
    return found

"""Training and testing a cell here against a script that a user writes by hand (users_script.py), scores beside it.

    python benchmarks/against_users_script.py --data-root DATA --save script.json
    python benchmarks/against_users_script.py --patients 200 --epochs 1          # the twin, small: does it run?
    python benchmarks/against_users_script.py --show head.json lora.json         # the table of what was saved
    python benchmarks/against_users_script.py --data-root DATA --rounding        # how far two runs of ours part

Both on one thread, with the same samples, masks, order, initial weights and optimiser. The script's pictures are
decoded and resized beforehand; ours are decoded, resized and read by the frozen network once for all cells, which is
printed apart. The head's projection is aligned (the script is given it), that of LoRA and MoRA trains. `where` are
seconds; those of pictures are within the others. Where the machine has other work, trust `cpu ratio`, of seconds of the
processor; `first cell` is the ratio with decoding and all that is done once on both sides; `without pictures` that of a
script whose user keeps the features of all pictures, too.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import users_script as script
from safetensors.numpy import load_file
from tabulate import tabulate

from mora_bench import registry
from mora_bench.backbones import grids, installed
from mora_bench.backbones import load as backbones
from mora_bench.cells.cell import Cell
from mora_bench.cells.recipe import Recipe
from mora_bench.cells.runtime import Runtime, default_cache
from mora_bench.data import datasets, presence
from mora_bench.data.samples import View
from mora_bench.missing.masks import patterns
from mora_bench.records import provenance
from mora_bench.records.store import Store
from mora_bench.scoring.protocol import CURVE, kept_at
from mora_bench.seeds import derive, rng
from mora_bench.training import cell as cells
from mora_bench.training import masking
from mora_bench.training.decoded import samples
from mora_bench.training.work import work

BACKBONE = "fused:minilm,lite0"
#: What is wanted of each method: how many times as fast by precision (fp32 of the script stands against both).
WANTED = {"head": {"fp32": 10.0}, "lora": {"fp32": 3.0, "bf16": 6.0}, "mora": {"fp32": 3.0, "bf16": 6.0}}
MAX_TEXT = 256


class Clock:
    """Seconds since it was made: by the clock, and of the processor."""

    def __init__(self) -> None:
        self.begun = self._now()

    def _now(self) -> np.ndarray:
        return np.array([time.perf_counter(), time.process_time()])

    def read(self) -> np.ndarray:
        return self._now() - self.begun


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, help="real ODIR; without it the twin")
    parser.add_argument("--patients", type=int, help="only so many samples")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=list(WANTED), choices=list(WANTED))
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"], choices=["fp32", "bf16"], help="of ours")
    parser.add_argument("--script-precisions", nargs="+", default=["fp32"], choices=["fp32", "bf16"])
    parser.add_argument("--save", type=Path, help="write what was measured there, as JSON")
    parser.add_argument(
        "--rounding", action="store_true", help="not the script, but ours on one thread and on two: what rounding does"
    )
    parser.add_argument("--show", type=Path, nargs="+", help="print the table of such files, and do nothing else")
    return parser.parse_args()


def planned(method: str, precision: str, epochs: int, runtime: Runtime) -> Cell:
    """A cell of real ODIR's first fold, or of the twin."""
    reads = registry.get(registry.METHODS, method).reads
    table, fingerprint = datasets.fingerprinted("odir", runtime)
    spec = backbones.resolve(BACKBONE, MAX_TEXT)
    blocks = {"mora": (0,), "lora": tuple(range(spec.depth))}
    recipe = Recipe(
        epochs=epochs, batch=16, lr=1e-3, warmup=0.1, validate_every=1, precision=precision, max_text=MAX_TEXT,
        head_bias="prevalence", projection="aligned" if method == "head" else "trained",
    )  # fmt: skip
    return Cell(
        dataset="odir",
        source=table.source,
        data=fingerprint,
        folds=10 if table.source == "real" else 0,
        split="patient",
        missing="both",
        rate=0.7,
        method=method,
        method_version=registry.version(registry.METHODS, method),
        rank=int(reads["rank"]) if "rank" in reads else None,
        blocks=blocks.get(method),
        impute="dummy",
        impute_version=registry.version(registry.IMPUTERS, "dummy"),
        backbone=BACKBONE,
        weights=spec.fingerprint,
        recipe=recipe,
        seed=0,
    )


def pictures(view: View) -> list[list[torch.Tensor | None]]:
    """Every sample's pictures, decoded and resized."""
    rule = grids.described("lite0", script.TOKENS).pixels
    decoded = []
    for value in view.samples.table.modalities["image"].values:
        eyes = [None if picture is None else rule.resized(picture.read()) for picture in value or (None,) * script.EYES]
        decoded.append(
            [None if picture is None else torch.from_numpy(np.array(picture)).permute(2, 0, 1) for picture in eyes]
        )
    return decoded


def patients(view: View) -> script.Patients:
    """The data of a user: texts in words, decoded pictures, labels."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(installed.folder_of("minilm"), local_files_only=True)
    table = view.samples.table
    texts = ["" if value is None else value for value in table.modalities["text"].values]
    ids = tokenizer(texts, truncation=True, max_length=MAX_TEXT)["input_ids"]
    targets = torch.from_numpy(table.targets.astype(np.float32))
    return script.Patients(ids, pictures(view), targets, tokenizer("")["input_ids"])


def order(seed: int, samples: int, recipe: Recipe) -> list[list[np.ndarray]]:
    """The batches of each epoch, as our loop draws them."""
    drawn = rng("order", derive(seed, "order"), samples)
    steps = -(-samples // recipe.batch)
    return [np.array_split(drawn.permutation(samples), steps) for _ in range(recipe.epochs)]


def by_script(cell: Cell, runtime: Runtime, script_data: script.Patients, precision: str) -> dict[str, Any]:
    """Seconds, scores and logits of the script."""
    from transformers import BertModel

    split, views, (model,) = cells.untrained([cell], runtime, torch.device("cpu"))
    exported = model.method.export()
    start = {"projection": model.projection.state_dict(), "head": model.head.state_dict()}
    start["adapter"] = exported[1] if exported else {}
    start = {name: {key: tensor.detach().clone() for key, tensor in tensors.items()} for name, tensors in start.items()}
    test = masking.units(split["test"])
    masks = {
        pattern: [presence.combine(test.natural, mask) for mask in kept_at(cell, "test", test, pattern, CURVE)]
        for pattern in patterns(cell.modalities)[1:]
    }
    recipe = cell.recipe
    settings = script.Settings(
        recipe.epochs, recipe.batch, recipe.lr, recipe.warmup, recipe.weight_decay, (recipe.beta1, recipe.beta2),
        recipe.eps, cell.rank or 0, precision=precision,
    )  # fmt: skip
    rule = grids.described("lite0", script.TOKENS)
    reader = grids.network("lite0", rule.digest)
    clock = Clock()
    bert = BertModel.from_pretrained(installed.folder_of("minilm"), add_pooling_layer=False, local_files_only=True)
    trains = recipe.projection == "trained"
    net = script.Net(bert, reader, rule.width, len(split["test"].table.labels), cell.method, trains, cell.rank or 0)
    script.with_start(net, start)
    training, validation = (script.Shown(script_data, views[n].rows, views[n].present) for n in ("train", "val"))
    script.train(net, training, validation, settings, order(cell.seed, len(training), recipe))
    scores = script.test(net, script_data, split["test"].rows, masks, settings.tested)
    seconds = clock.read()
    complete = script.Shown(script_data, split["test"].rows, test.natural)
    return {
        "seconds": seconds,
        "where": dict(net.seconds.spent),
        "scores": scores,
        "logits": script.predict(net, complete, settings.tested),
    }


def by_us(cell: Cell, runtime: Runtime) -> dict[str, Any]:
    """The same of the harness."""
    clock = Clock()
    work([cell], runtime)
    seconds = clock.read()
    store = Store(runtime.out)
    record, scores = store.record(cell), store.scores_of(cell)
    if record.status != "done":
        raise SystemExit(f"{cell.label}: {record.error}")
    at = [scores.rates.index(rate) for rate in CURVE]
    stored = load_file(store.prediction_file(cell))
    complete = stored["test_logits"][
        np.arange(len(stored["test_rows"])), presence.pattern_index(stored["test_natural"])
    ]
    steps = record.training.steps
    return {
        "seconds": seconds,
        "where": {"steps": steps * record.time.step_ms / 1000, "prediction": record.time.predict_s},
        "kept": record.beginning.kept,
        "scores": {pattern: [curve[k] for k in at] for pattern, curve in scores.curve.items()},
        "logits": complete,
    }


def apart(ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[float, float]:
    """The largest difference of two runs' scores, and of their logits of complete data."""
    pairs = zip(ours["scores"].items(), theirs["scores"].values(), strict=True)
    scores = max(float(np.abs(np.subtract(one, other)).max()) for (_, one), other in pairs)
    return scores, float(np.abs(ours["logits"] - theirs["logits"]).max())


def compared(
    options: argparse.Namespace, runtime: Runtime, script_data: script.Patients, once: tuple[float, float]
) -> Iterator[dict[str, Any]]:
    """A row for each method and precision; `once` are the seconds of what is done once, the script's and ours."""
    for method in options.methods:
        plain = planned(method, "fp32", options.epochs, runtime)
        theirs = {
            script_precision: by_script(plain, runtime, script_data, script_precision)
            for script_precision in options.script_precisions
        }
        for precision in options.precisions:
            ours = by_us(planned(method, precision, options.epochs, runtime), runtime)
            for script_precision, other in theirs.items():
                ratio, processor = other["seconds"] / ours["seconds"]
                spared = (other["seconds"][0] - other["where"]["pictures"]) / ours["seconds"][0]
                first = (other["seconds"][0] + once[0]) / (ours["seconds"][0] + once[1])
                scores, logits = apart(ours, other)
                wanted = WANTED[method].get(precision) if script_precision == "fp32" else None
                yield {
                    "method": method,
                    "script": script_precision,
                    "ours": precision,
                    "script s": float(other["seconds"][0]),
                    "ours s": float(ours["seconds"][0]),
                    "ratio": float(ratio),
                    "without pictures": float(spared),
                    "cpu ratio": float(processor),
                    "first cell": float(first),
                    "wanted": f">= {wanted:g}" if wanted else "",
                    "met": "" if wanted is None else "yes" if ratio >= wanted else "no",
                    "scores apart": scores,
                    "logits apart": logits,
                    "kept": ours["kept"],
                    "script where": other["where"],
                    "ours where": ours["where"],
                }


def rounding(options: argparse.Namespace, runtime: Runtime) -> Iterator[dict[str, Any]]:
    """How far ours on two threads parts from ours on one, a row a method: sums run in another order, and nothing else
    differs."""
    for method in options.methods:
        runs = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            own = replace(runtime, out=runtime.out / f"{threads} threads", threads=threads)
            runs.append(by_us(planned(method, "fp32", options.epochs, own), own))
        scores, logits = apart(*runs)
        yield {"method": method, "threads": "1 and 2", "scores apart": scores, "logits apart": logits}


def shown(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0])

    def text(value: Any) -> str:
        if isinstance(value, dict):
            return ", ".join(f"{name} {seconds:.1f}" for name, seconds in value.items())
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    return tabulate(
        [[text(row[name]) for name in names] for row in rows], names, tablefmt="github", disable_numparse=True
    )


def saved(files: list[Path]) -> str:
    """The table of saved runs, below where and on what they ran."""
    runs = [json.loads(file.read_text()) for file in files]
    heads = []
    for run in runs:
        where = [f"{value} thread" if name == "threads" else f"{name} {value}" for name, value in run["where"].items()]
        facts = [
            f"{name} {value:.0f}" if isinstance(value, float) else f"{name} {value}"
            for name, value in run["run"].items()
        ]
        heads.append(f"{', '.join(dict.fromkeys(row['method'] for row in run['rows']))}: {', '.join(where + facts)}")
    return "\n\n".join([*heads, shown([row for run in runs for row in run["rows"]])])


def main() -> None:
    options = arguments()
    if options.show:
        print(saved(options.show))
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        # A cache of its own, because what fills it is measured.
        runtime = Runtime(
            out / "results", out / "cache", options.data_root, limit=options.patients, checkpoint_minutes=0
        )
        cell = planned("head", "fp32", options.epochs, runtime)
        default_cache()
        begun = time.perf_counter()
        data = samples("odir", cell.backbone, MAX_TEXT, runtime)
        once = time.perf_counter() - begun
        if options.rounding:
            print(shown([*rounding(options, runtime)]))
            return
        begun = time.perf_counter()
        script_data = patients(View(data, np.arange(len(data)), data.present))
        decoded = time.perf_counter() - begun
        where = {"device": provenance.device_name("cpu"), "threads": 1, **provenance.versions()}
        facts_of_run = {
            "source": cell.source,
            "samples": len(data),
            "epochs": options.epochs,
            "ours, once for all cells, s": once,
            "script, pictures decoded and resized, s": decoded,
        }
        rows = []
        for row in compared(options, runtime, script_data, (decoded, once)):
            rows.append(row)
            print(shown([row]), file=sys.stderr, flush=True)
            if options.save:  # after each row, because the script needs about an hour a method on real data
                measured = {"where": where, "run": facts_of_run, "rows": rows}
                options.save.write_text(json.dumps(measured, indent=2) + "\n")
    print(shown(rows))
    print(
        "\n".join(
            f"{name}: {value:.1f}" if isinstance(value, float) else f"{name}: {value}"
            for name, value in facts_of_run.items()
        )
    )


if __name__ == "__main__":
    main()

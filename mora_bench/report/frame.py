"""Records as data frames: one row a cell, and one row a cell and test setting."""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

PATTERNS = ("complete", "image", "text", "both")
STRATA = ("complete", "text_only", "image_only")
#: What names a row of a table. Everything of a cell but the seed; the recipe field by field.
IDENTITY = (
    "source", "backbone", "weights", "split", "dataset", "data", "missing", "rate", "method", "method_version", "rank",
    "blocks", "impute", "impute_version",
)  # fmt: skip


OF_CELL = ("dataset", "source", "missing", "rate", "method", "rank", "blocks", "impute", "backbone", "seed")
#: Columns of scores.csv: the cell, the test setting, the scores.
SCALARS = ("n", "f1_macro", "f1_micro", "auroc", "map", "empty_classes")
SCORE_COLUMNS = ("key", *OF_CELL, "split", "tested", "test_rate", "stratum", *SCALARS)


def cells(records: list[dict]) -> pd.DataFrame:
    """One row a cell: its fields (the recipe's as recipe.NAME), status, costs, and `f1 PATTERN` of the test split."""
    rows = []
    for record in records:
        cell = dict(record["cell"])
        recipe = cell.pop("recipe")
        row: dict[str, Any] = cell | {f"recipe.{name}": value for name, value in recipe.items()}
        row["blocks"] = None if cell["blocks"] is None else ",".join(map(str, cell["blocks"]))
        row |= {"key": record["key"], "status": record["status"], "error": record.get("error")}
        where = record["provenance"]
        row["family"] = record.get("method", {}).get("family", "")
        row["hardware"] = json.dumps([where["device"], where["threads"], where["workers"], *_ways(record)])
        if record["status"] == "done":
            row |= _measured(record)
        rows.append(row)
    return pd.DataFrame(rows)


def _ways(record: dict) -> list[str]:
    """What else sets its step times apart from those of other records."""
    compiler, cells = record["provenance"].get("compiler", "off"), record.get("time", {}).get("cells_as_one", 1)
    ways = [f"compiled ({compiler})"] if compiler != "off" else []
    return [*ways, f"{cells} trained as one"] if cells > 1 else ways


def _measured(record: dict) -> dict[str, Any]:
    parameters, flops, clock = record["parameters"], record["flops"], record["time"]
    row: dict[str, Any] = {
        "test_rate": record["scores"]["test_rate"],
        "val_f1": record["training"]["best_val_f1_macro"],
        "adapter": parameters["trained"]["adapter"],
        **{name: parameters[name] for name in ("share_adapter", "share_adapter_head", "share_total")},
        "gflops_forward": flops["forward"] / 1e9,
        "gflops_step": (flops["step_forward"] + flops["step_backward"]) / 1e9,
        "step_ms": clock["step_ms"],
        "epoch_s": clock["epoch_s"],
    }
    for pattern in PATTERNS:
        scores = record["scores"]["test"][pattern]
        row[f"f1 {pattern}"] = scores["f1_macro"]
        for stratum in STRATA:
            row[f"f1 {pattern} {stratum}"] = scores["strata"][stratum].get("f1_macro")
    return row


def scores(records: list[dict]) -> Iterator[dict[str, Any]]:
    """One row a cell, split, test setting and stratum, every scalar score unrounded: for the reader's own analysis.

    Every row has the same columns; where a stratum is empty its scores are None.
    """
    for record in records:
        if record["status"] != "done":
            continue
        cell = {"key": record["key"], **{name: record["cell"][name] for name in OF_CELL}}
        for split in ("val", "test"):
            for pattern in PATTERNS:
                found = record["scores"][split][pattern]
                for stratum, values in {"all": found, **found["strata"]}.items():
                    setting = {"split": split, "tested": pattern, "test_rate": record["scores"]["test_rate"]}
                    yield {**cell, **setting, "stratum": stratum, **{name: values.get(name) for name in SCALARS}}

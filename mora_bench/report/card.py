"""The card of a published results folder: what it shows, and where it comes from."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import Any

from mora_bench.cells.missing import COMPLETE
from mora_bench.records.schema import Record
from mora_bench.report.contract import Results
from mora_bench.report.markdown import escaped
from mora_bench.report.summary import Summary, sentences
from mora_bench.tasks.named import metric_of
from mora_bench.text import number_of, percent, visible

#: The separators of the parts of a backbone's name.
BETWEEN = re.compile(r"([:+,])")
#: Metrics that the header holds, at most; hubs read them.
MOST_METRICS = 200


def local(name: str) -> str:
    """A backbone's name without the folders of this machine in it. A hub's name has one slash."""
    return "".join(_last(part) for part in BETWEEN.split(name))


def _last(part: str) -> str:
    is_folder = part.startswith((".", "/", "~")) or part.rstrip("/").count("/") > 1
    return part.rstrip("/").rpartition("/")[2] if is_folder else part


def sources(records: Iterable[Record]) -> dict[str, Any]:
    """Where results come from: data, backbones, code, devices, each with the number of cells."""
    data: Counter[tuple[str, str, str]] = Counter()
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("backbone", "code", "device", "platform")}
    versions: dict[str, Counter[str]] = {}
    for record in records:
        cell, provenance = record.cell, record.provenance
        data[cell.dataset, cell.source, cell.data] += 1
        counts["backbone"][f"{local(cell.backbone)} {cell.weights}".strip()] += 1
        dirty = " with changes" if provenance.dirty else ""
        counts["code"][f"{provenance.commit}{dirty}" if provenance.commit else "an installed package"] += 1
        counts["device"][f"{provenance.device}, {provenance.threads} threads"] += 1
        counts["platform"][provenance.platform] += 1
        for package, version in provenance.versions.items():
            versions.setdefault(package, Counter())[version or "absent"] += 1
    named = [{"dataset": d, "source": s, "fingerprint": f, "cells": n} for (d, s, f), n in sorted(data.items())]
    return {"data": named, **{name: dict(counter) for name, counter in counts.items()}, "versions": versions}


def card(results: Results, adapters: Set[str], title: str, licence: str, left_out: Sequence[str]) -> str:
    """The card as Markdown, with the header that hubs read.

    Args:
        adapters: keys of the cells whose trained parameters are beside it; licence: as hubs name it, "" for none.
    """
    origins = sources(results.records)
    names: dict[str, list[str]] = {entry["source"]: [] for entry in origins["data"]}
    for entry in origins["data"]:
        names[entry["source"]].append(escaped(entry["dataset"]))
    about = []
    if "real" in names:
        about.append(
            f"Real data: {', '.join(names['real'])}. No patient data is included here; see its publisher for access."
        )
    if "twin" in names:
        about.append(f"Synthetic data (drawn images and generated sentences, no patients): {', '.join(names['twin'])}.")
    lines = [
        f"data | {escaped(d['dataset'])} ({d['source']}), fingerprint {d['fingerprint']}, {number_of(d['cells'])}"
        for d in origins["data"]
    ]
    for kind in ("backbone", "code", "device"):
        lines += [f"{kind} | {escaped(name)}, {number_of(count)}" for name, count in origins[kind].items()]
    header, shown = _header(results, adapters, title, licence)
    of_adapters = sum(scores.key in adapters for scores in results.scores)
    some = f"The header has the scores of {shown} of {of_adapters} adapters; tables have all." * (shown < of_adapters)
    parts = [
        f"---\n{header}\n---",
        f"# {escaped(title)}",
        f"{len(results.records)} trainings under missing modalities, by mora_bench. {' '.join(about)} "
        "Not for diagnosis.",
        *([some] if some else []),
        *map(escaped, sentences(results)),
        *(content.decode().rstrip() for content in Summary().make(results).values()),
        "`report.html` has all tables to sort and filter; `tables/` has them as Markdown, CSV and LaTeX.",
        "| from | |\n|---|---|\n" + "\n".join(f"| {line} |" for line in lines),
        f"Versions are in `provenance.json`. Left out: {'; '.join(left_out)}.",
        "```bash\npython -m mora_bench verify .\npython -m mora_bench report .\n"
        "python -m mora_bench compare . YOUR_RESULTS\n```",
    ]
    return visible("\n\n".join(parts)) + "\n"


def _header(results: Results, adapters: Set[str], title: str, licence: str) -> tuple[str, int]:
    """The header that hubs read, and of how many scorings it has the scores."""
    from huggingface_hub import EvalResult, ModelCardData

    evaluations: list[EvalResult] = []
    for scores in results.scores:
        if scores.key not in adapters:
            continue
        cell, metric = results.record_of[scores.key].cell, metric_of(scores.task, scores.primary)
        of_cell = [
            EvalResult(
                task_type=scores.task,
                task_name=cell.label,
                dataset_type=cell.dataset,
                dataset_name=f"{cell.dataset} ({cell.source})",
                # A hub takes results that differ in nothing but the task's name for those of one model.
                dataset_config=f"{cell.label} ({scores.score_key})",
                dataset_revision=cell.data,
                metric_type=scores.primary,
                metric_name=f"{metric.title} ({metric.direction}), test, {_taken(pattern, scores.test_rate)}",
                metric_value=value,
            )
            for pattern, setting in scores.test.items()
            if isinstance(value := setting.scores.get(scores.primary), float)
        ]
        # All of a cell or nothing of it.
        if len(evaluations) + len(of_cell) <= MOST_METRICS:
            evaluations += of_cell
    data = ModelCardData(
        library_name="mora_bench",
        tags=["mora-bench", "missing-modalities", *sorted({record.cell.dataset for record in results.records})],
        license=licence or None,
        model_name=title if evaluations else None,
        eval_results=evaluations or None,
    )
    return data.to_yaml(), len({result.dataset_config for result in evaluations})


def _taken(pattern: str, rate: float) -> str:
    return "complete data" if pattern == COMPLETE else f"missing: {pattern} at {percent(rate)}"

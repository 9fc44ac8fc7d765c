"""Every contract's rules by its group."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mora_bench import registry
from mora_bench.checks import backbone, dataset, gaps, mechanism, method, predictor, small, task
from mora_bench.checks.elsewhere import GROUPS, elsewhere
from mora_bench.checks.rules import tried
from mora_bench.checks.subject import example


def check(group: str, name: str, root: Path | None = None) -> Iterator[tuple[str, str | None]]:
    """Try every rule of a contract on what is registered as `name`: its text, and what is wrong or None.

    `root` is where a dataset is; without it its twin is checked.
    """
    if group == registry.DATASETS:
        return dataset.check(name, root)
    kind = registry.get(group, name)
    if group == registry.BACKBONES:
        return backbone.check(kind, name)
    rules = {
        registry.METHODS: _network,
        registry.IMPUTERS: _network,
        registry.PREDICTORS: predictor.check,
        registry.MECHANISMS: mechanism.check,
        registry.MODALITIES: small.modality,
        registry.GAPS: gaps.check,
        registry.TASKS: task.check,
        registry.ENGINES: small.engine,
        registry.ARTEFACTS: small.artefact,
        registry.TRACKERS: small.tracker,
    }
    tries = rules[group](kind)
    return _also_elsewhere(tries, group, name) if group in GROUPS else tries


def _network(kind: Any) -> Iterator[tuple[str, str | None]]:
    """The rules of a method, or of an imputer."""
    return method.check(example(kind))


def _also_elsewhere(rules: Iterator[tuple[str, str | None]], group: str, name: str) -> Iterator[tuple[str, str | None]]:
    """The rules as they are tried, and, if none is broken, that it gives the same in processes of its own."""
    broken = False
    for rule, problem in rules:
        broken |= problem is not None
        yield rule, problem
    if not broken:
        yield from tried((elsewhere,), (group, name))

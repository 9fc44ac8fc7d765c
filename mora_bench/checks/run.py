"""Every contract's rules by its group."""

from collections.abc import Iterator
from pathlib import Path

from mora_bench import registry
from mora_bench.checks import backbone, dataset, gaps, mechanism, method, predictor, small, task
from mora_bench.checks.elsewhere import elsewhere
from mora_bench.checks.rules import tried
from mora_bench.checks.subject import example


def check(group: str, name: str, root: Path | None = None) -> Iterator[tuple[str, str | None]]:
    """Try every rule of a contract on what is registered as `name`: its text, and what is wrong or None.

    `root` is where a dataset is; without it its twin is checked.
    """
    if group == registry.DATASETS:
        return dataset.check(name, root)
    kind = registry.get(group, name)
    if group in (registry.METHODS, registry.IMPUTERS):
        return _also_elsewhere(method.check(example(group, kind)), group, name)
    if group in (registry.PREDICTORS, registry.MECHANISMS):
        of = predictor if group == registry.PREDICTORS else mechanism
        return _also_elsewhere(of.check(kind), group, name)
    if group == registry.BACKBONES:
        return backbone.check(kind, name)
    rules = {
        registry.MODALITIES: small.modality,
        registry.GAPS: gaps.check,
        registry.TASKS: task.check,
        registry.ENGINES: small.engine,
        registry.ARTEFACTS: small.artefact,
        registry.TRACKERS: small.tracker,
    }
    return rules[group](kind)


def _also_elsewhere(rules: Iterator[tuple[str, str | None]], group: str, name: str) -> Iterator[tuple[str, str | None]]:
    """The rules as they are tried, and, if none is broken, that it gives the same in processes of its own."""
    broken = False
    for rule, problem in rules:
        broken |= problem is not None
        yield rule, problem
    if not broken:
        yield from tried((_elsewhere,), (group, name))


def _elsewhere(learner: tuple[str, str]) -> None:
    elsewhere(*learner)


_elsewhere.__doc__ = elsewhere.__doc__

"""Every contract's rules by its group."""

from collections.abc import Iterator
from pathlib import Path

from mora_bench import registry
from mora_bench.backbones import load as backbones
from mora_bench.checks import backbone, dataset, gaps, mechanism, method, predictor, small, task
from mora_bench.checks.subject import MAX_TEXT, subject


def check(group: str, name: str, root: Path | None = None) -> Iterator[tuple[str, str | None]]:
    """Try every rule of a contract on what is registered as `name`: its text, and what is wrong or None.

    `root` is where a dataset is; without it its twin is checked.
    """
    if group == registry.DATASETS:
        return dataset.check(name, root)
    kind = registry.get(group, name)
    if group == registry.METHODS:
        fit = (net for net in ("small", "small-dual") if not kind.unfit(backbones.resolve(net, MAX_TEXT)))
        return method.check(subject(kind, backbone=next(fit, "small")))
    if group == registry.IMPUTERS:
        return method.check(subject(registry.get(registry.METHODS, "mora"), kind))
    if group == registry.BACKBONES:
        return backbone.check(kind, name)
    rules = {
        registry.MODALITIES: small.modality,
        registry.MECHANISMS: mechanism.check,
        registry.GAPS: gaps.check,
        registry.TASKS: task.check,
        registry.PREDICTORS: predictor.check,
        registry.ENGINES: small.engine,
        registry.ARTEFACTS: small.artefact,
        registry.TRACKERS: small.tracker,
    }
    return rules[group](kind)

"""list: everything that has a name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mora_bench import registry
from mora_bench.cli.common import Answering, Extensible
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer

#: Tokens of a text; any number will do to ask what a backbone is.
SHORT = 64


@dataclass(frozen=True, kw_only=True)
class ListOptions(Extensible, Answering):
    """Show datasets, methods with what they read, imputers, backbones, presets and all else that has a name."""


def run(arguments: list[str]) -> int:
    options = parse(ListOptions, "list", arguments)
    options.begin()
    by_kind = sections()
    answer(lambda: by_kind)
    for title, rows in by_kind.items():
        width = max(map(len, rows), default=0)
        print(f"{title}\n" + "\n".join(f"  {name:{width}}  {description}" for name, description in rows.items()) + "\n")
    return 0


def sections() -> dict[str, dict[str, str]]:
    """Everything that has a name, by kind, and what it says of itself."""
    from mora_bench.backbones.installed import FOLDERS, LITE
    from mora_bench.backbones.load import names, resolve
    from mora_bench.plan.presets import presets

    specs = [resolve(name, SHORT) for name in names()]
    families = {name: registry.get(registry.BACKBONES, name) for name in registry.names(registry.BACKBONES)}
    made = {f"{name}:...": f"{b.title}, e.g. {b.example}" for name, b in families.items() if b.example}
    titles = " or ".join(b.title for b in families.values() if not b.example)
    folder = {"FOLDER or HUB/NAME": f"a checkpoint of {titles}, e.g. dandelin/vilt-b32-mlm"}
    halves = {", ".join([*FOLDERS, *LITE]): "halves of fused: and pair:, which pip installs (extra towers)"}
    return {
        "datasets": _all(registry.DATASETS, lambda d: d.title),
        "methods": _all(registry.METHODS, lambda m: f"{m.title}; {_axes(m.reads)}; {m.source}{_unfit(m, specs)}"),
        "baselines": _all(registry.PREDICTORS, lambda p: f"{p.title}; {p.family}; {p.source}"),
        "imputers": _all(registry.IMPUTERS, lambda i: f"{i.title}; {i.source}"),
        "mechanisms of missingness": _all(registry.MECHANISMS, _mechanism),
        "gaps of signals": _all(registry.GAPS, lambda g: g.title),
        "kinds of modalities": _all(registry.MODALITIES, lambda m: m.title),
        "tasks": _all(registry.TASKS, _task),
        "backbones": names() | folder | made | halves,
        "engines": _all(registry.ENGINES, lambda e: e.title),
        "artefacts": _all(registry.ARTEFACTS, lambda a: a.title),
        "trackers": _all(registry.TRACKERS, lambda t: t.title),
        "presets": presets(),
    }


def _task(task: Any) -> str:
    """A task's title, its argument, its scores with their directions, and its further losses."""
    takes = f"; takes {task.takes}" * bool(task.takes)
    metrics = "; ".join(f"{metric.title} ({metric.direction})" for metric in task.metrics.values())
    losses = "".join(f"; --recipe.loss {name}: {loss.title} ({loss.source})" for name, loss in task.losses.items())
    return f"{task.title}{takes}; {metrics}{losses}"


def _all(group: str, describe: Callable[[Any], str]) -> dict[str, str]:
    descriptions = {}
    for name in registry.names(group):
        implementation = registry.get(group, name)
        try:
            descriptions[name] = describe(implementation)
        except AttributeError as error:
            descriptions[name] = f"(says nothing of itself: {error}; `mora_bench check {name}` says what it lacks)"
    return descriptions


def _unfit(method: Any, specs: list[Any]) -> str:
    """On which of the shipped backbones a method makes no sense, and why."""
    return "".join(f"; not on {spec.name}: {reason}" for spec in specs if (reason := method.unfit(spec)))


def _axes(reads: dict) -> str:
    return "reads " + ", ".join(f"{axis} (own: {value})" for axis, value in reads.items()) if reads else "reads no axis"


def _mechanism(mechanism: Any) -> str:
    return mechanism.title + (f"; takes {mechanism.takes}" if mechanism.takes else "")

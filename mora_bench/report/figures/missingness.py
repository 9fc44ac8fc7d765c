"""Who lost what: the odds of losing a modality by label, from the records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mora_bench.report.contract import Artefact, Results
from mora_bench.report.figures import style
from mora_bench.report.frame import in_words
from mora_bench.report.layout import brought, heading
from mora_bench.statistics.interval import interval
from mora_bench.text import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SPLIT = "train"


class MissingnessFigure(Artefact):
    title = "figure: the odds of losing a modality by label, under every mechanism of training"
    draws = True

    def make(self, results: Results) -> dict[str, bytes]:
        by_source: dict[str, dict[tuple[str, str], dict[int, dict]]] = {}
        for record in results.records:
            if record.data is None or SPLIT not in record.data.effects or not record.cell.rate:
                continue
            cell = record.cell
            taken = {name: effect for name, effect in record.data.effects[SPLIT].items() if _takes_from_some(effect)}
            if not taken:
                continue
            mechanism = in_words(cell.mechanism) or cell.mechanism.mechanism
            words = heading(cell.missing, cell.modalities, brought(mechanism))
            title = f"{words} at {percent(cell.rate)}, {mechanism}"
            seeds = by_source.setdefault(cell.source, {}).setdefault((cell.dataset, title), {})
            seeds[cell.seed] = taken
        files: dict[str, bytes] = {}
        for source, panels in by_source.items():
            files |= style.files(f"missingness-{source}", _figure(panels))
        return files


def _takes_from_some(effect: dict) -> bool:
    """Whether some lost a modality and some did not, without which nothing says who did."""
    share = effect["all"]["share"]
    return bool(effect["odds ratio by label"]) and share is not None and 0 < share < 1


def _figure(panels: dict[tuple[str, str], dict[int, dict]]) -> Figure:
    columns = min(2, len(panels))
    figure, axes = style.panels(-(-len(panels) // columns), columns, width=4.4)
    flat = [axis for row in axes for axis in row]
    names = list(dict.fromkeys(name for seeds in panels.values() for effects in seeds.values() for name in effects))
    looks = style.looks(names)
    handles: dict[str, Any] = {}
    for axis, ((dataset, title), seeds) in zip(flat, sorted(panels.items()), strict=False):
        modalities = [name for name in names if all(name in effects for effects in seeds.values())]
        labels = list(next(iter(seeds.values()))[modalities[0]]["odds ratio by label"]) if modalities else []
        for number, name in enumerate(modalities):
            ratios = [effects[name]["odds ratio by label"] for effects in seeds.values()]
            values = np.array([[by_label[label] for label in labels] for by_label in ratios], float)
            positions = np.arange(len(labels)) + 0.2 * (number - (len(modalities) - 1) / 2)
            mean = np.exp(np.log(values).mean(0))
            handles[name] = axis.scatter(
                positions, mean, color=looks[name].colour, marker=looks[name].marker, s=14, zorder=3
            )
            for x, logs in zip(positions, np.log(values).T, strict=True):
                low, high = np.exp(interval(logs))
                axis.plot([x, x], [low, high], color=looks[name].colour, linewidth=0.8)
        axis.axhline(1, color=style.GREY, linestyle=":", linewidth=1)
        axis.set_yscale("log")
        for ticks in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            ticks(style.plain())
        axis.set_xticks(range(len(labels)), map(style.literal, labels), rotation=45, ha="right", fontsize=6)
        axis.set_ylabel("odds ratio of losing it", fontsize=8)
        axis.set_title(style.literal(f"{dataset}: {title}"), fontsize=7)
    for axis in flat[len(panels) :]:
        axis.set_visible(False)
    style.legend(figure, handles)
    figure.suptitle(f"Samples with a label against those without it, {SPLIT} split; bars: 95 % over seeds.", fontsize=8)
    return figure

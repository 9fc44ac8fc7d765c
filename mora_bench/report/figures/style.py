"""How figures look: for print in grey, for readers who see colours differently, and the same bytes every time."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mora_bench.errors import UserError
from mora_bench.tasks.metric import Metric
from mora_bench.text import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mora_bench.report.compare import Comparison
    from mora_bench.report.contract import Results
    from mora_bench.report.section import Section

Found = TypeVar("Found")

#: Okabe and Ito's colours, which people who see colours differently can tell apart; lightness differs too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9", "#8C6D1F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
STROKES: tuple[Any, ...] = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (7, 2)), (0, (2, 2)))
#: The colour of all that does not compete: floors and ceilings.
GREY = "#777777"
#: Resolution of the PNG, dots per inch.
DPI = 150
#: The share of an axis that is kept beyond the bounds of a metric, so that marks there are whole.
MARGIN = 0.03
#: Inches that an entry of a legend may take.
ENTRY = 1.5
#: How many times its lower end the upper end of an axis of costs is at least, so that nearly equal costs lie together.
NARROWEST = 1.5
#: The share of an axis of costs that is kept free on either side.
ROOM = 0.06
#: The fewest and the most ticks of an axis of costs, and what their numbers begin with in every decade, densest first.
FEWEST, TICKS = 3, 6
ROUND = ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))
#: The most letters in a line of a title over a panel.
WIDEST = 44


@dataclass(frozen=True)
class Look:
    """Colour, marker and stroke of one method: no two share all three, nor in grey two of them."""

    colour: str
    marker: str
    stroke: Any


def looks(names: list[str]) -> dict[str, Look]:
    """A look for each name, in order: 64 that differ in two of the three at least, also without colour."""
    return {name: _look(*divmod(i, len(COLOURS))) for i, name in enumerate(dict.fromkeys(names))}


def _look(turn: int, i: int) -> Look:
    """The i-th look of a turn; each turn shifts markers against colours by one, and strokes by two."""
    return Look(COLOURS[i], MARKERS[(i + turn) % len(MARKERS)], STROKES[(i + 2 * turn) % len(STROKES)])


def panels(rows: int, columns: int, width: float = 3.1, height: float = 2.5) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure of rows x columns panels, each so many inches wide and high.

    Raises:
        UserError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UserError("figures need matplotlib: pip install 'mora-bench[figures]'.") from None
    figure = Figure(figsize=(width * columns + 0.6, height * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.grid(True, color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
        axis.tick_params(which="both", labelsize=8)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    return figure, [list(row) for row in axes]


def costs(panel: Axes, values: list[float]) -> None:
    """A logarithmic axis of costs: at least as wide as `NARROWEST`, two to six ticks, each with its number."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    panel.set_xscale("log")
    known = [value for value in values if value > 0]
    if not known:
        return
    middle, half = math.sqrt(min(known) * max(known)), math.sqrt(NARROWEST)
    low, high = min(*known, middle / half), max(*known, middle * half)
    room = (high / low) ** ROOM
    low, high = low / room, high * room
    panel.set_xlim(low, high)
    panel.xaxis.set_major_locator(FixedLocator(ticks(low, high)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def ticks(low: float, high: float) -> list[float]:
    """Two to `TICKS` round numbers from low to high, both above 0, for a logarithmic axis: as many as there are of one
    pattern a decade; where even the densest has too few, evenly spaced ones."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    choices = [
        [value for k in decades for n in starts if low <= (value := float(f"{n}e{k}")) <= high] for starts in ROUND
    ]
    if len(choices[0]) >= FEWEST:
        last = choices[-1]
        return next((choice for choice in choices if len(choice) <= TICKS), last[:: math.ceil(len(last) / TICKS)])
    from matplotlib.ticker import MaxNLocator

    even = MaxNLocator(TICKS - 1, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(value) for value in even if low <= value <= high]


def plain() -> Any:
    """Ticks of a logarithmic axis as plain numbers: those that begin with 1, 2, 3, 5 or 7."""
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "12357" else "")


def legend(figure: Figure, handles: dict[str, Any]) -> None:
    """One legend below all panels, of as many columns as fit."""
    if handles:
        columns = max(1, min(4, int(figure.get_figwidth() / ENTRY)))
        figure.legend(
            list(handles.values()), list(handles), loc="outside lower center", ncols=columns, fontsize=8, frameon=False
        )


def files(name: str, figure: Figure) -> dict[str, bytes]:
    """A figure as NAME.png and NAME.svg, without date or version, so that the same data give the same bytes."""
    import matplotlib

    pictures = {}
    with matplotlib.rc_context({"svg.hashsalt": "mora_bench", "svg.fonttype": "none"}):
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
            out = io.BytesIO()
            figure.savefig(out, format=kind, dpi=DPI, metadata=metadata)
            pictures[f"{name}.{kind}"] = out.getvalue()
    return pictures


def of_tables(
    results: Results,
    what: str,
    of_section: Callable[[Comparison, Section], Found | None],
    draw: Callable[[list[Found]], Figure],
) -> dict[str, bytes]:
    """A figure for each table: `draw` gets the contents that `of_section` makes of sections; none without any."""
    pictures: dict[str, bytes] = {}
    for table in results.comparisons:
        contents = [content for section in table.sections if (content := of_section(table, section)) is not None]
        if contents:
            pictures |= files(table.named(what), draw(contents))
    return pictures


def literal(text: str) -> str:
    """A text for a figure, where $ would begin a formula, all of it visible."""
    return visible(text).replace("$", r"\$")


def axis(metric: Metric) -> str:
    """The name of an axis of scores: the metric, its unit, and its direction where it is not the usual one."""
    return literal(metric.named)


def within(panel: Axes, metric: Metric) -> None:
    """End an axis of scores where the metric ends: an interval of a mean may go beyond."""
    low, high = panel.get_ylim()
    room = MARGIN * (high - low)
    least, most = (metric.scale * bound for bound in metric.bounds)
    panel.set_ylim(max(low, least - room), min(high, most + room))


def title(text: str) -> str:
    """A title of a panel: lines that would reach into the next panel are broken after "trained on"."""
    lines = (
        line if len(line) <= WIDEST else line.replace(", trained on ", ",\ntrained on ", 1) for line in text.split("\n")
    )
    return literal("\n".join(lines))

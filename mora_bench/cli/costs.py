"""costs: what a backbone and methods on it cost, as we count and as other tools do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import tyro

from mora_bench import registry
from mora_bench.cli.common import Answering, Extensible
from mora_bench.cli.options import parse
from mora_bench.cli.output import answer
from mora_bench.errors import UserError

if TYPE_CHECKING:
    from mora_bench.training.counters.contract import CostParts, CountRow, Net
    from mora_bench.training.counters.methods import MethodCost
    from mora_bench.training.counters.nets import CountedNet

#: The most labels that a classifier is made for.
MOST_CLASSES = 100_000


@dataclass(frozen=True, kw_only=True)
class CostsOptions(Extensible, Answering):
    """Show multiply-adds and parameters of a backbone as we count them, beside what the installed tools of others print
    for the same network: one forward pass of one complete sample on the CPU. docs/tools.md says why they differ."""

    backbone: tyro.conf.Positional[str]
    """a name from `list`, a folder, a hub name; or vilt-b32, clip-b32, bert-base, minilm-l6: shapes without weights"""
    methods: tuple[str, ...] = ()
    """methods, or all, whose parameters, shares and multiply-adds are shown, too, beside what peft prints"""
    text_length: int | None = None
    """tokens of the text; as many as the backbone has positions if left out"""
    picture_size: tuple[int, int] | None = None
    """height and width of the picture in pixels; the backbone's own square if left out"""
    attention: Literal["eager", "sdpa"] | None = None
    """which attention transformers runs; its own choice if left out"""
    rank: int | None = None
    """rank of the methods that have one; each paper's own if left out"""
    blocks: str | None = None
    """blocks of the methods that act in some, as in `grid --blocks`; each paper's own if left out"""
    classes: int = 8
    """labels of the classifier that methods train"""
    readout: Literal["pooler", "mean", "labels"] | None = None
    """what the classifier of the methods reads, as in `grid --recipe.readout`; the backbone's own if left out"""


def run(arguments: list[str]) -> int:
    options = parse(CostsOptions, "costs", arguments)
    if options.rank is not None and options.rank < 1:
        raise UserError(f"--rank {options.rank}: expected 1 or more.")
    if not 1 <= options.classes <= MOST_CLASSES:
        raise UserError(f"--classes {options.classes}: expected 1 to {MOST_CLASSES:,}.")
    options.begin()
    for name in options.methods:
        registry.check(registry.METHODS, name, also=["all"])
    from mora_bench.training.counters import methods, nets
    from mora_bench.training.counters.run import COUNTERS, ours, row

    subject = nets.subject(
        options.backbone, nets.InputSize(options.text_length, options.picture_size), options.attention
    )  # fmt: skip
    settings = methods.Settings(options.rank, options.blocks, options.classes, options.readout or "")
    names = methods.chosen(options.methods, subject, settings)
    _heading(subject)
    networks = []
    for net in subject.nets:
        parts = ours(net)
        rows = [row(counter, net, parts) for counter in COUNTERS]
        _network(net, parts, rows)
        networks.append((net, parts, rows))
    costs = [methods.cost(name, subject, settings) for name in names]
    if costs:
        _methods(costs)
    answer(lambda: _plain(subject, networks, costs))
    return 0


def _heading(subject: CountedNet) -> None:
    from importlib.metadata import version

    inputs = [f"{subject.text} tokens of text"]
    if subject.picture:
        inputs.append("a picture of {} x {}".format(*subject.picture))
    print(f"{subject.name}: {subject.title}; transformers {version('transformers')}")
    print(f"One forward pass of one sample with {' and '.join(inputs)}, on the CPU. G = 10^9 multiply-adds.")
    for note in subject.notes:
        print(note)


def _network(net: Net, parts: CostParts, rows: list[CountRow]) -> None:
    from tabulate import tabulate

    table = [["mora_bench", "", f"{parts.total / 1e9:.4g}", "1.000", f"{parts.parameters:,}", ""]]
    notes: dict[str, list[str]] = {}
    for row in rows:
        table.append([
            row.tool,
            row.version or "not installed",
            "" if row.multiply_adds is None else f"{row.multiply_adds / 1e9:.4g}",
            "" if row.over_ours is None else f"{row.over_ours:.3f}",
            "" if row.parameters is None else f"{row.parameters:,}",
            row.prints or ("failed" if row.status == "failed" else ""),
        ])  # fmt: skip
        for reason in row.why:
            notes.setdefault(reason, []).append(row.tool)
    print(f"\n{net.name}" + (f", {net.attention} attention" if net.attention else ""))
    headers = ["tool", "version", "multiply-adds (G)", "over ours", "parameters", "prints"]
    print(tabulate(table, headers, tablefmt="simple", disable_numparse=True))
    for reason, tools in notes.items():
        print(f"  {', '.join(tools)}: {reason}.")


def _methods(costs: list[MethodCost]) -> None:
    from tabulate import tabulate

    from mora_bench.methods.network import PROJECTION

    table = [
        [
            cost.method,
            cost.setting,
            f"{cost.multiply_adds / 1e9:.4g}",
            f"{cost.as_trained / 1e9:.4g}",
            f"{cost.trained['adapter'] + cost.trained['backbone']:,}",
            f"{cost.share_adapter:.4g}",
            f"{cost.share_adapter_head:.4g}",
            f"{cost.share_total:.4g}",
            "no such method" if cost.peft is None else f"{cost.peft.percent:.4g}",
        ]
        for cost in costs
    ]
    headers = [
        "method", "setting", "multiply-adds (G)", "as trained", "adapter", "adapter %", "+ classifier %",
        "+ projection %" if any(PROJECTION in cost.trained for cost in costs) else "+ pooler %", "peft prints %",
    ]  # fmt: skip
    print("\nMethods, with the classifier that each trains; shares are of the model without its adapter")
    print(tabulate(table, headers, tablefmt="simple", disable_numparse=True))
    print("  as trained: the last block computes only the token that is read, as in records.")
    print("  peft prints: of the adapter with the classifier in modules_to_save. It divides by a total that also holds")
    print("  the adapter and a second, unused copy of the classifier.")


def _plain(
    subject: CountedNet, networks: list[tuple[Net, CostParts, list[CountRow]]], costs: list[MethodCost]
) -> dict[str, Any]:
    entries = [
        {
            "network": net.name,
            "attention": net.attention,
            "ours": asdict(parts) | {"multiply_adds": parts.total},
            "tools": [asdict(row) for row in rows],
        }
        for net, parts, rows in networks
    ]
    return {
        "backbone": subject.name,
        "what": subject.title,
        "text_length": subject.text,
        "picture_size": subject.picture,
        "notes": subject.notes,
        "networks": entries,
        "methods": [asdict(cost) for cost in costs],
    }

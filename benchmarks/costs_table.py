"""Prints the tables of docs/tools.md, section Costs, with the tools that are installed (seconds on one core).

pip install calflops==0.3.2 ptflops==0.7.5 deepspeed==0.19.8 thop==0.1.1.post2209072238 torchinfo==1.8.0
python benchmarks/costs_table.py
"""

from tabulate import tabulate

from mora_bench.training.counters import methods
from mora_bench.training.counters.nets import CountedNet, InputSize, subject
from mora_bench.training.counters.run import COUNTERS, ours, row

#: Shape, tokens of text, attention.
COLUMNS = [
    ("vilt-b32", 40, "eager"),
    ("clip-b32", 77, "eager"),
    ("clip-b32", 77, "sdpa"),
    ("minilm-l6", 128, "sdpa"),
    ("minilm-l6", 512, "sdpa"),
    ("bert-base", 128, "sdpa"),
]
METHODS = ("lora", "mora")


def by_tool() -> str:
    """Two tables: multiply-adds of ours in G and each tool's over ours; parameters likewise."""
    lines: dict[str, list[str]] = {"`mora_bench`, G": [""]}
    parameters: dict[str, dict[str, str]] = {"`mora_bench`": {}}
    for name, text, attention in COLUMNS:
        # transformers' ViLT has no other.
        (net,) = subject(name, InputSize(text), None if name == "vilt-b32" else attention).nets
        our_count = ours(net)
        lines["`mora_bench`, G"].append(f"{our_count.total / 1e9:.4g}")
        parameters["`mora_bench`"][name] = f"{our_count.parameters:,}"
        for measured in (row(counter, net, our_count) for counter in COUNTERS):
            version = "" if measured.version is None else measured.version.partition("+")[0]
            share = "" if measured.over_ours is None else f"{measured.over_ours:.3f}"
            lines.setdefault(measured.tool, [version]).append(share)
            if measured.parameters is not None:
                parameters.setdefault(measured.tool, {})[name] = f"{measured.parameters / our_count.parameters:.3f}"
    headers = [f"{name} {text}, {attention}" for name, text, attention in COLUMNS]
    names = list(parameters["`mora_bench`"])
    rows = {tool: [counts[name] for name in names] for tool, counts in parameters.items()}
    return _table(["multiply-adds", "version", *headers], lines) + "\n\n" + _table(["parameters", *names], rows)


def shares(vilt: CountedNet) -> str:
    """Percent of ViLT-B/32 that two adapters train, by us and by peft."""
    lines = {}
    for name in METHODS:
        cost = methods.cost(name, vilt, methods.Settings())
        assert cost.peft is not None
        percents = [cost.share_adapter, cost.share_adapter_head, cost.peft.once, cost.peft.percent]
        lines[f"`{name}`"] = [f"{cost.trained['adapter']:,}", *[f"{percent:.4g}" for percent in percents]]
    headers = [
        "method",
        "adapter",
        "adapter %",
        "+ classifier %",
        "by peft's numbers %",
        "+ adapter below %",
        "peft prints %",
    ]
    return _table(headers, lines)


def _table(headers: list[str], lines: dict[str, list[str]]) -> str:
    rows = [[name, *cells] for name, cells in lines.items()]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


if __name__ == "__main__":
    print(by_tool())
    print()
    print(shares(subject("vilt-b32", InputSize())))

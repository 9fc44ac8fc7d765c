"""Turns pytest-benchmark's results into a table of ratios, and says which wanted ones are met.

    pytest benchmarks/ --benchmark-only --benchmark-json=new.json      # ends with the table
    python benchmarks/ratios.py new.json              # within a run: each entry over its group's base
    python benchmarks/ratios.py old.json new.json     # between runs of one machine as well: each file over the first

What is wanted depends on the machine, and on what else runs there: no benchmark fails for it. As a script it exits with
1 if a wanted ratio is not met.
"""

import json
import operator
import sys
from pathlib import Path

from tabulate import tabulate

CONDITIONS = {">=": operator.ge, "<=": operator.le}
#: Where times should follow FLOPs: the largest relative difference between the ratios of times and of FLOPs.
SPREAD = 0.15

#: The other fields of extra_info that are shown.
EXTRAS = {"gflops": "{:.4g}", "mib": "{:.0f}", "utilisation": "{:.2f}"}


Entries = dict[tuple[str, str], dict]


def entries(benchmarks: list[dict]) -> Entries:
    """What pytest-benchmark knows of its benchmarks, by (group, name): median seconds and extra_info. A benchmark
    without a group stands under its test."""
    return {
        (b["group"] or titled(b["name"]), b["param"] or b["name"]): {"s": b["stats"]["median"], **b["extra_info"]}
        for b in benchmarks
    }


def titled(name: str) -> str:
    """ "test_a_price_is_right[small]" -> "a price is right"."""
    return name.partition("[")[0].removeprefix("test_").replace("_", " ")


def read(file: Path) -> list[dict]:
    """The benchmarks of one file."""
    try:
        return json.loads(file.read_text())["benchmarks"]
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{file}: not a JSON file of pytest-benchmark ({error}); make one with --benchmark-json={file}")


def wanted(benchmark, **more: tuple[float, str]) -> None:
    """Note what a benchmark measured beside its time, each as a value and the condition on it, such as "<= 5"."""
    noted = benchmark.extra_info.setdefault("measured", {})
    noted |= {name.replace("_", " "): {"value": value, "wanted": sign} for name, (value, sign) in more.items()}


def where(benchmarks: list[dict]) -> str:
    """Device and versions of some results."""
    info = benchmarks[0]["extra_info"]
    versions = ", ".join(f"{name} {info['versions'][name]}" for name in ("torch", "transformers", "peft"))
    return f"{info['device']}, {info['threads']} thread, {versions}"


def rows(runs: list[tuple[str, Entries]]) -> list[dict[str, str]]:
    """One row per entry of the first of some runs, which have names."""
    (stem, first), *others = runs
    bases = {group: entry for (group, _), entry in first.items() if entry.get("base")}
    table = []
    for (group, name), entry in sorted(first.items()):
        row = {"group": group, "entry": name, "ms": f"{1000 * entry['s']:.3g}"}
        row |= {title: shown.format(entry[title]) for title, shown in EXTRAS.items() if title in entry}
        base = bases.get(group)
        if base is not None:
            ratio = entry["s"] / base["s"]
            row |= {"over the base": f"{ratio:.3g}", **judged(ratio, entry, base)}
        if "ratios" in entry:
            table += [named(group, name, ratio, entry) for name, ratio in entry["ratios"].items()]
            continue
        for other_stem, other in others:
            if (group, name) in other:
                row[f"{other_stem} / {stem}"] = f"{other[group, name]['s'] / entry['s']:.3g}"
        table.append(row)
        table += [measured(group, name, *measurement) for measurement in entry.get("measured", {}).items()]
    return table


def measured(group: str, name: str, what: str, measurement: dict) -> dict[str, str]:
    """Something that a benchmark measured beside its time."""
    row = {"group": group, "entry": f"{name}: {what}", "measured": f"{measurement['value']:.3g}"}
    return row | judged(measurement["value"], measurement, {})


def named(group: str, name: str, ratio: float, entry: dict) -> dict[str, str]:
    """A ratio that a benchmark took itself, turn by turn."""
    row = {"group": group, "entry": name, "over the base": f"{ratio:.3g}"}
    return row | judged(ratio, {"wanted": entry["wanted"][name]} if name in entry["wanted"] else {}, {})


def judged(ratio: float, entry: dict, base: dict) -> dict[str, str]:
    """What was wanted of a ratio, and whether it is met."""
    if "follows_flops" in entry:
        counted = entry["gflops"] / base["gflops"]
        met = abs(ratio - counted) <= SPREAD * counted
        return {"wanted": f"{counted:.3g} within {SPREAD:.0%}", "met": "yes" if met else "NO"}
    if "wanted" in entry:
        sign, bound = entry["wanted"].split()
        return {"wanted": entry["wanted"], "met": "yes" if CONDITIONS[sign](ratio, float(bound)) else "NO"}
    return {}


def main(arguments: list[str]) -> int:
    if not arguments:
        sys.exit(__doc__)
    files = {Path(argument).stem: read(Path(argument)) for argument in arguments}
    table = rows([(stem, entries(benchmarks)) for stem, benchmarks in files.items()])
    print("\n\n".join(map(where, files.values())), end="\n\n")
    print(shown(table))
    return int(any(row.get("met") == "NO" for row in table))


def shown(table: list[dict[str, str]]) -> str:
    """Rows as a table of Markdown."""
    names = dict.fromkeys(name for row in table for name in row)
    return tabulate([[row.get(name, "") for name in names] for row in table], [*names], "github", disable_numparse=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

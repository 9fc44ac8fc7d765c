"""Turns pytest-benchmark's JSON files into a table of ratios, and says which wanted ones are met.

    pytest benchmarks/ --benchmark-only --benchmark-json=new.json
    python benchmarks/ratios.py new.json              # within a run: each entry over its group's base
    python benchmarks/ratios.py old.json new.json     # between runs of one machine as well: each file over the first

Exits with 1 if a wanted ratio is not met.
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
EXTRAS = {"gflops": "{:.4g}", "mib": "{:.0f}", "utilisation": "{:.2f}", "share": "{:.3f}", "peak_gb": "{:.2f}"}


def read(file: Path) -> dict[tuple[str, str], dict]:
    """Entries of one file by (group, name): median seconds and extra_info."""
    try:
        found = json.loads(file.read_text())["benchmarks"]
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{file}: not a JSON file of pytest-benchmark ({error}); make one with --benchmark-json={file}")
    return {(b["group"], b["param"] or b["name"]): {"s": b["stats"]["median"], **b["extra_info"]} for b in found}


def where(file: Path) -> str:
    """Device and versions of a file's results."""
    info = json.loads(file.read_text())["benchmarks"][0]["extra_info"]
    versions = ", ".join(f"{name} {info['versions'][name]}" for name in ("torch", "transformers", "peft"))
    return f"{info['device']}, {info['threads']} thread, {versions}"


def rows(files: list[Path]) -> list[dict[str, str]]:
    """One row per entry of the first file."""
    first, *others = [read(file) for file in files]
    bases = {group: entry for (group, _), entry in first.items() if entry.get("base")}
    found = []
    for (group, name), entry in sorted(first.items()):
        row = {"group": group, "entry": name, "ms": f"{1000 * entry['s']:.3g}"}
        row |= {title: shown.format(entry[title]) for title, shown in EXTRAS.items() if title in entry}
        base = bases.get(group)
        if base is not None:
            ratio = entry["s"] / base["s"]
            row |= {"over the base": f"{ratio:.3g}", **judged(ratio, entry, base)}
        if "ratios" in entry:
            found += [named(group, name, ratio, entry) for name, ratio in entry["ratios"].items()]
            continue
        for file, other in zip(files[1:], others, strict=True):
            if (group, name) in other:
                row[f"{file.stem} / {files[0].stem}"] = f"{other[group, name]['s'] / entry['s']:.3g}"
        found.append(row)
    return found


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
    found = rows([Path(argument) for argument in arguments])
    print("\n\n".join(where(Path(argument)) for argument in arguments), end="\n\n")
    print(tabulate(found, headers="keys", tablefmt="github", disable_numparse=True))
    return int(any(row.get("met") == "NO" for row in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

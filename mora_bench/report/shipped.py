"""The comparison of a results folder with the one of that name that this project ships."""

from collections.abc import Set
from pathlib import Path

from mora_bench.records.store import Store
from mora_bench.report.contract import Results
from mora_bench.report.diff import against
from mora_bench.report.summary import reproduced
from mora_bench.report.write import read

#: Where a clone keeps what this project ran; a wheel brings none of it.
REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"


def compared(results: Results, name: str, asked: Set[str]) -> str:
    """One sentence about the cells asked for, by score key, that both hold; "" where there is no such reference."""
    folder = REFERENCE / name
    if not Store(folder).exists or Path(name).name != name:
        return ""
    ours = read(folder)
    shared = ours.score_keys & asked
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    if not shared:
        return f"{shown} holds none of these cells: other data, masks, recipe or code."
    return reproduced(against(results.only(shared), ours.only(shared)), str(shown))

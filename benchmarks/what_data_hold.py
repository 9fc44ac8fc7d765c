"""What the published data sets hold that tells their labels: prints the tables of docs/datasets.md, counted on the real
files.

    python benchmarks/what_data_hold.py --data-root /path/to/data              # all tables
    python benchmarks/what_data_hold.py --data-root /path/to/data odir-id cxr-length

Minutes on one core for all of them; nothing is written.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import held_cxr
import held_odir
import held_pictures
from held_counts import Sheet

#: Each table by its name on the page.
TABLES: dict[str, Callable[[Path], Sheet]] = held_odir.TABLES | held_pictures.TABLES | held_cxr.TABLES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-root", type=Path, required=True, help="the folder with ODIR-5K and Indiana CXR in it")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; all if none is named")
    asked = parser.parse_args()
    unknown = [name for name in asked.tables if name not in TABLES]
    if unknown:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    for name in asked.tables or TABLES:
        print(
            f"<!-- counted: {name} -->\n{TABLES[name](asked.data_root).markdown()}\n<!-- end of {name} -->\n",
            flush=True,
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()

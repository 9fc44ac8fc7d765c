"""twin: an embedded twin as files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mora_bench import registry
from mora_bench.cli.options import parse
from mora_bench.errors import UserError

#: The most patients that are drawn as files, and on one sheet.
MOST, MOST_ON_A_SHEET = 100_000, 200
#: The twin without an original.
ICU = "icu"


@dataclass(frozen=True)
class TwinOptions:
    """Write an embedded twin to a folder: odir and cxr in the published layout of their originals, icu as tables that
    `data` reads."""

    dataset: tyro.conf.Positional[str]
    """odir, cxr or icu"""
    folder: tyro.conf.Positional[Path]
    """where to; made if absent. Nothing in it is written over"""
    samples: Annotated[int, tyro.conf.arg(aliases=["-n"])] = 100
    """how many patients"""
    sheet: bool = False
    """write one PNG with pictures, texts and labels instead (FOLDER is then its name; a dozen patients fit)"""


def run(arguments: list[str]) -> int:
    options = parse(TwinOptions, "twin", arguments)
    registry.check(registry.DATASETS, options.dataset)
    from mora_bench.data.twins import icu
    from mora_bench.data.twins import tables as twins

    known = twins.NAMES if options.sheet else (*twins.NAMES, ICU)
    if options.dataset not in known:
        purpose = "sheet to draw" if options.sheet else "layout to write"
        raise UserError(f"dataset {options.dataset!r} has no {purpose}; known: {', '.join(known)}.")
    most = MOST_ON_A_SHEET if options.sheet else MOST
    if not 1 <= options.samples <= most:
        raise UserError(f"--samples is {options.samples}; expected 1 to {most:,}.")
    if options.sheet:
        _sheet(options)
        return 0
    _check_absent(options.folder, icu.WRITTEN if options.dataset == ICU else twins.WRITTEN[options.dataset])
    try:
        if options.dataset == ICU:
            icu.publish(options.folder, options.samples)
        else:
            twins.publish(options.dataset, options.folder, options.samples)
    except OSError as error:
        raise UserError(f"{options.folder}: cannot be written ({error.strerror}). Name another folder.") from error
    print(f"{options.samples} patients of the {options.dataset} twin: {options.folder}")
    return 0


def _check_absent(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder that holds any of the files or folders of these names.

    Raises:
        UserError: naming the first of them.
    """
    taken = [folder / name for name in names if os.path.lexists(folder / name)]
    if taken:
        raise UserError(
            f"{taken[0]}: is there already, and a twin is written over nothing. Name a new or an empty folder, or move "
            "it away."
        )


def _sheet(options: TwinOptions) -> None:
    from mora_bench.data.twins.sheet import sheet

    if options.folder.suffix.lower() != ".png" or options.folder.is_dir():
        raise UserError(f"--sheet {options.folder}: expected the name of a file that ends in .png.")
    if os.path.lexists(options.folder):
        raise UserError(
            f"--sheet {options.folder}: is there already, and a sheet is written over nothing. Name a new file."
        )
    try:
        options.folder.parent.mkdir(parents=True, exist_ok=True)
        sheet(options.dataset, options.samples).save(options.folder)
    except OSError as error:
        raise UserError(f"--sheet {options.folder}: cannot be written ({error.strerror}).") from error
    print(f"sheet: {options.folder}")

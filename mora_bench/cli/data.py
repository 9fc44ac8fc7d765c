"""data: the grid on a table of one's own, without a line of Python."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from mora_bench.cli.options import option, parse_known
from mora_bench.data.readers.links import follow_links, inside
from mora_bench.data.readers.picture_paths import views
from mora_bench.errors import UserError
from mora_bench.files import write_atomic

#: The default of options for cells that a table leaves open: an error.
REFUSE = "refuse"
#: Values of --split that are no columns.
DRAWN = ("patient", "row")

FILE = '''"""Made by `mora_bench data`: the table {file}, and what its columns hold. It is yours to change."""

from mora_bench.api import own_table

{variable} = own_table({arguments})
'''


@dataclass(frozen=True)
class DataOptions:
    """Run a grid on your own table. Options that are not listed here are those of `grid`; --plan runs nothing.

    Says what the table holds, writes results/NAME/NAME.py, a plug-in that `grid --plugin` takes as it is, and runs
    `grid --datasets NAME` with it.
    """

    file: tyro.conf.Positional[Path]
    """a table with a header: .csv, .tsv or .txt in UTF-8 (also .gz), .xlsx or .parquet"""
    labels: tuple[str, ...] = ()
    """columns of 0 and 1, one a label; or one column of names, with ; or | between several"""
    grades: tuple[str, ...] = ()
    """the names of a column of names that have an order, the lowest first: none mild severe"""
    time: Annotated[str, tyro.conf.arg(metavar="COLUMN")] = ""
    """instead of labels: a column of the time until something happened or somebody was last seen, in any unit"""
    event: Annotated[str, tyro.conf.arg(metavar="COLUMN|COLUMN=VALUE")] = ""
    """whether it happened then (1) or not (0: censored), or which value says that it did"""
    horizons: tuple[str, ...] = ()
    """times in the same unit: the probability of an event by each of them is predicted"""
    separator: str = ""
    """what stands between several labels in one cell; ; or | if not given"""
    empty_label: Literal["refuse", "leave-out", "negative"] = "refuse"
    """rows without a label: an error, left out, or none of the labels"""
    uncertain: Literal["refuse", "leave-out", "0", "1"] = "refuse"
    """labels of -1 or ?, as CheXpert writes: an error, the row left out, or taken for 0 or 1"""
    none_label: str = ""
    """a name in a column of names that means none of the others, such as "No Finding\""""
    exclusive: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """columns of 0 and 1 are classes that exclude each other; of one column, values beside yes and no are classes"""
    image: tuple[str, ...] = ()
    """columns of paths of pictures (PNG, JPEG, TIFF, DICOM, NIfTI), ; between several; each is a modality. A path may
    be made of columns: film={folder}/{id}.png, and {id:.2} the first two letters"""
    text: tuple[str, ...] = ()
    """columns of text; each is a modality. Texts that lie in files: report={folder}/{study}.txt, from the folders of
    --pictures on"""
    table: tuple[str, ...] = ()
    """columns of numbers or categories; together one modality. age:number or age:category says what a column holds"""
    vector: tuple[str, ...] = ()
    """features that somebody took, NAME=COLUMNS or NAME=FILE: embedding=e_* of columns of the table or of one that is
    joined, embedding={id}.npy of files of NumPy; each is a modality"""
    signal: tuple[str, ...] = ()
    """sampled series, such as ECG, sound or vital signs, NAME=FILE[:WORD=VALUE;...]: ecg={id}.hea of WFDB, .wav or
    .npy, or "vitals=charts.csv:key=stay;time=hour;unit=h;step=1" of one table of all; each is a modality"""
    id: Annotated[str | None, tyro.conf.arg(metavar="COLUMN")] = None
    """a column of unique names; the row's number if not given"""
    patient: Annotated[str | None, tyro.conf.arg(metavar="COLUMN")] = None
    """a column that says whose row it is: no patient falls on two sides of a split; Path~patient[0-9]+ for what of a
    column fits a pattern"""
    empty_patient: Literal["refuse", "own"] = "refuse"
    """rows without a patient: an error, or each a patient of its own"""
    covariates: tuple[str, ...] = ()
    """columns that mechanisms of missingness may read, and no model"""
    root: Path | None = None
    """a folder that holds the table and all pictures; that of the table if not given"""
    pictures: tuple[Path, ...] = ()
    """folders below ROOT in which paths of pictures and texts begin, tried in order; the table's own if not given"""
    absent_pictures: Literal["refuse", "allow"] = "refuse"
    """names of pictures or texts that are not there: an error, or samples without one"""
    window: Annotated[tuple[float, float] | None, tyro.conf.arg(metavar="CENTRE WIDTH")] = None
    """measured values of DICOM and NIfTI that are spread over all grey levels, e.g. -600 1500; the file's own if not
    given, else their range"""
    plane: Literal["axial", "coronal", "sagittal"] | None = None
    """of NIfTI volumes; axial if not given"""
    volume: Annotated[tuple[int, ...], tyro.conf.arg(metavar="N")] = ()
    """of NIfTI files of several, from 0; three numbers: as red, green and blue"""
    series: Annotated[str | None, tyro.conf.arg(metavar="UID|NUMBER")] = None
    """of DICOM folders of several, also by its description"""
    groups: Path | None = None
    """a CSV file of id and group, as `doctor --groups-out` writes: no group falls on two sides of a split"""
    group: tuple[str, ...] = ()
    """columns whose rows with the same value never fall on two sides of a split, such as a site or a family: then every
    test is on sites that training has not seen"""
    weights: Annotated[str, tyro.conf.arg(metavar="COLUMN")] = ""
    """a column of numbers above 0: training draws rows in proportion to them; scores count every row once"""
    split: Annotated[str, tyro.conf.arg(metavar="COLUMN")] = ""
    """a column of an official split (train, val, test; or COLUMN:train=A,B;val=C;test=D); patient or row draws a
    split, as `grid --split` does"""
    join: tuple[str, ...] = ()
    """further tables whose columns may be named, too: FILE:KEY, where KEY is a column of both and FILE lies beside the
    table; FILE:KEY:list where a key has several rows, whose cells then stand one after the other"""
    name: str | None = None
    """what the dataset is called; the file's name if not given"""


def run(arguments: list[str]) -> int:
    options, rest = parse_known(DataOptions, "data", arguments)
    named = [word.partition("=")[0].replace("_", "-") for word in rest]
    refused = [word for word in ("--datasets", "--data-root") if word in named]
    if refused:
        raise UserError(f"{refused[0]}: the dataset is {options.file}. To run others beside it, use `grid --plugin`.")
    if not options.file.is_file():
        from mora_bench.data.readers import frames

        kinds = ", ".join((*frames.TEXT, *frames.EXCEL, *frames.PARQUET))
        raise UserError(
            f"{options.file}: no such file. Expected a table whose name ends in {kinds}, or a text that ends in "
            f"{frames.PACKED}. Correct its name or place."
        )
    if options.split == "row" and (options.group or options.groups):
        raise UserError("--split row: parts groups, which --group and --groups keep together. Leave one of them out.")
    if options.split in DRAWN:
        rest = ["--split", options.split, *rest]
    follow_links("--follow-links" in named)
    views(options.window, options.plane, options.volume, options.series)
    name = re.sub(r"[^a-z0-9]+", "-", (options.name or options.file.stem).lower()).strip("-")
    if not name[:1].isalpha():
        raise UserError(f"--name {name!r}: expected a name that begins with a letter.")
    table = options.file.resolve()
    root = (options.root or table.parent).resolve()
    if not table.is_relative_to(root):
        raise UserError(f"--root {options.root}: does not hold {options.file}. Name a folder above both.")
    out_option = option(rest, "--out", "")
    out = Path(out_option) if out_option else Path("results") / name
    from mora_bench.cli import grid
    from mora_bench.data.readers.own import own_table

    # Errors in the options of the grid are reported before anything is written.
    asked, _ = grid.parsed(["--datasets", name, *rest], "data")
    columns = _columns(options, root)
    # Errors in options are reported before a plug-in exists to blame.
    own_table(name, table.relative_to(root), **columns)
    text = _plugin(table.relative_to(root), name, columns)
    beside = [] if out_option else ["--out", str(out)]
    plugin = out / f"{name}.py"
    fresh = not plugin.is_file()
    new = [folder for folder in (plugin.parent, *plugin.parent.parents) if not folder.exists()]
    _write(text, plugin)
    try:
        print("\n".join(_described(name, options.file, columns, plugin, root)), flush=True)
        code = grid.run(["--datasets", name, "--data-root", str(root), *beside, *_with_plugin(rest, plugin)])
    except UserError:
        # With other options a plug-in that cannot be run would be in the way.
        _remove(plugin, fresh and not (out / "records").is_dir(), new)
        raise
    finally:
        _remove(plugin, fresh and asked.plan, new)
        # Also where the grid was stopped; not where it was refused and the plug-in went.
        if plugin.is_file():
            print(f"the plug-in is {plugin}")
    if not plugin.is_file():
        print(f"the plug-in would be {plugin}; a run without --plan writes it, and commands above that name it need it")
    return code


def _with_plugin(arguments: list[str], plugin: Path) -> list[str]:
    """The options of a grid with one plug-in more, before those that they name: an option may stand only once."""
    at = next((i for i, word in enumerate(arguments) if word.partition("=")[0] == "--plugin"), None)
    if at is None:
        return [*arguments, "--plugin", str(plugin)]
    own = arguments[at].partition("=")[2]
    return [*arguments[:at], "--plugin", str(plugin), *[own] * bool(own), *arguments[at + 1 :]]


def _remove(plugin: Path, unwanted: bool, new: Sequence[Path]) -> None:
    """Remove a plug-in, what Python compiled of it, and of the folders that were made for it those that are empty."""
    if unwanted:
        compiled = Path(cache_from_source(str(plugin)))
        for file in (plugin, compiled):
            file.unlink(missing_ok=True)
        for folder in (compiled.parent, *new):
            with suppress(OSError):
                folder.rmdir()


def _write(text: str, plugin: Path) -> None:
    """Write the plug-in; another one of that name is not written over.

    Raises:
        UserError: another one exists.
    """
    if plugin.is_file() and plugin.read_text() != text:
        raise UserError(
            f"{plugin}: is there, with other columns or with changes of yours. Run it as it is (`grid --plugin`), "
            "remove it, or give another --name."
        )
    write_atomic(plugin, text.encode())


def _described(name: str, file: Path, columns: dict[str, Any], plugin: Path, root: Path) -> list[str]:
    """Lines about a table: its task, what it holds, and how its columns were read."""
    from mora_bench import registry
    from mora_bench.data import datasets
    from mora_bench.data.readers.own import notes, signal_notes, text_notes
    from mora_bench.data.readers.own_columns import Columns
    from mora_bench.doctor.holds import diagnosis

    registry.load_plugins([plugin])
    named = Columns(**columns)
    lines = notes(file.resolve(), named)
    table, whole = datasets.with_left_out(name, root)
    lines += [*text_notes(named, whole), *signal_notes(named, whole)]
    without = len(whole) - len(table)
    lines += [f"WARNING: {without} rows have nothing of any modality and are left out."] * bool(without)
    return [f"{name}: {file}, {table.task}", diagnosis(table), *(f"  {line}" for line in lines)]


def _groups(file: Path | None, root: Path, beside: Path) -> str:
    """The path of a file of groups, from the table's folder on where it lies below the root."""
    if file is None:
        return ""
    if not file.is_file():
        raise UserError(f"--groups {file}: no such file. Expected a table with the columns id and group.")
    real = file.resolve()
    return Path(os.path.relpath(real, beside)).as_posix() if real.is_relative_to(root) else str(real)


def _columns(options: DataOptions, root: Path) -> dict[str, Any]:
    """The arguments of `own_table` about the columns; defaults are left out, so that cells keep their keys."""
    folders = tuple(_below(folder, root, options.file.resolve().parent) for folder in options.pictures)
    arguments = {
        "labels": options.labels, "grades": options.grades,
        "time": options.time, "event": options.event, "horizons": _numbers("--horizons", options.horizons),
        "image": options.image, "text": options.text, "table": options.table,
        "id": options.id, "patient": options.patient, "covariates": options.covariates,
        "pictures": folders[0] if len(folders) == 1 else folders,
        "window": options.window, "plane": options.plane, "series": options.series,
        "volume": options.volume[0] if len(options.volume) == 1 else options.volume,
        "groups": _groups(options.groups, root, options.file.resolve().parent), "join": options.join,
        "empty_patient": options.empty_patient,
        "separator": options.separator,
        "empty_label": options.empty_label, "uncertain": options.uncertain, "none_label": options.none_label,
        "exclusive": options.exclusive or None, "absent_pictures": options.absent_pictures,
        "vector": options.vector, "signal": options.signal, "group": options.group, "weights": options.weights,
        "split": "" if options.split in DRAWN else options.split,
    }  # fmt: skip
    return {key: value for key, value in arguments.items() if value not in (None, (), "", REFUSE)}


def _numbers(option: str, words: Sequence[str]) -> tuple[float, ...]:
    """Numbers with blanks or commas between them."""
    try:
        return tuple(float(part) for word in words for part in word.split(",") if part)
    except ValueError:
        raise UserError(f"{option} {' '.join(words)}: expected numbers, such as 30 90 365.") from None


def _below(folder: Path, root: Path, beside: Path) -> str:
    """A folder of pictures that lies below the root, from the folder of the table on.

    Raises:
        UserError: it does not.
    """
    absolute = folder if folder.is_absolute() else Path.cwd() / folder
    chosen = next((path for path in (absolute, beside / folder, root / folder) if inside(path, root)), None)
    if chosen is None:
        raise UserError(
            f"--pictures {folder}: not below {root}. Name a folder above both by --root, or move it there, or link it "
            "and say --follow-links."
        )
    real = chosen.resolve()
    below = real if real.is_relative_to(root) else Path(os.path.abspath(chosen))
    return Path(os.path.relpath(below, beside)).as_posix()


def _plugin(table: Path, name: str, columns: dict[str, Any]) -> str:
    """The plug-in file of a table; the same options give the same file, so that its cells keep their keys."""
    lines = [
        f"    {name!r},",
        f"    {table.as_posix()!r},",
        *(f"    {key}={value!r}," for key, value in columns.items()),
    ]
    arguments = "\n" + "\n".join(lines) + "\n"
    # The name stands in a docstring, which no quote or line of it may end.
    file = re.sub(r"[^\w .,()+-]", "?", table.name)
    return FILE.format(file=file, variable=name.replace("-", "_").upper(), arguments=arguments)

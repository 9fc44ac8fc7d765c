"""import: predictions that were made elsewhere, as a row of our tables."""

import re
from dataclasses import dataclass
from pathlib import Path

import tyro

from mora_bench import registry
from mora_bench.cli.common import OnTrained
from mora_bench.cli.options import parse
from mora_bench.cli.report import show
from mora_bench.errors import UserError
from mora_bench.files import write_atomic
from mora_bench.records.schema import Record
from mora_bench.records.store import DONE, Store
from mora_bench.text import visible

#: The most characters that may say how predictions were adapted at test.
LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class ImportOptions(OnTrained):
    """Score predictions of your own code by the protocol of a cell, and show them in its table, marked as not run here.

    First `--template FILE.csv` writes what is to be predicted: every validation and test sample under every pattern
    that it can show, and the training samples as the mask shows them. Then FILE.csv, filled in, becomes a row.
    """

    folder: tyro.conf.Positional[Path]
    """results folder with the cell's record in it; the row is added to it"""
    predictions: tyro.conf.Positional[Path | None] = None
    """a table (CSV, Excel, Parquet) of id, pattern and one column of probabilities a label; or safetensors of the same,
    which cannot tell that its values were scrambled when they were written: save np.ascontiguousarray(values), or
    prefer a table"""
    like: str = ""
    """key of the cell whose data, masks, seed and scoring are meant; see FOLDER/records"""
    name: str = "mine"
    """what the row is called"""
    adapts: str = ""
    """how your code adapted to the unlabelled test samples, if it did, in words that follow its name, e.g. "updates
    its batch norms on them"; tables say so"""
    template: Path | None = None
    """write what is to be predicted to this CSV, and do nothing else"""


def run(arguments: list[str]) -> int:
    options = parse(ImportOptions, "import", arguments)
    options.begin()
    if (options.predictions is None) == (options.template is None):
        raise UserError("give either a file of predictions, or --template FILE.csv to write what is to be predicted.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", options.name):
        raise UserError(f"--name {options.name!r}: write it with small letters, digits, -, _ and . alone.")
    if options.name in {*registry.names(registry.METHODS), *registry.names(registry.PREDICTORS)}:
        raise UserError(f"--name {options.name!r} is a competitor of this suite; choose another name.")
    if visible(options.adapts) != options.adapts or len(options.adapts) > LONGEST:
        raise UserError(f"--adapts: expected one line of at most {LONGEST} characters that can be seen.")
    store = Store(options.folder)
    record = _record(store, options.like)
    like = record.cell
    if like.source == "real" and options.data_root is None:
        raise UserError(f"{like.label}: it is on real data; say where they are with --data-root.")
    if like.gaps or like.tested_gaps:
        raise UserError(
            f"--like {options.like}: its signals have gaps ({like.gaps_in_words}); no template says which values are "
            "lost, so predictions on other values would stand among its rows. Name a cell without gaps."
        )
    from mora_bench.training import import_predictions

    root = options.data_root if like.source == "real" else None
    runtime = options.runtime(options.folder, data_root=root)
    if options.template is not None:
        frame = import_predictions.template(like, runtime)
        write_atomic(options.template, frame.to_csv(index=False).encode())
        print(f"{len(frame)} rows to predict like {like.label}: {options.template}")
        if record.data is not None and "worth" in record.data.realised["train"]:
            print(
                "training draws the rows of train in proportion to the weights of the table: draw or weigh yours alike"
            )
        return 0
    assert options.predictions is not None
    rows, labels = import_predictions.read(options.predictions)
    cell = import_predictions.as_cell(like, options.name)
    outcome = import_predictions.outcome(cell, rows, labels, runtime, options.adapts)
    store.check_writable()
    store.write(cell, outcome.record, outcome.predictions, outcome.scores, split=outcome.split)
    from mora_bench.campaign import report

    show(report(options.folder))
    print(f"{options.name}: scored like {like.label} ({store.record_file(cell)})")
    return 0


def _record(store: Store, key: str) -> Record:
    """The finished record of a key; a UserError that lists some keys, if there is none."""
    record = store.record_of(key) if re.fullmatch("[0-9a-f]{16}", key) else None
    if isinstance(record, Record) and record.status == DONE:
        return record
    records = [other for other in store.records()[0] if other.status == DONE]
    listed = "; ".join(f"{other.key} {other.cell.label}" for other in records[:5])
    raise UserError(f"--like {key!r} names no finished record of {store.folder}. There are: {listed or 'none'}, ...")

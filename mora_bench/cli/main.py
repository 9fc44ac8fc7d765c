"""Hands the command line to the verb it names, and turns what can go wrong into one sentence and an exit code."""

import os
import signal
import sys
from contextlib import suppress
from importlib import import_module

from mora_bench.cli.options import OptionsRead
from mora_bench.cli.output import answering, readable
from mora_bench.engines.contract import Detached
from mora_bench.errors import UserError
from mora_bench.text import doors

VERBS = {
    "grid": "train methods over a grid of datasets, missing rates, ranks, blocks, seeds; write tables",
    "data": "the same on a CSV file of your own, whose columns you name",
    "new": "write a commented file to start a method, imputer, dataset or mechanism of your own from",
    "predict": "apply a cell that was trained with --save-adapters to new records, whatever they lack",
    "status": "say how far the grids of a results folder are, and who runs what",
    "report": "write the tables of a results folder again, from its files alone",
    "import": "score predictions of your own code by our protocol, and show them in a table",
    "compare": "hold one results folder against another, cell by cell",
    "claims": "list what was published, and whether our own results say the same",
    "verify": "re-read a results folder and name what is corrupt, edited, cut, foreign or left over",
    "merge": "copy the cells of several results folders into one; refuses what contradicts",
    "pack": "put the finished cells of a results folder into a few columnar files, which every verb reads",
    "unpack": "give the cells of a packed results folder their own files back, to the byte",
    "publish": "write what a results folder found, and a card, as others may have it; nothing of any patient",
    "export": "write every stored prediction as one table, for a statistician",
    "rescore": "score the predictions of a results folder under another protocol, without training",
    "rerun": "train the cells of a results folder again, for their predictions, and compare the scores",
    "tune": "find each method's learning rates, decay and rank on validation samples, with the same budget",
    "list": "show datasets, methods with what they read, imputers, backbones, presets and all else that has a name",
    "costs": "show what a backbone and methods cost, as we count and as fvcore, thop, peft and others do",
    "doctor": "say what a data folder holds, what is absent, and what is naturally missing",
    "prepare": "check a data folder and decode it into the cache",
    "check": "say in plain words whether a method, a dataset or whatever else of your own keeps its contract",
    "twin": "write an embedded twin to a folder, in the published layout of its original",
    "pretrain": "pre-train one of the backbones that ship with the package: small, small-dual",
}
#: Verbs that are no names of Python modules.
MODULES = {"import": "imports"}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb. Returns the exit code: 0, 1 if a cell failed, 2 for wrong input, 130 for Ctrl-C."""
    readable()
    with doors():
        return _main(arguments)


def _main(arguments: list[str] | None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    verb, rest = arguments[0], arguments[1:]
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    before = None
    with suppress(ValueError):
        # SIGTERM is as clean as Ctrl-C. (Only the main thread may say so.)
        before = signal.signal(signal.SIGTERM, _stop)
    try:
        if verb == "--version":
            from importlib.metadata import version

            print(version("mora-bench"))
            return 0
        if verb not in VERBS:
            from mora_bench.registry import did_you_mean

            raise UserError(f"unknown verb {verb!r}; known: {', '.join(VERBS)}.{did_you_mean(verb, VERBS)}")
        with answering("--json" in rest):
            return import_module(f"mora_bench.cli.{MODULES.get(verb, verb)}").run(rest)
    except KeyboardInterrupt:
        print("\nmora_bench: stopped. Finished cells are kept; the same command goes on from there.", file=sys.stderr)
        return 130
    except (Exception, SystemExit) as error:
        return _ended(error, arguments)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _ended(error: Exception | SystemExit, arguments: list[str]) -> int:
    """Say in one sentence what ended a verb; the exit code."""
    if isinstance(error, OptionsRead):
        raise error
    if isinstance(error, BrokenPipeError):
        # The reader of our output (head, less) has exited. The verb may not have finished: 128 + SIGPIPE.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    code, text = (1 if isinstance(error, Detached) else 2), str(error)
    if isinstance(error, OSError):
        # A disk that is full or gone, a file that may not be read.
        code, text = 1, f"{error.filename or _folders()}: {error.strerror or error}. What was finished before is kept."
    elif isinstance(error, SystemExit):
        text = f"a plug-in or a library called sys.exit({error.code!r}); nothing more was done."
    elif not isinstance(error, UserError | Detached):
        code, text = 1, _unforeseen(error, arguments)
    print(f"mora_bench: {text}", file=sys.stderr)
    return code


def _folders() -> str:
    """Where a file may lie that an error does not name."""
    import tempfile

    from mora_bench.cells.runtime import default_cache

    return f"a file in the results folder, in {default_cache()} or in {tempfile.gettempdir()}"


def _unforeseen(error: Exception, arguments: list[str]) -> str:
    """Keep the trace of an error of ours in a file, and say where; MORA_BENCH_TRACE=1 shows it instead."""
    if os.environ.get("MORA_BENCH_TRACE"):
        raise error
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="mora_bench-", suffix=".log", delete=False, errors="replace") as log:
        log.write(f"mora_bench {' '.join(arguments)}\n\n" + "".join(traceback.format_exception(error)))
    text = " ".join(str(error).split())[:300]
    return (
        f"{type(error).__name__}: {text}. This should not happen; the trace is in {log.name}. What was finished before "
        "is kept."
    )


def _stop(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _usage() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:{width}}  {summary}" for verb, summary in VERBS.items())
    return f"usage: python -m mora_bench VERB [OPTIONS]\n\n{verbs}\n\npython -m mora_bench VERB --help: its options"

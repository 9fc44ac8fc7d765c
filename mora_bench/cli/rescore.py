"""rescore: other scores of the same predictions."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mora_bench import registry
from mora_bench.cli.common import OnTrained
from mora_bench.cli.options import parse
from mora_bench.cli.report import show
from mora_bench.errors import UserError
from mora_bench.text import number_of


@dataclass(frozen=True, kw_only=True)
class RescoreOptions(OnTrained):
    """Score the stored predictions of a results folder under another protocol, without training."""

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ and predictions/ in it"""
    test_mechanism: str | None = None
    """how samples lose modalities when scores are taken; as in training if not given"""
    strength: float = 1.0
    """how much that mechanism departs from chance, 0 or more"""
    mask_unit: Literal["sample", "patient"] = "sample"
    """what loses a modality: a sample, or a patient with all samples"""
    test_rate: float | None = None
    """how many lose one; as in training if not given"""
    as_: Annotated[str, tyro.conf.arg(name="as")] = ""
    """whose scores: scikit-learn, torchmetrics, torchmetrics:N (its thresholds=N), torcheval, monai or ignite, in
    tables of their own; ours if not given. docs/tools.md says where they differ"""


def run(arguments: list[str]) -> int:
    options = parse(RescoreOptions, "rescore", arguments)
    if not 0 <= options.strength < float("inf"):
        raise UserError(f"--strength is {options.strength}; expected a number of 0 or more.")
    if options.strength != 1.0 and not options.test_mechanism:
        raise UserError("--strength says how far a mechanism departs from chance: give --test-mechanism, too.")
    if options.mask_unit != "sample" and not options.test_mechanism:
        raise UserError("--mask-unit says from whom a mechanism takes: give --test-mechanism, too.")
    options.begin()
    if options.test_mechanism:
        registry.check(registry.MECHANISMS, options.test_mechanism.partition(":")[0])
    from mora_bench import campaign
    from mora_bench.cells.cell import Scoring
    from mora_bench.cells.missing import Missing
    from mora_bench.tasks import conventions

    conventions.check(options.as_)
    from mora_bench.plan.mask_audit import audited
    from mora_bench.training.rescore import rescore

    missing = None
    if options.test_mechanism:
        missing = Missing(options.test_mechanism, options.strength, options.mask_unit)
    runtime = options.runtime(options.folder)
    scored, left = rescore(options.folder, Scoring(missing, options.test_rate, convention=options.as_), runtime)
    for warning in audited(scored, runtime) if missing is not None and missing.brought else ():
        print(warning, file=sys.stderr)
    for reason in left:
        print(f"left out: {reason}", file=sys.stderr)
    if not scored:
        print(f"{options.folder}: no cell was scored again; nothing was written.", file=sys.stderr)
        return 1
    show(campaign.report(options.folder))
    print(f"{number_of(len(scored))} scored again")
    return 0

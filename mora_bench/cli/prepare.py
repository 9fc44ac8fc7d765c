"""prepare: decode a data folder once, before the first grid."""

from dataclasses import dataclass
from pathlib import Path

from mora_bench import registry
from mora_bench.cli.common import OnData
from mora_bench.cli.options import parse
from mora_bench.errors import UserError


@dataclass(frozen=True, kw_only=True)
class PrepareOptions(OnData):
    """Check a data folder and decode everything into the cache, so that the first grid need not."""

    datasets: tuple[str, ...] = ("odir", "cxr")
    backbone: str = "small"
    """whose picture sizes and vocabulary to prepare for"""
    max_text: int = 128
    """tokens after which a text is cut (recipe.max_text of the grid that will run)"""
    workers: int | None = None
    """processes that decode; all cores if not given"""


def run(arguments: list[str]) -> int:
    options = parse(PrepareOptions, "prepare", arguments)
    options.begin()
    if not options.datasets:
        raise UserError("--datasets is empty; give at least one value.")
    for name in options.datasets:
        registry.check(registry.DATASETS, name)
    from mora_bench.cells.runtime import cores
    from mora_bench.doctor.holds import diagnosis
    from mora_bench.training.decoded import samples

    workers = options.workers or cores()
    runtime = options.runtime(Path(), workers=workers)
    for name in options.datasets:
        data = samples(name, options.backbone, options.max_text, runtime)
        print(f"{name} ({data.table.source})\n{diagnosis(data.table)}")
        for modality, facts in data.facts().items():
            print("".join(f"  {modality}: {fact} {value}\n" for fact, value in facts.items()), end="")
    return 0

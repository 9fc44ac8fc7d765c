"""prepare: decode a data folder once, before the first grid."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mora_bench import registry
from mora_bench.cli.options import parse
from mora_bench.data.readers.links import follow_links
from mora_bench.data.rehash import rehash
from mora_bench.errors import UserError


@dataclass(frozen=True)
class PrepareOptions:
    """Check a data folder and decode everything into the cache, so that the first grid need not."""

    data_root: Path | None = None
    """folder with the real datasets; without it the twins are drawn"""
    follow_links: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """allow links in the data folder that lead out of it"""
    rehash: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """read all data anew, whatever is remembered of files by size, times and inode"""
    datasets: tuple[str, ...] = ("odir", "cxr")
    backbone: str = "small"
    """whose picture sizes and vocabulary to prepare for"""
    max_text: int = 128
    """tokens after which a text is cut (recipe.max_text of the grid that will run)"""
    workers: int | None = None
    """processes that decode; all cores if not given"""
    plugin: tuple[Path, ...] = ()
    """Python files that define datasets or kinds of content of your own"""


def run(arguments: list[str]) -> int:
    options = parse(PrepareOptions, "prepare", arguments)
    registry.load_plugins(options.plugin)
    follow_links(options.follow_links)
    if not options.datasets:
        raise UserError("--datasets is empty; give at least one value.")
    for name in options.datasets:
        registry.check(registry.DATASETS, name)
    from mora_bench.cells.runtime import Runtime, cores, default_cache
    from mora_bench.doctor.holds import diagnosis
    from mora_bench.training.decoded import samples

    workers = options.workers or cores()
    rehash(options.rehash, default_cache())
    runtime = Runtime(out=Path(), data_root=options.data_root, cache=default_cache(), workers=workers)
    for name in options.datasets:
        data = samples(name, options.backbone, options.max_text, runtime)
        print(f"{name} ({data.table.source})\n{diagnosis(data.table)}")
        for modality, facts in data.facts().items():
            print("".join(f"  {modality}: {fact} {value}\n" for fact, value in facts.items()), end="")
    return 0

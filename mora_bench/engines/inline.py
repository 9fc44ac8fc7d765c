"""One bundle of cells after the other, in this process: for debuggers, and for a single GPU."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime
from mora_bench.engines.contract import Bundle, Engine, Lost, Work


class Inline(Engine):
    title = "in this process, one after the other"

    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        for bundle in bundles:
            work(bundle, replace(runtime, workers=1))
            yield from bundle

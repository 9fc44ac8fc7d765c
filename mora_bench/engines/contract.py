"""The contract of an engine: it runs bundles of cells through a function it is handed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime

Bundle = Sequence[Cell]
#: Runs a bundle and leaves a record of each cell, whatever happens; it can be sent to another process.
Work = Callable[[Bundle, Runtime], None]
#: Leaves the record of a cell whose process did not come back, with the reason.
Lost = Callable[[Cell, Runtime, str], None]


class Engine(ABC):
    """Subclass it, finally. It knows resources and processes, nothing of training; the state is in the records."""

    group: ClassVar[str] = registry.ENGINES
    title: ClassVar[str]

    @abstractmethod
    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        """Run every bundle once; yields each cell when its record is there, in any order.

        A bundle of several cells whose process is lost is tried again, cell by cell; of a single cell `lost` is told.
        Closing the iterator (as an exception does) stops what is running and hands out nothing more.
        """

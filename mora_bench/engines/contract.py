"""The contract of an engine: it runs bundles of cells through a function it is handed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from mora_bench import registry
from mora_bench.cells.cell import Cell
from mora_bench.cells.runtime import Runtime

Bundle = Sequence[Cell]
#: Runs a bundle and writes a record of each cell, whatever happens; it can be sent to another process.
Work = Callable[[Bundle, Runtime], None]
#: Writes the record of a cell whose process died, with the reason.
Lost = Callable[[Cell, Runtime, str], None]


class Detached(Exception):
    """Jobs go on without the command that submitted them; the message says what to do."""


class Engine(ABC):
    """Subclass it directly. It manages resources and processes, not training; all state is in the records."""

    group: ClassVar[str] = registry.ENGINES
    title: ClassVar[str]
    #: Whether cells run on other machines, whose devices this one need not have.
    elsewhere: ClassVar[bool] = False

    def ready(self, runtime: Runtime) -> None:  # noqa: B027 (some engines run anywhere)
        """Raise UserError if it could not run anything here, before anything is computed."""

    @abstractmethod
    def run(self, bundles: Sequence[Bundle], runtime: Runtime, work: Work, lost: Lost) -> Iterator[Cell]:
        """Run every bundle once; yields each cell when its record is there, in any order.

        If the process of a bundle of several cells dies, its cells are tried again one by one. If the process of a
        single cell dies, `lost` is called. Closing the iterator, as an exception does, stops what is running.

        Raises:
            Detached: jobs go on, and the command need not wait for them.
        """

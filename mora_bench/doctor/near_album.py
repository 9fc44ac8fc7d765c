"""The pictures of a table by content and by slot: those of one slot can be compared."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, field, replace
from typing import Any

from mora_bench.data.modalities.bag import Bag, chosen
from mora_bench.data.modalities.image import Image, PictureFile
from mora_bench.data.table import Table
from mora_bench.files import FileHashes

#: A modality and the number of a picture in it, such as the left eye; -1 for a bag, whose pictures have no order.
Slot = tuple[str, int]


@dataclass
class Album:
    """The pictures of a table.

    Attributes:
        numbers: of each distinct content, by fingerprint, its number.
        pictures: one of each content.
        names: their file names.
        holders: by slot and content, the rows of the samples that hold it, in order.
        fixed: of each row the content in each slot but those of bags.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    pictures: list[Any] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    holders: dict[Slot, dict[int, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    fixed: dict[int, dict[Slot, int]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, row: int, slot: Slot, fingerprint: str, picture: Any) -> None:
        number = self.numbers.setdefault(fingerprint, len(self.pictures))
        if number == len(self.pictures):
            self.pictures.append(picture)
            path = getattr(picture, "path", None)
            self.names.append(type(picture).__name__ if path is None else path.name)
        self.holders[slot].setdefault(number, []).append(row)
        if slot[1] >= 0:
            self.fixed[row][slot] = number

    def without(self, contents: Set[int]) -> "Album":
        """The same, but nobody holds these contents."""
        holders = {
            slot: {number: rows for number, rows in by_content.items() if number not in contents}
            for slot, by_content in self.holders.items()
        }
        fixed: dict[int, dict[Slot, int]] = defaultdict(dict)
        for row, slots in self.fixed.items():
            fixed[row] = {slot: number for slot, number in slots.items() if number not in contents}
        return replace(self, holders=holders, fixed=fixed)


def album(table: Table, hashes: FileHashes, note: Callable[[str], None]) -> Album:
    """All pictures of a table; of a bag those that a network is shown. Those that cannot be opened are noted."""
    collected, wrong = Album(), []
    for row, slot, picture in _pictures(table):
        try:
            file = isinstance(picture, PictureFile)
            collected.add(row, slot, hashes.of(picture.path) if file else picture.fingerprint(), picture)
        except OSError as error:
            wrong.append(str(error))
    if wrong:
        note(f"{len(wrong)} pictures cannot be opened and are compared with none, e.g. {wrong[0]}")
    return collected


def _pictures(table: Table) -> Iterator[tuple[int, Slot, Any]]:
    for name, column in table.modalities.items():
        kind = table.kind(name)
        if not isinstance(kind, Image):
            continue
        bag = isinstance(kind, Bag)
        for row, value in enumerate(column.values):
            pictures = list(value or ())
            if bag:
                pictures = chosen([picture for picture in pictures if picture is not None])
            for number, picture in enumerate(pictures):
                if picture is not None:
                    yield row, (name, -1 if bag else number), picture

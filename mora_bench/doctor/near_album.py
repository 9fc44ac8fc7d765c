"""The pictures of a table by content and by place: what can be compared with what."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mora_bench.data.modalities.bag import Bag, chosen
from mora_bench.data.modalities.image import Image, PictureFile
from mora_bench.data.table import Table
from mora_bench.files import FileHashes

#: A modality and which of its pictures, such as the left eye; -1 for a bag, whose pictures have no places.
Place = tuple[str, int]


@dataclass
class Album:
    """The pictures of a table.

    Attributes:
        numbers: of each distinct content, by fingerprint, its number.
        pictures: one of each content.
        names: their file names.
        holders: at each place and of each content there the rows of the samples that hold it, in order.
        fixed: of each row the content at each place but those of bags.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    pictures: list[Any] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    holders: dict[Place, dict[int, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    fixed: dict[int, dict[Place, int]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, row: int, place: Place, fingerprint: str, picture: Any) -> None:
        number = self.numbers.setdefault(fingerprint, len(self.pictures))
        if number == len(self.pictures):
            self.pictures.append(picture)
            path = getattr(picture, "path", None)
            self.names.append(type(picture).__name__ if path is None else path.name)
        self.holders[place].setdefault(number, []).append(row)
        if place[1] >= 0:
            self.fixed[row][place] = number


def album(table: Table, hashes: FileHashes, note: Callable[[str], None]) -> Album:
    """All pictures of a table; of a bag those that a network is shown. Those that cannot be opened are noted."""
    made, wrong = Album(), []
    for row, place, picture in _pictures(table):
        try:
            file = isinstance(picture, PictureFile)
            made.add(row, place, hashes.of(picture.path) if file else picture.fingerprint(), picture)
        except OSError as error:
            wrong.append(str(error))
    if wrong:
        note(f"{len(wrong)} pictures cannot be opened and are compared with none, e.g. {wrong[0]}")
    return made


def _pictures(table: Table) -> Iterator[tuple[int, Place, Any]]:
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

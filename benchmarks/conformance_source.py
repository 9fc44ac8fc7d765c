"""A source of real files for the conformance table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

#: What a source says of the values of a file that holds no picture, and that has to be refused.
NO_PICTURE = "no picture"


@dataclass(frozen=True)
class Source:
    """The real files that a package ships, and a reader of them that is not ours.

    Attributes:
        package, reader: names with versions, as the table prints them.
        files: all that the package ships of a kind, broken ones and those that are no pictures too.
        kind: of a file, how it is packed and what its values mean, or `NO_PICTURE`: transfer syntax and photometric
            interpretation, say.
        ours: the pictures that mora_bench shows of a file, uint8 [H, W, 3]. Raises UserError where it refuses.
        theirs: the same pictures by the other reader; None where that cannot read the file.
        tolerance: the most grey levels by which two pictures may differ at a pixel, and on average over the pixels,
            for a file. Lossy files need room: decoders may round.
    """

    package: str
    reader: str
    files: Sequence[Path]
    kind: Callable[[Path], tuple[str, str]]
    ours: Callable[[Path], Sequence[np.ndarray]]
    theirs: Callable[[Path], Sequence[np.ndarray] | None]
    tolerance: Callable[[Path], tuple[float, float]] = lambda file: (1, 1)

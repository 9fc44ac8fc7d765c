"""Missing as a file says: a mask that somebody brought, so that any generator can be used."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mora_bench.missing import supplied_mask
from mora_bench.missing.contract import Context, Known, Mechanism


class MaskFile(Mechanism):
    """Nothing is drawn: each unit keeps what its row says. A pattern says of which modalities the rows are obeyed:
    "both" of all, "image" of the image alone.

    Where a row keeps what the unit does not have, it does not have it; where a row leaves nothing of what it has, it
    keeps all, as under every mask.
    """

    title = "as a file says: a mask that somebody brought"
    source = "whoever made the file"
    reads = ("brought",)
    takes = (
        "a table (.csv, .csv.gz, .parquet) of id, one column a modality (1 kept, 0 lost), and optionally side and "
        "seed, e.g. mask:mine.csv; or mask:DIGEST, of a mask that lies in the results folder"
    )
    graded = False
    rated = False

    def draw(self, context: Context, rate: float, strength: float) -> np.ndarray:
        kept = np.ones_like(context.natural)
        columns = sorted({m for taken in context.taken for m in taken})
        kept[:, columns] = context.brought[:, columns]
        return kept

    def problem(self, argument: str, known: Known) -> str | None:
        return None if argument else f"it takes {self.takes}"

    def settled(self, argument: str, known: Known) -> str:
        if supplied_mask.is_digest(argument):
            return supplied_mask.known(argument).digest
        return supplied_mask.read(Path(argument), known.modalities).digest

    def rate_of(self, argument: str, taken: Sequence[Sequence[int]], side: str) -> float:
        return supplied_mask.known(argument).rate({m for columns in taken for m in columns}, side)

"""ODIR as three modalities: the left eye, the right eye, the keywords."""

from dataclasses import replace

from mora_bench.data.datasets import ODIR
from mora_bench.data.table import Column, Table


def apart(table: Table) -> Table:
    """The same patients with one modality per eye; either may be naturally missing."""
    pairs = table.modalities["image"].values
    sides = enumerate(("left", "right"))
    eyes = {name: Column("image", tuple((pair[side],) for pair in pairs)) for side, name in sides}
    keywords = {"keywords": table.modalities["text"]}
    return replace(table, name="odir-eyes", modalities=eyes | keywords)


ODIR_EYES = ODIR.seen_as("ODIR-5K in three modalities: left eye, right eye, keywords", apart)

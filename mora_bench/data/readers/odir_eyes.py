"""ODIR as three modalities: the left eye, the right eye, the keywords."""

from dataclasses import replace
from pathlib import Path

from mora_bench.data.contract import Dataset
from mora_bench.data.readers import odir
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import tables as twins


def apart(table: Table) -> Table:
    """The same patients with one modality per eye; either may be naturally missing."""
    pairs = table.modalities["image"].values
    sides = enumerate(("left", "right"))
    eyes = {name: Column("image", tuple((pair[side],) for pair in pairs)) for side, name in sides}
    keywords = {"keywords": table.modalities["text"]}
    return replace(table, name="odir-eyes", modalities=eyes | keywords)


def read(root: Path) -> Table:
    """ODIR below `root`, eyes apart; raises as `odir.read` does."""
    return apart(odir.read(root))


def twin() -> Table:
    """The ODIR twin, eyes apart."""
    return apart(twins.odir())


ODIR_EYES = Dataset("ODIR-5K in three modalities: left eye, right eye, keywords", odir.find, read, twin, odir.SOURCE)

"""Indiana's chest X-rays study by study: frontal films, lateral films and the report as three modalities."""

from pathlib import Path

import pandas as pd

from mora_bench.data.contract import Dataset
from mora_bench.data.modalities.image import PictureFile
from mora_bench.data.readers import cxr
from mora_bench.data.table import Column, Table
from mora_bench.data.twins import ceilings
from mora_bench.data.twins import tables as twins
from mora_bench.errors import UserError


def read(root: Path) -> Table:
    """One sample per report that has findings or an impression, with all of its films, each view as a bag.

    A study without a film of one view lacks that modality. Raises as `cxr.read` does.
    """
    tables = cxr.published(root)
    reports = tables.reports[[bool(text) for text in cxr.texts(tables.reports)]]
    if reports.empty:
        file = tables.file.with_name(cxr.REPORTS)
        raise UserError(f"{file}: no report has findings or impression. Download it again.")
    return _table(tables, reports)


def everybody(root: Path) -> Table:
    """As `read`, with the reports that have neither findings nor impression."""
    tables = cxr.published(root)
    return _table(tables, tables.reports)


def _table(tables: cxr.PublishedTables, reports: pd.DataFrame) -> Table:
    films: dict[tuple[str, str], list[PictureFile]] = {}
    for uid, name, view in tables.projections[["uid", "filename", "projection"]].itertuples(index=False):
        path = tables.film(uid, name)
        if path is not None:
            films.setdefault((uid, view), []).append(PictureFile(path))
    uids = tuple(reports["uid"])
    return Table(
        name="cxr-views",
        source="real",
        labels=cxr.LABELS,
        ids=uids,
        patients=uids,
        modalities={
            view.lower(): Column("bag", tuple(tuple(films.get((uid, view), ())) or None for uid in uids))
            for view in cxr.VIEWS
        }
        | {"report": Column("text", tuple(text or None for text in cxr.texts(reports)))},
        targets=cxr.targets(reports),
    )


CXR_VIEWS = Dataset(
    "Indiana University chest X-rays in three modalities: frontal films, lateral films, report; 20 labels",
    cxr.find,
    read,
    twins.cxr_views,
    "openi.nlm.nih.gov",
    twins.cxr_views,
    ceilings.cxr_views,
    "Indiana CXR",
    everybody=everybody,
)

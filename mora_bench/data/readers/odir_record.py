"""ODIR with the patient's record as a third modality: age and sex beside pictures and keywords."""

from dataclasses import replace

from mora_bench.data.datasets import ODIR
from mora_bench.data.table import Column, Table
from mora_bench.errors import UserError


def recorded(table: Table) -> Table:
    """The same patients with age and sex as a modality; the covariates stay what mechanisms may read.

    Raises:
        UserError: an age is no number.
    """
    records = tuple(
        {"age": _age(age, patient), "sex": sex or None}
        for patient, age, sex in zip(table.ids, table.covariates["age"], table.covariates["sex"], strict=True)
    )
    names = {"image": table.modalities["image"], "keywords": table.modalities["text"]}
    return replace(table, name="odir-record", modalities=names | {"record": Column("table", records)})


def _age(text: str | int, patient: str) -> float | None:
    if text == "":
        return None
    try:
        return float(text)
    except ValueError:
        raise UserError(f"ODIR, ID {patient}: Patient Age is {text!r}, expected a number. Correct the table.") from None


ODIR_RECORD = ODIR.seen_as("ODIR-5K in three modalities: eyes, keywords, age and sex", recorded)

"""ODIR and CXR without the words that name their labels: what is left of a text when it must not say the answer.

ODIR's keywords determine its labels almost wholly, and CXR's reports name most of theirs. What a method still reads
here it reads from other words, or from the picture.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from mora_bench.data.datasets import CXR, ODIR
from mora_bench.data.table import Column, Table

#: Beginnings of words that name a label of ODIR or the disease that it stands for, and of those that ODIR's keywords
#: use with no other name ("normal fundus", "dry age-related macular degeneration", "mild non proliferative ...").
OF_ODIR = (
    "normal", "fundus", "diabet", "retinopath", "proliferative", "nonproliferative", "non", "mild", "moderate",
    "severe", "glaucoma", "cataract", "dry", "wet", "macular", "age-related", "degenerat", "hypertens", "pathological",
    "myopi",
)  # fmt: skip
#: The same of CXR's labels.
OF_CXR = (
    "normal", "lung", "opaci", "cardiomegal", "enlarged", "calci", "atelecta", "granuloma", "thora", "vertebra", "scar",
    "cicatri", "spin", "spondyl", "marking", "pleura", "effusion", "aort", "diaphragm", "hemidiaphragm", "densit",
    "atheroscler", "deform", "airspace", "catheter", "indwelling", "scolio", "dextroscolio",
    "levoscolio", "nodul",
)  # fmt: skip
#: The mark that follows the words of ODIR's left eye without a blank between.
RIGHT = "Right_text:"
#: The text that is left where there are no other words, so that it does not become naturally missing.
NOTHING = "."


def without(text: str, beginnings: tuple[str, ...]) -> str:
    """A text without the words that begin so, whatever their case; parts of hyphenated words count as words."""
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, beginnings))})\w*?(?={RIGHT}|\b)", re.IGNORECASE)
    return " ".join(words.sub(" ", text).split()) or NOTHING


def _redacted(beginnings: tuple[str, ...]) -> Callable[[Table], Table]:
    def change(table: Table) -> Table:
        texts = table.modalities["text"]
        redacted = tuple(None if text is None else without(text, beginnings) for text in texts.values)
        modalities = table.modalities | {"text": Column(texts.kind, redacted)}
        return replace(table, name=f"{table.name}-redacted", modalities=modalities)

    return change


ODIR_REDACTED = ODIR.seen_as("ODIR-5K, the keywords without words that name a label", _redacted(OF_ODIR))
CXR_REDACTED = CXR.seen_as("Indiana CXR, the reports without words that name a label", _redacted(OF_CXR))

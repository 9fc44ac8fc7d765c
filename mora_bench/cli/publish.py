"""publish: a results folder as others may have it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mora_bench.cli.common import Extensible
from mora_bench.cli.options import parse
from mora_bench.text import number_of


@dataclass(frozen=True, kw_only=True)
class PublishOptions(Extensible):
    """Write a folder that is ready for a hub or a paper's supplement: records, scores, tables, page, trained adapters,
    and a card that says what they show and where they come from. Nothing of any patient is in it; nothing is uploaded.
    """

    folder: tyro.conf.Positional[Path]
    """results folder, with records/ and scores/ in it"""
    into: Path
    """a new folder"""
    title: str = ""
    """what the card is called; the results folder's name if not given"""
    license: str = ""
    """under which others may use it, as hubs write it, e.g. cc-by-4.0"""
    predictions: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """also logits and labels of every validation and test sample; of patients, if the data are real"""
    splits: bool = True
    """which samples train, validate and test, by hashed ids; leave them out where not even these may be given away"""


def run(arguments: list[str]) -> int:
    options = parse(PublishOptions, "publish", arguments)
    options.begin()
    from mora_bench.report.publish import publish

    title = options.title or options.folder.absolute().name
    published = publish(options.folder, options.into, title, options.license, options.predictions, options.splits)
    print(f"{number_of(published.cells)}, {published.adapters} with what they trained: {options.into}")
    for reason in published.left_out:
        print(f"left out: {reason}")
    print(f"card: {options.into / 'README.md'}")
    return 0

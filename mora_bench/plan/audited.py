"""What a mask that somebody brought does to the data of a grid, in words: none is trusted to be what it is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.cells.missing import Missing
from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence
from mora_bench.missing import brought
from mora_bench.missing.effects import Odds, odds_ratios
from mora_bench.plan.brought import said, units_of, uses

if TYPE_CHECKING:
    from mora_bench.data.sides import Side

#: How many odds ratios are named of each mask, the strongest first.
NAMED = 6


def audited(cells: Sequence[Cell], place: Runtime) -> Iterator[str]:
    """One paragraph for each brought mask and dataset: what it takes on the side that reads it, of the first seed, and
    from whom."""
    from mora_bench.data import datasets, sides

    looked = set()
    for cell in cells:
        for missing, names in uses(cell):
            which = (cell.dataset, missing.brought, missing.unit)
            if which in looked:
                continue
            looked.add(which)
            table, _ = datasets.fingerprinted(cell.dataset, place.data_root, place.limit, place.cache)
            name = names[0] if missing == cell.mechanism else names[-1]
            yield _paragraph(cell, missing, name, sides.sides(cell, table)[name])


def _paragraph(cell: Cell, missing: Missing, name: str, side: Side) -> str:
    from mora_bench.data.groups import groups

    mask = brought.known(missing.brought)
    kept = mask.kept(units_of(side, missing.unit), name, cell.seed)
    natural, table = side.natural, side.table
    present = presence.combine(natural, kept)
    lost = natural & ~present
    shares = ", ".join(f"{modality} {lost[:, m].mean():.0%}" for m, modality in enumerate(table.names))
    nothing, beyond = int((~(natural & kept).any(1)).sum()), int((kept & ~natural).any(1).sum())
    head = (
        f"{said(mask)} on {cell.dataset}: of {len(side)} {brought.SAID[name]} samples (seed {cell.seed}) it takes "
        f"a modality from {lost.any(1).mean():.0%} ({shares}). The mask fixes this rate; --rates has no effect."
    )
    odd = [f"{nothing} rows would remove every modality of a sample; these samples keep all"] * bool(nothing)
    odd += [f"{beyond} rows keep a modality that is missing in the data; it stays missing"] * bool(beyond)
    labels, targets = side.by_label
    traits = {f"label {label}": targets[:, c] > 0 for c, label in enumerate(labels)}
    traits |= groups(table, side)
    ratios = odds_ratios(natural, present, table.names, traits)
    return " ".join([head, *(f"{one}." for one in odd), _from_whom(ratios)])


def _from_whom(ratios: Sequence[Odds]) -> str:
    """Who loses more or less often than others, as far as that is told from chance."""
    told = sorted((one for one in ratios if one.told), key=lambda one: -abs(np.log(one.ratio)))
    looks = f"of {len(ratios)} odds ratios (labels, groups; 5 % after Holm)"
    if not ratios:
        return "It removes no modality that a sample has."
    if not told:
        return f"No significant association with missingness: none {looks} differs from 1."
    strongest = "; ".join(
        f"{one.modality} by {one.trait}: {one.ratio:.2g} ({one.low:.2g} to {one.high:.2g})" for one in told[:NAMED]
    )
    return f"It is not missing completely at random: {len(told)} {looks} differ from 1, the strongest {strongest}."

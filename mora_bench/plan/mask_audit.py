"""The effects of a mask that somebody brought on the data of a grid, in words: no mask is trusted by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mora_bench.cells.cell import Cell
from mora_bench.cells.missing import Missing
from mora_bench.cells.runtime import Runtime
from mora_bench.data import presence
from mora_bench.missing import supplied_mask
from mora_bench.missing.effects import Odds, odds_ratios
from mora_bench.plan.mask_files import mask_label, units_of, uses

if TYPE_CHECKING:
    from mora_bench.data.sides import Side

#: How many odds ratios are named of each mask, the strongest first.
NAMED = 6


def audited(cells: Sequence[Cell], runtime: Runtime) -> Iterator[str]:
    """One paragraph for each brought mask and dataset: the share that it takes on the side that reads it, of the first
    seed, and from whom."""
    from mora_bench.data import datasets, sides

    seen = set()
    for cell in cells:
        for missing, side_names in uses(cell):
            key = (cell.dataset, missing.brought, missing.unit)
            if key in seen:
                continue
            seen.add(key)
            table = datasets.table_of(cell.dataset, runtime)
            side_name = side_names[0] if missing == cell.mechanism else side_names[-1]
            yield _paragraph(cell, missing, side_name, sides.sides(cell, table)[side_name])


def _paragraph(cell: Cell, missing: Missing, side_name: str, side: Side) -> str:
    from mora_bench.data.groups import groups

    mask = supplied_mask.known(missing.brought)
    kept = mask.kept(units_of(side, missing.unit), side_name, cell.seed)
    natural, table = side.natural, side.table
    present = presence.combine(natural, kept)
    lost = natural & ~present
    shares = ", ".join(f"{modality} {lost[:, m].mean():.0%}" for m, modality in enumerate(table.names))
    emptied, lacking = int((~(natural & kept).any(1)).sum()), int((kept & ~natural).any(1).sum())
    samples = f"{len(side)} {supplied_mask.SIDE_WORDS[side_name]} samples (seed {cell.seed})"
    head = (
        f"{mask_label(mask)} on {cell.dataset}: of {samples} it takes a modality from {lost.any(1).mean():.0%} "
        f"({shares}). The mask fixes this rate; --rates has no effect."
    )
    remarks = [f"{emptied} rows would remove every modality of a sample; these samples keep all"] * bool(emptied)
    remarks += [f"{lacking} rows keep a modality that is missing in the data; it stays missing"] * bool(lacking)
    labels, targets = side.by_label
    traits = {f"label {label}": targets[:, c] > 0 for c, label in enumerate(labels)}
    traits |= groups(table, side)
    ratios = odds_ratios(natural, present, table.names, traits)
    return " ".join([head, *(f"{remark}." for remark in remarks), _from_whom(ratios)])


def _from_whom(ratios: Sequence[Odds]) -> str:
    """The groups that lose a modality more or less often than others, as far as chance does not explain it."""
    significant = sorted((odds for odds in ratios if odds.significant), key=lambda odds: -abs(np.log(odds.ratio)))
    among = f"of {len(ratios)} odds ratios (labels, groups; 5 % after Holm)"
    if not ratios:
        return "It removes no modality that a sample has."
    if not significant:
        return f"No significant association with missingness: none {among} differs from 1."
    strongest = "; ".join(
        f"{odds.modality} by {odds.trait}: {odds.ratio:.2g} ({odds.low:.2g} to {odds.high:.2g})"
        for odds in significant[:NAMED]
    )
    return (
        f"It is not missing completely at random: {len(significant)} {among} differ from 1, the strongest {strongest}."
    )

"""What doctor found, as lines of a screen."""

import textwrap

from mora_bench.data.table import Table
from mora_bench.doctor.looks import Diagnosis
from mora_bench.doctor.questions import MOST_LABELS, RARE, whole
from mora_bench.doctor.tells import BOUND

#: Letters of a line.
WIDTH = 140


def lines(found: Diagnosis, table: Table) -> list[str]:
    """A warning for each finding, the worst first, and what each costs."""
    told: list[str] = []
    for finding in sorted(found.findings, key=lambda finding: -finding.weight):
        told += textwrap.wrap(f"WARNING: {finding.seen}", WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        for line in (*finding.more, f"-> {finding.costs}"):
            told += textwrap.wrap(
                line, WIDTH, initial_indent="    ", subsequent_indent="       ", break_on_hyphens=False
            )
    told += [f"({remark})" for remark in found.remarks]
    if found.drawn < len(table):
        told.append(f"(shortcuts and words were searched in {found.drawn:,} samples of patients drawn by id)")
    if len(table.labels) > MOST_LABELS:
        told.append(f"(of {len(table.labels):,} labels only the {MOST_LABELS} most frequent ones were checked)")
    if not table.by_label[0]:
        told.append("what is asked of these samples is not one label or several, so nothing was held against it")
    elif not whole(table).labels:
        told.append(f"no label has {RARE} patients with it and {RARE} without: too few to check for shortcuts")
    elif not found.findings:
        told.append(
            "nothing found: no two patients share a picture or a text, there is no placeholder, and no id, order, "
            f"size, length, missing value, covariate or word predicts a label (AUROC significantly above {BOUND:g})"
        )
    return told


def in_one_line(found: Diagnosis) -> str | None:
    """The worst finding, and how many there are beside; None where there is none."""
    if found.worst is None:
        return None
    more = len(found.findings) - 1
    return found.worst.seen.rstrip(":") + (f" (and {more} more findings)" if more else "")

"""A diagnosis of doctor as lines of a screen."""

import textwrap

from mora_bench.data.table import Table
from mora_bench.doctor.looks import Diagnosis
from mora_bench.doctor.questions import MOST_LABELS, RARE, all_samples
from mora_bench.doctor.tells import BOUND

#: Letters of a line.
WIDTH = 140


def lines(diagnosis: Diagnosis, table: Table) -> list[str]:
    """A warning for each finding, the worst first, and what each costs."""
    screen: list[str] = []
    for finding in sorted(diagnosis.findings, key=lambda finding: -finding.weight):
        screen += textwrap.wrap(f"WARNING: {finding.seen}", WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        for line in (*finding.more, f"-> {finding.costs}"):
            screen += textwrap.wrap(
                line, WIDTH, initial_indent="    ", subsequent_indent="       ", break_on_hyphens=False
            )
    screen += [f"({remark})" for remark in diagnosis.remarks]
    if diagnosis.drawn < len(table):
        screen.append(f"(shortcuts and words were searched in {diagnosis.drawn:,} samples of patients drawn by id)")
    if len(table.labels) > MOST_LABELS:
        screen.append(f"(of {len(table.labels):,} labels only the {MOST_LABELS} most frequent ones were checked)")
    if not table.by_label[0]:
        screen.append("what is asked of these samples is not one label or several, so nothing was held against it")
    elif not all_samples(table).labels:
        screen.append(f"no label has {RARE} patients with it and {RARE} without: too few to check for shortcuts")
    elif not diagnosis.findings:
        screen.append(
            "nothing found: no two patients share a picture or a text, there is no placeholder, and no id, order, "
            f"size, length, missing value, covariate or word predicts a label (AUROC significantly above {BOUND:g})"
        )
    return screen


def in_one_line(diagnosis: Diagnosis) -> str | None:
    """The worst finding, and the number of others; None without findings."""
    if diagnosis.worst is None:
        return None
    more = len(diagnosis.findings) - 1
    return diagnosis.worst.seen.rstrip(":") + (f" (and {more} more findings)" if more else "")

"""The contents of a table in numbers, and likely mistakes in it."""

from collections import Counter
from typing import Any

from mora_bench.data.table import Column, Table
from mora_bench.tasks.named import task_of

#: The most labels that are listed; positive samples below which ten folds cannot each have one.
SHOWN, RARE = 40, 10


def facts(table: Table) -> dict[str, Any]:
    """The contents of a table in numbers, for programs."""
    return {
        "samples": len(table),
        "patients": len(set(table.patients)),
        "positives": _positives(table),
        "modalities": dict(zip(table.names, table.present.sum(0).tolist(), strict=True)),
        "warnings": warnings(table),
    }


def diagnosis(table: Table) -> str:
    """The contents of a table in numbers, as lines."""
    lines = [f"  {len(table)} samples of {len(set(table.patients))} patients, {len(table.labels)} labels"]
    for m, (name, column) in enumerate(table.modalities.items()):
        lines += _pictures(column) if column.kind == "image" else []
        count = int(table.present[:, m].sum())
        without = f", {len(table) - count} without (naturally missing)"
        lines.append(f"  {count:6} samples with {name}{without}")
    counts = _positives(table)
    lines += [f"  positives: {', '.join(f'{label} {n}' for label, n in list(counts.items())[:SHOWN])}"] * bool(counts)
    lines += [f"  {sentence}" for sentence in task_of(table.task).holds(table.targets)]
    if len(counts) > SHOWN:
        lines[-1] += f", and {len(counts) - SHOWN} more labels"
    lines += [f"  WARNING: {what}" for what in warnings(table)]
    rare = [label for label, n in counts.items() if n < RARE]
    if rare:
        lines.append(
            f"  WARNING: {len(rare)} of {len(counts)} labels have fewer than {RARE} positive samples, e.g. {rare[0]}. "
            "Some test splits will hold none of them, which bounds F1-macro."
        )
    return "\n".join(lines)


def _positives(table: Table) -> dict[str, int]:
    """How many samples have each label."""
    labels, targets = table.by_label
    return dict(zip(labels, targets.sum(0).tolist(), strict=True))


def warnings(table: Table) -> list[str]:
    """Likely mistakes, which make scores that mean little, a sentence each."""
    counts = table.present.sum(0).tolist()
    sentences = [
        f"no sample has any {name}. Are its files where the table says?"
        for name, count in zip(table.names, counts, strict=True)
        if not count
    ]
    labels, targets = table.by_label
    share = targets.mean(0)
    for odd, what in ((share == 0, "no sample"), (share == 1, "every sample")):
        names = [label for label, is_odd in zip(labels, odd, strict=True) if is_odd]
        if names:
            sentences.append(f"{what} has {', '.join(names[:SHOWN])}: a method cannot learn such a label.")
    return sentences


def _pictures(column: Column) -> list[str]:
    most = max((len(pictures) for pictures in column.values if pictures), default=0)
    have = Counter(sum(p is not None for p in pictures or ()) for pictures in column.values)
    # With one picture a sample at most, the line of the modality says the same.
    counts = range(most, 0, -1) if most > 1 else ()
    return [f"  {have[count]:6} samples with {count} of {most} pictures" for count in counts]

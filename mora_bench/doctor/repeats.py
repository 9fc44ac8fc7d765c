"""Whole texts that stand under several patients, which a split by patient then shows in training and test."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mora_bench.data import splits
from mora_bench.data.table import Table
from mora_bench.doctor.finding import Finding, share
from mora_bench.doctor.questions import ExaminedTable

#: Splits that are drawn to estimate the shares.
SEEDS = 5
#: The share of test texts in training from which on it is a finding.
SAID = 0.01
COSTS = "scores on these test samples measure memorisation; report test samples with new texts separately"


@dataclass(frozen=True)
class Repeats:
    """The repeats of texts of one modality.

    Attributes:
        texts: distinct ones; shared: those of several groups.
        samples: that share theirs with another group; largest: of one text.
        in_training: share of test texts that training holds; same: share of these whose labels are those that training
            has beside this text most often. Both over `SEEDS` splits.
        names: of each sample a name for its text, "" where no other group has it.
    """

    texts: int
    shared: int
    samples: int
    largest: int
    in_training: float
    same: float
    names: tuple[str, ...]


def look(subject: ExaminedTable) -> list[Finding]:
    """A finding for each modality of text whose texts repeat."""
    findings = []
    for name, column in subject.table.modalities.items():
        if column.kind == "text" and (seen := repeats(subject, name)) is not None and seen.in_training >= SAID:
            n = int(subject.table.present[:, subject.table.names.index(name)].sum())
            sentence = (
                f"whole texts repeat in {name}: {seen.texts:,} distinct texts, {share(seen.samples / n)} of samples "
                f"have the text of another patient ({seen.shared:,} texts, the most frequent {seen.largest:,} times); "
                f"with a split by patient, {share(seen.in_training)} of test texts also occur in training"
            )
            labelled = bool(subject.table.by_label[0])
            sentence += f", {share(seen.same)} of these with the same labels" * labelled
            facts = {k: v for k, v in vars(seen).items() if k != "names"} | {"modality": name}
            weight = seen.in_training * (seen.same if labelled else 1)
            findings.append(Finding("repeats", sentence, COSTS, weight, facts=facts))
    return findings


def repeats(subject: ExaminedTable, modality: str) -> Repeats | None:
    """How texts of a modality repeat; None where there is none. Blanks and case do not count."""
    values = subject.table.modalities[modality].values
    texts = [" ".join(text.split()).casefold() if text else "" for text in values]
    number: dict[str, int] = {}
    codes = np.array([number.setdefault(text, len(number)) if text else -1 for text in texts])
    if not number:
        return None
    pairs = {(code, owner) for code, owner in zip(codes.tolist(), subject.owner.tolist(), strict=True) if code >= 0}
    groups = Counter(code for code, _ in pairs)
    shared = np.array([code >= 0 and groups[code] > 1 for code in codes.tolist()])
    inside, same = _seen(subject.table, codes)
    return Repeats(
        texts=len(number),
        shared=sum(n > 1 for n in groups.values()),
        samples=int(shared.sum()),
        largest=max((n for n in Counter(codes[shared].tolist()).values()), default=0),
        in_training=inside,
        same=same,
        names=tuple(f"text {code}" if yes else "" for code, yes in zip(codes.tolist(), shared, strict=True)),
    )


def split_of(table: Table, seed: int) -> dict[str, np.ndarray]:
    """The rows of a split by patient, as a cell of this seed has them."""
    return splits.split(table.group_tokens, data=f"{table.name} {table.source}", unit="patient", seed=seed)


def _seen(table: Table, codes: np.ndarray) -> tuple[float, float]:
    """Shares of test texts that training holds, and of these with the labels that are usual there."""
    labels = [row.tobytes() for row in np.ascontiguousarray(table.targets)]
    test, inside, same = 0, 0, 0
    for seed in range(SEEDS):
        sides = split_of(table, seed)
        usual: dict[int, Counter[bytes]] = {}
        for row in sides["train"].tolist():
            usual.setdefault(int(codes[row]), Counter())[labels[row]] += 1
        for row in sides["test"].tolist():
            code = int(codes[row])
            test += code >= 0
            if code >= 0 and code in usual:
                inside += 1
                same += usual[code].most_common(1)[0][0] == labels[row]
    return inside / max(test, 1), same / max(inside, 1)

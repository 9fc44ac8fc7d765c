"""Words that determine a label: a model that reads them needs no picture, and no model at all is needed."""

import numpy as np

from mora_bench.doctor.finding import Finding
from mora_bench.doctor.questions import FOLDS, ExaminedTable
from mora_bench.doctor.rules import ELSE, NONE_OF, SAYS, WordRule, correlation, learn
from mora_bench.doctor.vocabulary import Vocabulary, vocabulary

COSTS = (
    "if the text is present, these labels can be read from it; report scores with the text missing, or remove the "
    "words (as odir-redacted does)"
)
#: Labels whose rules are listed.
LISTED = 12


def look(subject: ExaminedTable) -> list[Finding]:
    """A finding for each modality of text whose words say labels."""
    findings = []
    for name, column in subject.table.modalities.items():
        if column.kind == "text" and (words := vocabulary(column.values)) is not None and len(subject.labels):
            findings += _look(subject, name, words)
    return findings


def _look(subject: ExaminedTable, modality: str, words: Vocabulary) -> list[Finding]:
    targets, n = subject.targets, len(subject.table)
    rules, _ = learn(words, targets, np.ones(n, bool))
    if not rules:
        return []
    held_out = np.zeros(targets.shape, bool)
    for fold in range(FOLDS):
        test = subject.fold == fold
        if test.any() and not test.all():
            held_out[test] = learn(words, targets, ~test)[1][test]
    agrees = {k: correlation(targets[:, k], held_out[:, k]) for k in rules}
    reliable = {k: rule for k, rule in rules.items() if agrees[k] >= SAYS}
    if not reliable:
        return []
    wrong = {k: int((held_out[:, k] != targets[:, k]).sum()) for k in reliable}
    lines = [
        f"{subject.labels[k]} = {_in_words(rule, words)} ({wrong[k]:,} of {n:,} wrong)" for k, rule in reliable.items()
    ]
    by_label = {
        subject.labels[k]: {
            "form": rule.form,
            "words": [words.terms[t] for t in rule.terms],
            "wrong": wrong[k],
            "correlation": agrees[k],
        }
        for k, rule in reliable.items()
    }
    more = f" ({LISTED} of them here)" if len(reliable) > LISTED else ""
    seen = f"words of {modality} determine {len(reliable)} of {len(subject.labels)} labels{more} (cross-validated):"
    weight = float(np.mean([agrees[k] for k in reliable]) * len(reliable) / len(subject.labels))
    facts = {"modality": modality, "samples": n, "rules": by_label}
    return [Finding("words", seen, COSTS, max(weight, 0.5), tuple(lines[:LISTED]), facts)]


def _in_words(rule: WordRule, words: Vocabulary) -> str:
    terms = [f'"{words.terms[term]}"' for term in rule.terms]
    if rule.form == NONE_OF:
        return "none of the words of the other labels"
    if rule.form == ELSE:
        others = "any word except those of the other labels"
        return f"{others} and {', '.join(terms)}" if terms else others
    return " or ".join(terms)

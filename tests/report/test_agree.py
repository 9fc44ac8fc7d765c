"""Three scores that must agree: verdicts of three tables recomputed with scipy alone, and the words that follow."""

import csv
import io
import itertools
from pathlib import Path

import msgspec
import numpy as np
import pytest
from by_hand import predictor, record
from scipy.optimize import brentq
from scipy.special import polygamma
from scipy.stats import f, t, ttest_rel

from mora_bench.missing import masks
from mora_bench.report import differences, summary, tables
from mora_bench.report.contract import Results
from mora_bench.report.write import read

QUICK = Path(__file__).parents[2] / "results" / "reference" / "quick"
NAMES = ("f1_macro", "f1_macro_tuned", "auroc")
SHORT = ("F1 at 0.5", "F1 at val.", "AUROC")


def pair_variances(scores):
    """Of every two rows the variance of the difference, by (i, j)."""
    pairs = itertools.combinations(range(len(scores)), 2)
    return {(i, j): float(np.var(scores[i] - scores[j], ddof=1)) for i, j in pairs}


def loud_rows(variances, rows, seeds):
    """The rows whose pairs vary more than those of the others, one alike row in 10 (S - 1) by chance."""
    limit = (f.isf(0.1 / (seeds - 1), seeds - 1, (rows - 2) * (seeds - 1)) + 1) / 2
    found = set()
    for row in range(rows):
        own = np.mean([v for pair, v in variances.items() if row in pair])
        rest = np.mean([v for pair, v in variances.items() if row not in pair])
        if own > limit * rest:
            found.add(row)
    return found


def borrowed(scores, variances):
    """How many degrees of freedom the pooled variance lends: as many as the pairs agree, and the covariances leave."""
    rows, seeds = scores.shape
    pooled = np.mean([*variances.values()])
    logs = np.log([max(v, 1e-3 * pooled) for v in variances.values()])
    beyond = np.var(logs, ddof=1) - polygamma(1, (seeds - 1) / 2)
    alike = np.inf if beyond <= 0 else 2 * brentq(lambda x: polygamma(1, x) - beyond, 1e-4, 1e9)
    noise = scores - scores.mean(0)
    c = np.cov(noise)
    n = seeds - 1
    of_square = (np.trace(c @ c) - np.trace(c) ** 2 / n) * n**2 / ((n - 1) * (n + 2))
    left = 0.9 * n * np.trace(c) ** 2 / of_square - n if of_square > 0 else np.inf
    return min(alike, np.clip(left, 0, (rows - 2) * n)), pooled


def p_values(scores, overlap):
    """Paired t tests of every two rows by every score, {(score, i, j): p}; variances steadied where three rows and
    three seeds are there."""
    kinds, rows, seeds = scores.shape
    found = {}
    every = [pair_variances(own) for own in scores]
    summed = {pair: sum(own[pair] / np.mean([*own.values()]) for own in every) for pair in every[0]}
    for k in range(kinds):
        lent, pooled = borrowed(scores[k], every[k])
        loud = loud_rows(every[k], rows, seeds) | loud_rows(summed, rows, seeds)
        for (i, j), own in every[k].items():
            variance = (lent * pooled + (seeds - 1) * own) / (lent + seeds - 1)
            variance, freedom = max(variance, pooled + (own - pooled) / 3), lent + seeds - 1
            if {i, j} & loud:
                variance, freedom = max(own, variance), seeds - 1
            mean = np.mean(scores[k, i] - scores[k, j])
            found[k, i, j] = 2 * t.sf(abs(mean) / np.sqrt(variance * (1 / seeds + overlap)), freedom)
    return found


def holm(p, least):
    """Step by step, no test corrected for fewer than `least`."""
    done, result = 0.0, {}
    for runtime, key in enumerate(sorted(p, key=p.get)):
        done = max(done, min(1.0, p[key] * max(len(p) - runtime, least)))
        result[key] = done
    return result


def verdicts(scores, corrected):
    """By pair: 1 or -1 for a lead, "depends", or 0."""
    kinds, rows, _ = scores.shape
    found = {}
    for i, j in itertools.combinations(range(rows), 2):
        signs = {float(np.sign(scores[k, i].mean() - scores[k, j].mean())) for k in range(kinds)}
        told = any(corrected[k, i, j] < 0.05 for k in range(kinds))
        agree = len(signs) == 1 and 0 not in signs
        found[i, j] = (int(signs.pop()) if agree else "depends") if told else 0
    return found


def led(found):
    return {j if sign == 1 else i for (i, j), sign in found.items() if sign in (1, -1)}


def scores_of(section, score):
    return np.array([[row.values[own.of(score)] for row in section.competing] for own in section.shown])


@pytest.mark.parametrize("dataset", ["cxr", "odir"])
def test_the_verdicts_of_the_shipped_table_by_hand(dataset):
    results = read(QUICK)
    (table,) = results.comparisons
    (section,) = [own for own in table.sections if own.dataset == dataset]
    assert [own.name for own in section.shown] == [*NAMES]
    rows = section.competing
    for score in section.tests:
        scores = scores_of(section, score)
        found = verdicts(scores, holm(p_values(scores, section.overlap), len(NAMES) * (len(rows) - 1)))
        behind = led(found)
        bold = {row.label for number, row in enumerate(rows) if behind and number not in behind}
        assert {row.label for row in rows if score in row.best} == bold, score
        said = {
            (line["first"], line["second"]): line["by all scores"]
            for line in csv.DictReader(io.StringIO(differences.comma_separated(table)))
            if (line["section"], line["score"], line["family of tests"]) == (section.title, score, "rows")
        }
        by_label = {(rows[i].label, rows[j].label): sign for (i, j), sign in found.items()}
        assert said == {pair: words(sign, *pair) for pair, sign in by_label.items()}
    (sentence,) = [own for own in summary.sentences(results) if own.startswith(dataset)]
    assert sentence_begins(sentence) == beginning(scores, found, rows)


def words(sign, first, second):
    return {1: f"{first} leads", -1: f"{second} leads", 0: "inconclusive", "depends": "depends on the threshold"}[sign]


def sentence_begins(sentence):
    """What a sentence says first of who leads, and of whom."""
    said = sentence.partition(": ")[2]
    if said.startswith(("no significant lead", "who leads depends")):
        return said.partition(":")[0]
    return said.partition(" with ")[0]


def beginning(scores, found, rows):
    """The same from verdicts by hand."""
    best = {int(np.argmax(own.mean(1))) for own in scores}
    among = [sign for (i, j), sign in found.items() if {i, j} <= best]
    if len(best) > 1:
        return "who leads depends on the threshold" if "depends" in among else "no significant lead"
    (first,) = best
    of_first = [sign for pair, sign in found.items() if first in pair]
    if all(sign in (1, -1) for sign in of_first):
        return f"{rows[first].label} leads"
    return "who leads depends on the threshold" if "depends" in of_first else "no significant lead"


def toy(method, values, floor=False):
    """Records of one method, a seed each, from its three scores by seed; mAP beside them."""
    pairs = []
    for seed, three in enumerate(zip(*values, strict=True)):
        own, found = (predictor if floor else record)(method, seed)
        setting = msgspec.structs.replace(
            found.test["complete"], scores=dict(zip(NAMES, three, strict=True)) | {"n": 3, "map": three[2] / 2}
        )
        settings = dict.fromkeys(masks.patterns(own.cell.modalities), setting)
        pairs.append((own, msgspec.structs.replace(found, val=settings, test=settings)))
    return pairs


def results_of(*pairs):
    every = [pair for own in pairs for pair in own]
    return Results.of([own for own, _ in every], [found for _, found in every])


NOISE = np.array([0.0, 0.01, -0.01, 0.006, -0.004])
OTHER = np.array([0.003, -0.002, 0.001, -0.004, 0.002])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ((0.05, 0.04, 0.03), "mora (r=4, blocks 0) leads"),
        ((0.05, -0.001, 0.03), "who leads depends on the threshold"),
        ((0.05, 0.04, -0.03), "who leads depends on the threshold"),
        ((0.001, -0.001, 0.001), "no significant lead"),
    ],
)
def test_the_verdicts_of_a_toy_table_by_hand(more, expected):
    """Two rows share no variance: it is scipy's paired t test, and Holm over three scores."""
    base = [level + NOISE for level in (0.5, 0.55, 0.8)]
    mora = [own + add + OTHER for own, add in zip(base, more, strict=True)]
    results = results_of(toy("head", base), toy("mora", mora))
    (table,) = results.comparisons
    (section,) = table.sections
    scores = scores_of(section, "score both")
    # Of the same patients: 10 test samples by 80 that train.
    wider = np.sqrt((1 / 5 + 10 / 80) / (1 / 5))
    p = {(k, 0, 1): 2 * t.sf(abs(ttest_rel(*own).statistic) / wider, 4) for k, own in enumerate(scores)}
    found = verdicts(scores, holm(p, 3))
    (sentence,) = summary.sentences(results)
    assert sentence_begins(sentence) == beginning(scores, found, section.competing) == expected
    assert {row.label for row in section.competing if "score both" in row.best} == (
        {"mora (r=4, blocks 0)"} if "leads" in expected and "who" not in expected else set()
    )


def test_a_cell_shows_the_three_scores_and_bold_is_one_verdict():
    base = [level + NOISE for level in (0.2, 0.55, 0.8)]
    mora = [own + 0.05 + OTHER for own in base]
    floor = [np.full(5, level) for level in (0.3, 0.3, 0.5)]
    (table,) = results_of(toy("head", base), toy("mora", mora), toy("always", floor, floor=True)).comparisons
    text = " ".join(tables.markdown(table).split())
    assert "In each cell: F1 at 0.5 / F1 at val. / AUROC, x 100" in text
    assert "| mora (r=4, blocks 0) | **25.0 ↓ / 60.0 / 85.0** |" in text
    assert "| head | 20.0 ↓ / 55.0 / 80.0 |" in text
    assert "| always | 30.0 / 30.0 / 50.0 |" in text
    assert "| best baseline without a network | always | always |" in text
    assert "| head | 0.8 / 0.8 / 0.8 |" in text
    assert "To lead: all 3 scores are better, at least one significantly (paired tests" in table.caption
    assert "5 % after Holm over pairs and scores)" in table.caption
    assert "mAP" not in text


def test_a_metric_that_is_asked_for_is_shown_and_judged_alone():
    base = [level + NOISE for level in (0.2, 0.55, 0.8)]
    pairs = [*toy("head", base), *toy("mora", [own - 0.05 + OTHER for own in base[:2]] + [base[2] + 0.05 + OTHER])]
    found = Results.of([own for own, _ in pairs], [each for _, each in pairs], "auroc")
    (said,) = summary.sentences(found)
    assert "mora (r=4, blocks 0) leads with 85.0 ± 0.6 (AUROC x 100)" in said
    assert "AUROC x 100 (higher is better) on the test split, mean ±" in found.comparisons[0].caption


def test_a_score_that_a_row_lacks_is_not_asked_and_that_is_said():
    base = [level + NOISE for level in (0.2, 0.55, 0.8)]
    lacks = [base[0] + 0.05 + OTHER, np.full(5, np.nan), base[2] + 0.05 + OTHER]
    (table,) = results_of(toy("head", base), toy("mora", lacks)).comparisons
    (said,) = summary.sentences(results_of(toy("head", base), toy("mora", lacks)))
    assert "mora (r=4, blocks 0) leads with 25.0 / 85.0 (F1 at 0.5 / AUROC, x 100)" in said
    assert any(
        note.startswith("Not used to decide which row leads, because some rows lack it: F1-macro at thresholds")
        for note in table.notes
    )
    assert "25.0 / — / 85.0" in tables.markdown(table)


def test_networks_are_behind_pass_or_cannot_be_told_from_floors_by_name():
    base = [level + NOISE for level in (0.2, 0.45, 0.6)]
    high = [own + 0.2 for own in base]
    low = [own - 0.1 - OTHER for own in base]
    mora = [own + 0.3 + OTHER for own in base]
    floors = toy("tfidf", high, floor=True), toy("prior", low, floor=True)
    (said,) = summary.sentences(results_of(toy("head", base), toy("mora", mora), *floors))
    assert "best baseline without a network: tfidf scores 40.0 / 65.0 / 80.0" in said
    assert "mora (r=4, blocks 0) is significantly better than every baseline" in said
    assert "head is significantly worse than tfidf" in said

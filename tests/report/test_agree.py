"""Three scores that must agree: verdicts of three tables recomputed with scipy alone, and the words that follow."""

import csv
import io
import itertools
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from by_hand import predictor, record
from scipy.optimize import brentq
from scipy.special import polygamma
from scipy.stats import f, t, ttest_rel

from mora_bench.missing import masks
from mora_bench.report import differences, summary, tables, verdict
from mora_bench.report.contract import Results
from mora_bench.report.write import read
from mora_bench.statistics.agree import Agreement

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
    loud = set()
    for row in range(rows):
        with_row = np.mean([v for pair, v in variances.items() if row in pair])
        rest = np.mean([v for pair, v in variances.items() if row not in pair])
        if with_row > limit * rest:
            loud.add(row)
    return loud


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
    p = {}
    by_score = [pair_variances(values) for values in scores]
    summed = {
        pair: sum(variances[pair] / np.mean([*variances.values()]) for variances in by_score) for pair in by_score[0]
    }
    for k in range(kinds):
        lent, pooled = borrowed(scores[k], by_score[k])
        loud = loud_rows(by_score[k], rows, seeds) | loud_rows(summed, rows, seeds)
        for (i, j), unpooled in by_score[k].items():
            variance = (lent * pooled + (seeds - 1) * unpooled) / (lent + seeds - 1)
            variance, freedom = max(variance, pooled + (unpooled - pooled) / 3), lent + seeds - 1
            if {i, j} & loud:
                variance, freedom = max(unpooled, variance), seeds - 1
            mean = np.mean(scores[k, i] - scores[k, j])
            p[k, i, j] = 2 * t.sf(abs(mean) / np.sqrt(variance * (1 / seeds + overlap)), freedom)
    return p


def holm(p, least):
    """Step by step, no test corrected for fewer than `least`."""
    largest, corrected = 0.0, {}
    for number, key in enumerate(sorted(p, key=p.get)):
        largest = max(largest, min(1.0, p[key] * max(len(p) - number, least)))
        corrected[key] = largest
    return corrected


def verdicts(scores, corrected):
    """By pair: 1 or -1 for a lead, "depends", or 0."""
    kinds, rows, _ = scores.shape
    by_pair = {}
    for i, j in itertools.combinations(range(rows), 2):
        signs = {float(np.sign(scores[k, i].mean() - scores[k, j].mean())) for k in range(kinds)}
        significant = any(corrected[k, i, j] < 0.05 for k in range(kinds))
        agree = len(signs) == 1 and 0 not in signs
        by_pair[i, j] = (int(signs.pop()) if agree else "depends") if significant else 0
    return by_pair


def led(signs):
    return {j if sign == 1 else i for (i, j), sign in signs.items() if sign in (1, -1)}


def scores_of(section, score):
    return np.array([[row.values[measure.of(score)] for row in section.competing] for measure in section.shown])


def test_baselines_are_named_by_what_is_open_about_each():
    """Of one it depends on the score, of the other nothing is significant; the third is led."""
    leads = np.array([[False, False, True], [False, False, True]])
    first, second = np.array([0, 0, 0, 1, 1, 1]), np.array([2, 3, 4, 2, 3, 4])
    better = np.array([[1, 1, 1, 1, 1, 1], [-1, 1, 1, 1, 1, 1]])
    depends = np.array([True, False, False, False, False, False])
    held = Agreement((), first, second, better, np.array([0, 0, 1, 0, 0, 1]), depends)
    asked = (SimpleNamespace(metric=SimpleNamespace(needs_threshold=False)),) * 2
    (whether, on_score), (untold, open_) = verdict._open_floors(held, np.array([True, True]), leads, asked)
    assert (whether, untold) == ("depends on the score", "is open (no significant difference)")
    assert on_score.tolist() == [[True, False, False], [False, False, False]]
    assert open_.tolist() == [[False, True, False], [True, True, False]]
    rows = [SimpleNamespace(label=name, network=name in "ab") for name in "abxyz"]
    assert verdict._passed(held, rows[:2], rows[2:], asked) == [
        "whether a is better than x depends on the score",
        "whether a is better than y is open (no significant difference)",
        "whether b is better than x and y is open (no significant difference)",
    ]


@pytest.mark.parametrize("dataset", ["cxr", "odir"])
def test_the_verdicts_of_the_shipped_table_by_hand(dataset):
    results = read(QUICK)
    (table,) = results.comparisons
    (section,) = [section for section in table.sections if section.dataset == dataset]
    assert [measure.name for measure in section.shown] == [*NAMES]
    rows = section.competing
    for score in section.tests:
        scores = scores_of(section, score)
        signs = verdicts(scores, holm(p_values(scores, section.overlap), len(NAMES) * (len(rows) - 1)))
        behind = led(signs)
        bold = {row.label for number, row in enumerate(rows) if behind and number not in behind}
        assert {row.label for row in rows if score in row.best} == bold, score
        written = {
            (line["first"], line["second"]): line["by all scores"]
            for line in csv.DictReader(io.StringIO(differences.comma_separated(table)))
            if (line["section"], line["score"], line["family of tests"]) == (section.title, score, "rows")
        }
        by_label = {(rows[i].label, rows[j].label): sign for (i, j), sign in signs.items()}
        assert written == {pair: words(sign, *pair) for pair, sign in by_label.items()}
    (sentence,) = [sentence for sentence in summary.sentences(results) if sentence.startswith(dataset)]
    assert sentence_begins(sentence) == beginning(scores, signs, rows)


def words(sign, first, second):
    return {1: f"{first} leads", -1: f"{second} leads", 0: "inconclusive", "depends": "depends on the threshold"}[sign]


def sentence_begins(sentence):
    """What a sentence says first of who leads, and of whom."""
    statement = sentence.partition(": ")[2]
    if statement.startswith(("no significant lead", "who leads depends")):
        return statement.partition(":")[0]
    return statement.partition(" with ")[0]


def beginning(scores, signs, rows):
    """The same from verdicts by hand."""
    best = {int(np.argmax(values.mean(1))) for values in scores}
    among = [sign for (i, j), sign in signs.items() if {i, j} <= best]
    if len(best) > 1:
        return "who leads depends on the threshold" if "depends" in among else "no significant lead"
    (first,) = best
    of_first = [sign for pair, sign in signs.items() if first in pair]
    if all(sign in (1, -1) for sign in of_first):
        return f"{rows[first].label} leads"
    return "who leads depends on the threshold" if "depends" in of_first else "no significant lead"


def toy(method, values, floor=False):
    """Records of one method, a seed each, from its three scores by seed; mAP beside them."""
    pairs = []
    for seed, three in enumerate(zip(*values, strict=True)):
        entry, scores = (predictor if floor else record)(method, seed)
        setting = msgspec.structs.replace(
            scores.test["complete"], scores=dict(zip(NAMES, three, strict=True)) | {"n": 3, "map": three[2] / 2}
        )
        settings = dict.fromkeys(masks.patterns(entry.cell.modalities), setting)
        pairs.append((entry, msgspec.structs.replace(scores, val=settings, test=settings)))
    return pairs


def results_of(*pairs):
    joined = [pair for row in pairs for pair in row]
    return Results.of([entry for entry, _ in joined], [document for _, document in joined])


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
    mora = [values + add + OTHER for values, add in zip(base, more, strict=True)]
    results = results_of(toy("head", base), toy("mora", mora))
    (table,) = results.comparisons
    (section,) = table.sections
    scores = scores_of(section, "score both")
    # Of the same patients: 10 test samples by 80 that train.
    wider = np.sqrt((1 / 5 + 10 / 80) / (1 / 5))
    p = {(k, 0, 1): 2 * t.sf(abs(ttest_rel(*rows).statistic) / wider, 4) for k, rows in enumerate(scores)}
    signs = verdicts(scores, holm(p, 3))
    (sentence,) = summary.sentences(results)
    assert sentence_begins(sentence) == beginning(scores, signs, section.competing) == expected
    assert {row.label for row in section.competing if "score both" in row.best} == (
        {"mora (r=4, blocks 0)"} if "leads" in expected and "who" not in expected else set()
    )


def test_a_cell_shows_the_three_scores_and_bold_is_one_verdict():
    base = [level + NOISE for level in (0.2, 0.55, 0.8)]
    mora = [values + 0.05 + OTHER for values in base]
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
    pairs = [
        *toy("head", base),
        *toy("mora", [values - 0.05 + OTHER for values in base[:2]] + [base[2] + 0.05 + OTHER]),
    ]
    results = Results.of([entry for entry, _ in pairs], [document for _, document in pairs], "auroc")
    (sentence,) = summary.sentences(results)
    assert "mora (r=4, blocks 0) leads with 85.0 ± 0.6 (AUROC x 100)" in sentence
    assert "AUROC x 100 (higher is better) on the test split, mean ±" in results.comparisons[0].caption


def test_a_score_that_a_row_lacks_is_not_asked_and_that_is_said():
    base = [level + NOISE for level in (0.2, 0.55, 0.8)]
    lacks = [base[0] + 0.05 + OTHER, np.full(5, np.nan), base[2] + 0.05 + OTHER]
    (table,) = results_of(toy("head", base), toy("mora", lacks)).comparisons
    (sentence,) = summary.sentences(results_of(toy("head", base), toy("mora", lacks)))
    assert "mora (r=4, blocks 0) leads with 25.0 / 85.0 (F1 at 0.5 / AUROC, x 100)" in sentence
    assert any(
        note.startswith("Not used to decide which row leads, because some rows lack it: F1-macro at thresholds")
        for note in table.notes
    )
    assert "25.0 / — / 85.0" in tables.markdown(table)


def test_networks_are_behind_pass_or_cannot_be_told_from_floors_by_name():
    base = [level + NOISE for level in (0.2, 0.45, 0.6)]
    high = [values + 0.2 for values in base]
    low = [values - 0.1 - OTHER for values in base]
    mora = [values + 0.3 + OTHER for values in base]
    floors = toy("tfidf", high, floor=True), toy("prior", low, floor=True)
    (sentence,) = summary.sentences(results_of(toy("head", base), toy("mora", mora), *floors))
    assert "best baseline without a network: tfidf scores 40.0 / 65.0 / 80.0" in sentence
    assert "mora (r=4, blocks 0) is significantly better than every baseline" in sentence
    assert "head is significantly worse than tfidf" in sentence


def test_a_score_that_is_shown_beside_has_its_arrow():
    """The page shows it in a column of its own."""
    results = results_of(toy("head", [[0.4, 0.4]] * 3), toy("prior", [[0.5, 0.5]] * 3, floor=True))
    (table,) = results.comparisons
    (section,) = table.sections
    (head,) = section.competing
    assert {measure.of(score) for measure in (*section.shown, *section.beside) for score in section.tests} <= head.below
    assert "map: score complete" in head.below

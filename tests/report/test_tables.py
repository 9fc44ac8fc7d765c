"""Tables from records made by hand: aggregation, notes, escaping, and a golden table."""

import csv
import io
import json
import math
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from by_hand import TOY, failed, predictor, record, scores

from mora_bench.cells.cell import Scoring
from mora_bench.cells.missing import Gaps, Missing
from mora_bench.cells.recipe import Recipe
from mora_bench.records.schema import Competitor, Setting
from mora_bench.report import differences, frame, plain, ranks, summary, tables
from mora_bench.report.caption import timed_apart
from mora_bench.report.compare import compare
from mora_bench.report.contract import Results
from mora_bench.report.markdown import escaped
from mora_bench.report.tables import latex
from mora_bench.report.taken import able, taken
from mora_bench.report.write import read

FAMILIES = {"own": "mine", "mora": "MoRA", "map": "missing-aware", "lora": "low-rank", "head": "fine-tuning"}
GOLDEN = Path(__file__).parent / "golden.md"


def cells(pairs):
    return frame.cells(
        [entry for entry, _ in pairs], [cell_scores for _, cell_scores in pairs if cell_scores is not None]
    )


def only(pairs):
    (table,) = compare(cells(pairs))
    return table


def row(table, start):
    return next(r for s in table.sections for r in s.rows if r.label.startswith(start))


def test_mean_and_sample_standard_deviation():
    table = only([record(f1=f, seed=s) for s, f in enumerate((0.4, 0.5, 0.6))])
    mora = row(table, "mora")
    assert mora.mean["score both"] == pytest.approx(0.5)
    assert mora.std["score both"] == pytest.approx(0.1)
    assert "50.0 ± 10.0" in tables.markdown(table)


AGE = Missing("covariate:age", 2.0, "sample", "1", "aaaaaaaa")


@pytest.mark.parametrize(
    ("edited", "names"),
    [
        (replace(AGE, reads="bbbbbbbb"), ("covariate:age 1 of values aaaaaa", "covariate:age 1 of values bbbbbb")),
        (replace(AGE, version="1-0c"), ("covariate:age 1 of values aaaaaa", "covariate:age 1-0c of values aaaaaa")),
    ],
)
def test_masks_of_other_values_or_code_never_share_a_row(edited, names):
    """A covariate that was corrected, a plug-in that was edited: the folder holds cells of both."""
    old, new = ([record(f1=f, seed=s, mechanism=m) for s in range(3)] for f, m in ((0.4, AGE), (0.6, edited)))
    table = only([*old, *new])
    titles = [section.title for section in table.sections]
    for title, name in zip(titles, names, strict=True):
        assert title.endswith(f"covariate:age (strength 2), {name}")
    means = [section.rows[0].mean["score both"] for section in table.sections]
    assert means == pytest.approx([0.4, 0.6])
    assert [section.title for section in only(old).sections] == [titles[0].removesuffix(f", {names[0]}")]


def test_gaps_of_an_edited_plug_in_never_share_a_row():
    pairs = [record(f1=f, gaps=Gaps("own", 0.5, v)) for f, v in ((0.4, "1-aa"), (0.6, "1-bb"))]
    first, second = only(pairs).sections
    assert (first.title[-8:], second.title[-8:]) == ("own 1-aa", "own 1-bb")


@pytest.mark.parametrize(("seeds", "pooled"), [((0, 1, 2), True), ((3, 4, 5), True), ((0, 1, 5), False)])
def test_folds_of_several_cuts_are_not_one_test_set(seeds, pooled):
    """Seed 5 of three folds belongs to the second cut, whose patients the first two folds test, too."""
    counts = {"hits": [3, 1], "wrong": [2, 2]}
    pairs = []
    for seed in seeds:
        entry, cell_scores = record(f1=0.5, seed=seed, folds=3)
        test = {name: msgspec.structs.replace(setting, counts=counts) for name, setting in cell_scores.test.items()}
        pairs.append((entry, msgspec.structs.replace(cell_scores, test=test)))
    of_row = row(only(pairs), "mora").pooled
    assert of_row.get("score both") == (pytest.approx((6 / 8 + 2 / 4) / 2) if pooled else None)


def test_how_much_of_an_adapter_is_embedders_that_every_method_trains():
    pairs = [record("head", s, 0.5) for s in range(2)] + [record("mora", s, 0.6) for s in range(2)]
    for entry, _ in pairs:
        entry.parameters.share_adapter = 7.5 + 0.3 * (entry.cell.method == "mora")
    words = "a row that tells a second text or picture apart): 7.500 % here, as head shows."
    assert [note for note in only(pairs).notes if words in note]
    for entry, _ in pairs:
        entry.parameters.share_adapter -= 7.5
    assert not [note for note in only(pairs).notes if "as head shows" in note]


def test_rates_that_round_alike_are_told_apart():
    tested = [record(f1=f, scoring=Scoring(rate=rate)) for f, rate in ((0.4, 0.12), (0.6, 0.124))]
    captions = [table.caption for table in compare(cells(tested))]
    assert ["at 12%" in caption for caption in captions] == [True, False]
    assert "at 12.4%" in captions[1]
    trained = only([record(f1=f, rate=rate) for f, rate in ((0.4, 0.7), (0.6, 0.704))])
    assert [section.title[-5:] for section in trained.sections] == ["t 70%", "70.4%"]


def test_an_unequal_set_of_seeds_is_noted_and_never_best():
    records = [record("full", s, 0.3) for s in range(3)] + [record("mora", s, 0.9) for s in range(2)]
    table = only(records)
    assert row(table, "mora").note == "no result for seed 2 (not run); not compared"
    assert not row(table, "mora").best
    assert [r.label for r in table.sections[0].competing] == ["full"]
    assert "mora (r=4, blocks 0)*" in tables.markdown(table)


def test_a_failed_cell_is_a_dash_with_its_reason():
    table = only([record("full", 0), failed("mora", 0)])
    text = tables.markdown(table)
    assert "| mora (r=4, blocks 0)* |" in " ".join(text.split()).replace("  ", " ")
    assert "—" in text
    assert r"Boom: a\_b\|c & 5 %" in text
    assert r"Boom: a\_b|c \& 5 \%" in tables.latex(table)


def test_a_grid_of_failures_still_has_a_table():
    table = only([failed("mora", 0), failed("full", 0)])
    assert "—" in tables.markdown(table)


def test_real_and_twin_never_share_a_table():
    comparisons = compare(cells([record(), record(source="real")]))
    assert [t.name for t in comparisons] == ["comparison-real", "comparison-twin"]
    assert comparisons[0].caption.startswith("Real data.")
    assert "not patients" in comparisons[1].caption


def test_other_backbones_get_tables_of_their_own():
    comparisons = compare(cells([record(), record(backbone="a/b", weights="z" * 16)]))
    assert {t.name for t in comparisons} == {
        "comparison-twin-small-wwwwww-patient",
        "comparison-twin-a-b-zzzzzz-patient",
    }


def frozen(backbone, seed=0, f1=0.2):
    entry, cell_scores = predictor("frozen", seed, f1, backbone=backbone, weights=backbone[:1] * 16, max_text=64)
    return msgspec.structs.replace(entry, competitor=Competitor(title="frozen", family="frozen network")), cell_scores


def test_a_floor_that_reads_a_backbone_stands_in_the_tables_of_that_one_alone():
    networks = [record("mora", s, 0.5, backbone=b, weights=b[:1] * 16) for b in ("one", "two") for s in range(2)]
    floors = [frozen(b, s, f1) for b, f1 in (("one", 0.1), ("two", 0.6)) for s in range(3)]
    pairs = networks + floors + [predictor("prior", s) for s in range(2)]
    comparisons = compare(cells(pairs))
    sentences = summary.sentences(Results.of(*map(list, zip(*pairs, strict=True))))
    assert [{r.label for r in table.sections[0].rows} for table in comparisons] == [
        {"mora (r=4, blocks 0)", "frozen", "prior"}
    ] * 2
    for table, sentence, below in zip(comparisons, sentences, (False, True), strict=True):
        # The seeds are those of the networks.
        assert table.sections[0].seeds == [0, 1]
        assert bool(row(table, "mora").below) == below
        assert not row(table, "frozen").network
        assert "a worse mean than the best baseline without a network or with a frozen one (see " in table.caption
        assert ("best baseline with a frozen network: frozen scores 60.0 ± 0.0; " in sentence) == below
        tied = "best baseline without a network or with a frozen one: prior and frozen score 10.0; "
        assert (tied in sentence) != below
        assert len(table.sections[0].floors) == 2
        content = plain.section(Results.of(*map(list, zip(*pairs, strict=True))), table, table.sections[0])
        assert content["floor_name"] == "best baseline without a network or with a frozen one"


def test_floors_of_two_lengths_of_texts_are_two_rows():
    floors = [frozen("one"), predictor("frozen", 0, 0.3, backbone="one", weights="o" * 16, max_text=32)]
    table = only([record("mora", backbone="one", weights="o" * 16), *floors])
    assert {r.label for r in table.sections[0].floors} == {"frozen (max_text=64)", "frozen (max_text=32)"}


def test_a_caption_says_of_what_shares_and_flops_are_where_pictures_come_through_a_projection():
    entry, cell_scores = record()
    with_one = msgspec.structs.replace(entry.parameters, trained={"adapter": 9, "projection": 3})
    caption = only([(msgspec.structs.replace(entry, parameters=with_one), cell_scores)]).caption
    assert "all, pooler and projection of pictures included" in caption
    assert "multiply-add = 2, without the picture network, which runs once per picture: forward pass" in caption
    assert "projection" not in only([record()]).caption


def test_other_test_sets_get_tables_of_their_own():
    comparisons = compare(cells([record(), record(pool=500), record(source="real"), record(source="real", folds=10)]))

    assert {t.name.removeprefix("comparison-") for t in comparisons} == {
        "real-folds0",
        "real-folds10",
        "twin-pool0",
        "twin-pool500",
    }
    (apart,) = (t for t in comparisons if t.name.endswith("pool500"))
    assert "500 separate test samples for each seed" in apart.caption
    assert apart.sections[0].overlap == 0
    (folded,) = (t for t in comparisons if t.name.endswith("folds10"))
    assert "seed s tests fold s of 10" in folded.caption


def masked(pair, taken, absent=0.0, **more):
    """A record's scores with masks that took so much of each pattern, by modality."""
    entry, cell_scores = pair
    shares = {"text": (1 - absent, 0.0), "image": (absent, absent)}
    settings = {}
    for pattern, setting in cell_scores.test.items():
        realised = {"complete": 1.0}
        for name, (_, natural) in shares.items():
            mine = {name: taken, "both": taken / 2}.get(pattern, 0.0)
            realised |= {f"without_{name}": natural + mine, f"naturally_without_{name}": natural}
        settings[pattern] = msgspec.structs.replace(setting, realised=realised, **more)
    return entry, msgspec.structs.replace(cell_scores, test=settings)


def test_a_pattern_that_took_nothing_has_no_column_and_the_absent_modality_is_named():
    table = only([masked(record("full"), 0.0, absent=1.0)])
    assert list(table.tests) == ["score complete"]
    assert not table.strata
    assert "odir: image is absent from all test samples." in table.notes
    assert (
        "Columns left out of odir, trained on both missing at 70%: image missing, text missing, both missing. "
        "These patterns removed nothing from any test sample." in table.notes
    )
    text = tables.markdown(table)
    assert "image missing |" not in text
    assert "## Strata" not in text


def test_notes_say_which_of_two_data_of_one_name_they_are_about():
    table = only([masked(record("full"), 0.0, absent=1.0), record("full", data="e" * 16)])
    assert [section.title.partition(",")[0] for section in table.sections] == ["odir (dddddd)", "odir (eeeeee)"]
    assert [note for note in table.notes if "absent" in note] == [
        "odir (dddddd): image is absent from all test samples."
    ]


def test_where_a_pattern_took_nothing_from_one_dataset_its_table_has_no_such_column():
    table = only([masked(record("full"), 0.0), masked(record("full", dataset="cxr"), 0.62)])
    by_name = {section.title.split(",")[0]: section for section in table.sections}
    assert math.isnan(by_name["odir"].rows[0].mean["score both"])
    assert [*by_name["odir"].tests] == ["score complete"]
    assert [*by_name["cxr"].tests] == [*table.tests]
    assert "| method | complete | adapter % |" in " ".join(tables.markdown(table).split())
    assert by_name["cxr"].rows[0].mean["score both"] == 0.5
    assert by_name["cxr"].taken["score image"] == pytest.approx(0.62)
    (line,) = (
        line
        for line in tables.markdown(table).splitlines()
        if "samples that lost a modality, % |" in line and "62.0" in line
    )
    assert [part.strip() for part in line.split("|")[2:6]] == ["—", "62.0", "62.0", "62.0"]


def test_ceilings_stand_below_the_rows():
    table = only([masked(record("full"), 0.7, ceiling={"f1_macro": 0.9, "f1_macro_tuned": 0.95})])
    assert table.sections[0].ceiling["score both"] == 0.9
    assert "| ceiling" in tables.markdown(table)
    assert "upper bound, the expected score of an ideal reader of the modalities" in table.caption
    assert "ceiling" not in only([masked(record("full"), 0.7)]).caption


def test_classes_without_a_test_sample_are_said_with_the_ceiling_that_they_put():
    entry, cell_scores = record("full")
    entry = msgspec.structs.replace(entry, data=msgspec.structs.replace(entry.data, labels=list("abcde")))
    empty = {"f1_macro": 0.5, "n": 3, "empty_classes": 2}
    table = only([masked((entry, cell_scores), 0.7, scores=empty)])
    assert "odir, seed 0: 2 of 5 classes have no test sample, so F1-macro cannot exceed 60.0." in table.notes


def test_folds_are_pooled_when_each_is_there_once():
    def fold(seed):
        # Class 1: 3 hits, 1 wrong a fold; class 2: no hit, 2 wrong. F1: 6 / 7 and 0.
        return masked(record("full", seed, folds=3, source="real"), 0.7, counts={"hits": [3, 0], "wrong": [1, 2]})

    table = only([fold(seed) for seed in range(3)])
    (row_,) = table.sections[0].rows
    assert row_.pooled["score both"] == pytest.approx(3 / 7)
    assert "## Pooled: F1-macro x 100, all folds as one test set" in tables.markdown(table)
    assert not only([fold(seed) for seed in range(2)]).sections[0].rows[0].pooled
    assert not only([fold(seed) for seed in (0, 1, 3)]).sections[0].rows[0].pooled


def test_ranks_need_five_data_sets():
    few = only([record(m, dataset=d) for m in ("full", "head", "lora") for d in ("odir", "cxr")])
    assert "No test: 2 blocks of patients (cxr; odir), and 3 rows that all data sets have" in ranks.markdown(few)
    order = {"full": 0.3, "head": 0.2, "lora": 0.1}
    many = only([record(m, f1=f, dataset=f"d{k}") for m, f in order.items() for k in range(12)])
    text = ranks.markdown(many)
    # q(0.05, 3 rows) = 2.343: 2.343 * sqrt(3 * 4 / (6 * 12)) = 0.96, so that a rank apart is told.
    assert "Friedman p = 6.14e-06, critical difference 0.96." in text
    assert "12 blocks of patients (d0; d1; d10;" in text
    # No plug-in of that name is here that could say whose patients they are.
    assert "not known here, so taken to share no patients: d0, d1, d10," in text
    # One that stands alone shares nothing: its table is the same with and without its plug-in.
    alone = ranks.markdown(only([record(m, f1=f, dataset="d0") for m, f in order.items()]))
    assert "No test: 1 block of patients (d0), and 3 rows" in alone
    assert rank_lines(text) == [
        ["full", "1.00", ""],
        ["head", "2.00", "significantly worse than the first"],
        ["lora", "3.00", "significantly worse than the first"],
    ]  # fmt: skip


def rank_lines(text):
    """The rows of the first table of ranks."""
    lines = [line.split("|")[1:4] for line in text.split("## ")[1].splitlines() if line.startswith("| ")][1:]
    return [[part.strip() for part in line] for line in lines]


def test_data_sets_that_share_patients_are_one_block():
    same = ["odir", "odir-eyes", "odir-record", "odir-redacted", "odir-grade", "cxr", "cxr-views", "cxr-redacted"]
    table = only([record(m, f1=f, dataset=d) for m, f in (("full", 0.3), ("head", 0.2), ("lora", 0.1)) for d in same])
    (blocks,) = ranks.blocks_of(table, "score both", table.shown[0])
    assert [sorted(names) for names in blocks.datasets] == [sorted(d for d in same if d[0] == c) for c in "co"]
    assert not blocks.unknown
    assert "No test: 2 blocks of patients (cxr with cxr-redacted with cxr-views; odir with" in ranks.markdown(table)
    # A block's score is the mean of its data sets'.
    two = only([record("full", f1=f, dataset=d) for d, f in (("odir", 0.2), ("odir-redacted", 0.4))])
    assert ranks.blocks_of(two, "score both", two.shown[0])[0].scores == pytest.approx(0.3)


def test_each_training_pattern_has_ranks_of_its_own():
    """The first section of a data set was ranked, and nothing said so; of these, rows change places between them."""
    order = {"full": 0.3, "head": 0.2, "lora": 0.1}
    grid = [(m, f, d) for m, f in order.items() for d in range(6)]
    pairs = [record(m, f1=f, dataset=f"d{d}") for m, f, d in grid]
    pairs += [record(m, f1=0.5 - f, dataset=f"d{d}", missing="complete", rate=0.0) for m, f, d in grid]
    table = only(pairs)
    blocks = ranks.blocks_of(table, "score both", table.shown[0])
    assert {block.trained for block in blocks} == {"both missing at 70%", "complete data"}
    best = {block.trained: block.rows[int(block.scores.mean(0).argmax())] for block in blocks}
    assert best == {"both missing at 70%": "full", "complete data": "lora"}
    text = ranks.markdown(only(pairs))
    assert "## Trained on complete data, tested: both missing" in text


def test_nothing_is_told_from_the_first_where_friedman_tells_nothing():
    """p = 0.09, and yet the last mean rank is further from the first than the critical difference."""
    forward, back = (6, 5, 4, 3, 2, 1), (6, 2, 3, 4, 5, 1)
    places = [forward, back, forward, back, forward, (1, 2, 3, 4, 5, 6)]
    methods = ("full", "head", "lora", "map", "prefix", "last")
    grid = [(m, f / 10, f"d{d}") for d, order in enumerate(places) for m, f in zip(methods, order, strict=True)]
    text = ranks.markdown(only([record(m, f1=f, dataset=d) for m, f, d in grid]))
    assert "Friedman's test is not significant at 5 %, so no difference between rows is." in text
    assert "Friedman p = 0.0899" in text
    assert "critical difference 3.08." in text
    assert "significantly worse than the first" not in text
    assert [line[1] for line in rank_lines(text)] == ["1.83", "3.50", "3.50", "3.50", "3.50", "5.17"]
    tied = ranks.markdown(only([record(m, f1=0.5, dataset=d) for m, _, d in grid]))
    assert "All rows tie" in tied
    assert "nan" not in tied


def test_labels_name_what_differs():
    table = only([record(rank=1), record(rank=4), record("full", recipe=Recipe(epochs=1, lr=0.1)), record("full")])
    assert {r.label for r in table.sections[0].rows} == {
        "mora (r=1, blocks 0)", "mora (r=4, blocks 0)", "full (lr=0.1)", "full (lr=0.001)",
    }  # fmt: skip


def test_an_imputer_is_named_where_several_are_compared():
    table = only([record("head", impute="dummy"), record("head", impute="mean")])
    assert {r.label for r in table.sections[0].rows} == {"head (impute=dummy)", "head (impute=mean)"}


def test_times_of_different_machines_are_not_compared():
    other = record("full", provenance=msgspec.structs.replace(TOY, device="Another"))
    table = only([record(), other])
    assert all(r.cost["step_ms"] != r.cost["step_ms"] for r in table.sections[0].rows)
    assert any("different hardware" in note for note in table.notes)


def test_csv_is_unrounded_and_complete():
    table = only([record(f1=1 / 3)])
    (line,) = csv.DictReader(io.StringIO(tables.comma_separated(table)))
    assert float(line["score both mean"]) == 1 / 3
    assert line["score both std"] == ""
    assert line["seeds"] == "1"


def test_scores_have_a_row_a_cell_split_test_and_stratum():
    (done, cell_scores), (other, _) = record(), failed("full")
    head, *lines = b"".join(Results.of([done, other], [cell_scores]).values.comma_separated()).decode().splitlines()
    assert head.startswith("key,dataset,")
    assert len(lines) == 2 * 4 * 4
    assert {line.count(",") for line in lines} == {head.count(",")}


def test_latex_is_balanced_and_escaped():
    text = tables.latex(only([record(), record("full")]))
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin") == text.count(r"\end") == 2
    columns = text.split(r"\begin{tabular}{")[1].split("}")[0]
    for line in text.splitlines():
        if line.startswith(("mora", "full", "method")):
            assert line.count(" & ") == len(columns) - 1


def test_golden():
    """To accept a new look: python -c "from test_tables import *; GOLDEN.write_text(golden())" in this folder."""
    assert golden() == GOLDEN.read_text()


def golden():
    levels = {"full": (0.4, 0.404, 0.402), "head": (0.302, 0.3, 0.304), "mora": (0.504, 0.502, 0.5)}
    grid = [(m, s, f) for m, by_seed in levels.items() for s, f in enumerate(by_seed)]
    pairs = [record(*point) for point in grid] + [record(*point, dataset="cxr") for point in grid]
    pairs[-1] = failed("mora", 2, dataset="cxr")
    return tables.markdown(only(pairs))


def test_rows_stand_by_family():
    table = only([record(method, family=family) for method, family in FAMILIES.items()])
    assert [r.label for r in table.sections[0].rows] == ["head", "lora", "map", "mora (r=4, blocks 0)", "own"]
    lines = [line.split("|")[1:3] for line in tables.markdown(table).splitlines() if line.startswith("|")]
    assert [a.strip() for a, _ in lines[2:7]] == ["fine-tuning", "low-rank", "missing-aware", "MoRA", "mine"]


def test_without_families_there_is_no_column_of_them():
    assert "family" not in tables.markdown(only([record(), record("full")]))


@pytest.mark.parametrize("render", [tables.markdown, tables.latex])
def test_a_row_without_a_network_stands_in_the_tables_of_all_backbones(render):
    pairs = [record(), record(backbone="a/b", weights="z" * 16), predictor(), predictor("tfidf")]
    comparisons = compare(cells(pairs))
    assert len(comparisons) == 2
    for table in comparisons:
        assert [r.label for r in table.sections[0].rows] == ["prior", "tfidf", "mora (r=4, blocks 0)"]
        assert [r.family for r in table.sections[0].rows] == ["no network", "no network", ""]
        assert all(map(math.isnan, row(table, "prior").cost.values()))
        assert "prior abstains without text: no label." in table.notes
        assert "prior abstains without text: no label." in render(table)
        assert "Device: Toy CPU, 2 cells at once, 1 thread each." in table.caption


@pytest.mark.parametrize("render", [tables.markdown, tables.latex])
def test_what_must_be_known_of_a_competitors_scores_stands_below_the_table(render):
    entry, cell_scores = predictor("presence")
    entry.competitor.remark = "counts the pictures that are there"
    for pairs, remarked in (([record(), (entry, cell_scores)], True), ([record(), predictor("presence")], False)):
        (table,) = compare(cells(pairs))
        assert ("presence counts the pictures that are there." in table.notes) == remarked
        assert ("presence counts the pictures that are there." in render(table)) == remarked


def test_whether_rows_adapt_at_test_is_a_column_where_any_does():
    entry, cell_scores = predictor("shifted")
    entry.competitor.adapts = "estimates shares"
    (table,) = compare(cells([record(), (entry, cell_scores), predictor("prior")]))
    assert {r.label: r.adapts for r in table.sections[0].rows} == {
        "prior": False,
        "shifted": True,
        "mora (r=4, blocks 0)": False,
    }
    blocks = [part.splitlines() for part in tables.markdown(table).split("\n\n") if part.startswith("|")]
    header, _, *lines = blocks[0]
    column = [name.strip() for name in header.split("|")].index("adapts at test")
    said = {line.split("|")[2].strip(): line.split("|")[column].strip() for line in lines[:3]}
    assert said == {"prior": "no", "shifted": "yes", "mora (r=4, blocks 0)": "no"}
    assert all(len({line.count("|") for line in block}) == 1 for block in blocks)
    assert "shifted adapts at test: it estimates shares, without labels." in table.notes
    assert "adapts at test" in tables.latex(table)
    assert [row["adapts at test"] for row in csv.DictReader(io.StringIO(tables.comma_separated(table)))] == [
        "no",
        "yes",
        "no",
    ]
    assert "adapts at test" not in tables.markdown(compare(cells([record(), predictor("prior")]))[0])


def test_rows_without_a_network_show_the_seeds_of_the_networks_they_stand_beside():
    table = only([record(seed=s) for s in (0, 1)] + [predictor(seed=s) for s in (0, 1, 2)])
    assert table.sections[0].seeds == [0, 1]
    assert row(table, "prior").seeds == 2
    assert row(table, "prior").note == ""


def test_rows_without_a_network_alone_have_a_table():
    table = only([predictor(), predictor("tfidf", f1=0.2)])
    assert (table.name, [r.label for r in table.sections[0].rows]) == ("comparison-twin", ["prior", "tfidf"])
    assert "no network" in table.caption
    assert table.sections[0].competing == table.sections[0].rows


def test_the_table_of_an_older_folder_does_not_change_when_floors_come():
    """What networks score, and which of them is best, is the same beside rows without one."""
    before, after = only([record(), record("full", f1=0.4)]), only([record(), record("full", f1=0.4), predictor()])
    for label in ("mora", "full"):
        assert row(before, label).mean == pytest.approx(row(after, label).mean, nan_ok=True)
        assert row(before, label).best == row(after, label).best
        assert row(before, label).values["score both"] == pytest.approx(row(after, label).values["score both"])
    arrow = " ↓: a worse mean than the best baseline without a network (see the line of that name)."
    assert after.caption.replace(arrow, "") == before.caption


def noisy(method, level, seeds=6):
    """A method at a level, with the same noise for every method and a little of its own."""
    shared, private = np.random.default_rng(0), np.random.default_rng([*method.encode()])
    return [record(method, s, level + shared.normal(0, 0.05) + private.normal(0, 0.01)) for s in range(seeds)]


def test_all_rows_that_cannot_be_told_from_the_best_are_bold():
    table = only(noisy("full", 0.5) + noisy("head", 0.501) + noisy("lora", 0.2))
    assert [r.label for r in table.sections[0].rows if "score both" in r.best] == ["full", "head"]
    text = tables.markdown(table)
    assert text.count("**") == 2 * (2 * (4 + 3) + 1)
    assert "minimum detectable difference" in text


def test_nothing_is_bold_where_nothing_can_be_told_apart():
    table = only(noisy("full", 0.5) + noisy("head", 0.501))
    assert not any(r.best for r in table.sections[0].rows)
    low, high = table.sections[0].resolution["score both"]
    assert 0 < low == high < 0.05


@pytest.mark.parametrize("methods", [("full",), ("full", "head")])
def test_one_seed_or_one_row_tells_nothing(methods):
    table = only([record(m) for m in methods])
    assert not any(r.best for r in table.sections[0].rows)
    assert np.isnan(table.sections[0].resolution["score both"]).all()
    assert "minimum detectable difference |" not in tables.markdown(table)


def test_two_seeds_of_equal_differences_tell_nothing_and_no_smallest_difference():
    """Both were certain: p = 0, and "minimum detectable difference: 0.0"."""
    table = only([record(m, s, level + 0.1 * s) for m, level in (("full", 0.5), ("head", 0.2)) for s in range(2)])
    assert not any(r.best for r in table.sections[0].rows)
    assert "minimum detectable difference |" not in tables.markdown(table)
    (line,) = [
        line for line in csv.DictReader(io.StringIO(differences.comma_separated(table))) if "both" in line["score"]
    ]
    assert (line["p"], line["significant"]) == ("0.5", "False")


def test_the_smallest_difference_is_printed_as_a_range_where_pairs_differ_in_it():
    loud = [record("lora", s, 0.5 + f) for s, f in enumerate((0.2, -0.2, 0.1, -0.1, 0.2, -0.2))]
    table = only(noisy("full", 0.5) + noisy("head", 0.501) + noisy("map", 0.5) + loud)
    low, high = table.sections[0].resolution["score both"]
    assert high > 1.5 * low
    assert f"{100 * low:.1f} to {100 * high:.1f}" in tables.markdown(table)


def test_floors_do_not_make_it_harder_to_tell_networks_apart():
    networks = noisy("full", 0.5) + noisy("head", 0.45)
    floors = [predictor(name, seed=s, f1=0.3) for name in ("prior", "tfidf") for s in range(6)]
    before, after = only(networks), only(networks + floors)
    known = [table.sections[0].resolution for table in (before, after)]
    assert known[0].keys() == known[1].keys()
    np.testing.assert_equal([*known[0].values()], [*known[1].values()])
    assert {r.label for r in after.sections[0].floors} == {"prior", "tfidf"}


def test_differences_have_a_line_a_pair_and_say_what_was_told():
    floors = [predictor(seed=s, f1=0.3) for s in range(6)]
    table = only(noisy("full", 0.5) + noisy("head", 0.501) + noisy("lora", 0.2) + floors)
    lines = list(csv.DictReader(io.StringIO(differences.comma_separated(table))))
    both = [line for line in lines if line["score"] == "score both"]
    assert [(line["first"], line["second"], line["significant"]) for line in both] == [
        ("full", "head", "False"), ("full", "lora", "True"), ("head", "lora", "True"),
        ("full", "prior", "True"), ("head", "prior", "True"), ("lora", "prior", "True"),
    ]  # fmt: skip
    first = both[0]
    assert float(first["low"]) < float(first["difference"]) < float(first["high"])
    assert float(first["p after Holm"]) >= float(first["p"])
    # The toy's cells train on 80 samples and test on 10, of the same patients.
    assert table.sections[0].overlap == 10 / 80


def test_another_protocol_has_a_table_of_its_own():
    entry, cell_scores = record()
    other = replace(entry.cell, scoring=Scoring(Missing("site:sex", 2.0), 0.3))
    pairs = [(entry, cell_scores), record("full")]
    (alone,) = compare(cells(pairs))
    frames = frame.cells([entry, pairs[1][0]], [cell_scores, pairs[1][1], scores(other, 0.2)])
    both = {table.name: table for table in compare(frames)}
    assert set(both) == {"comparison-twin", "comparison-twin-site-sex--strength-2---at-30"}
    assert tables.markdown(both["comparison-twin"]) == tables.markdown(alone)
    second = both["comparison-twin-site-sex--strength-2---at-30"]
    assert "missing at 30% (site:sex (strength 2)) (both: each affected sample loses one " in second.caption
    assert row(second, "mora").mean["score both"] == pytest.approx(0.2)
    results = Results.of([entry, pairs[1][0]], [cell_scores, pairs[1][1], scores(other, 0.2)])
    first, again = summary.sentences(results)
    assert "tested on both missing: " in first
    assert "tested on both missing (site:sex (strength 2), at 30%): " in again


def test_why_step_times_cannot_be_compared_is_said():
    here, elsewhere = ["Toy CPU", 1, 2], ["Other CPU", 1, 2]
    fused = [*here, "3 trained as one"]
    assert timed_apart(map(json.dumps, [here, here])) == ""
    ways = "were trained in different ways (3 trained as one; one by one)"
    assert timed_apart(map(json.dumps, [here, fused])) == ways
    other = "ran on different hardware or with different numbers of workers"
    assert timed_apart(map(json.dumps, [here, elsewhere])) == other
    assert timed_apart(map(json.dumps, [fused, elsewhere])) == f"{other} and {ways}"


def test_a_mechanism_and_knobs_are_named():
    aged = Missing("covariate:age", 2.0)
    knobs = (("deep", True), ("length", 32))
    table = only([record(), record(mechanism=aged), record(mechanism=aged, knobs=knobs)])
    titles = [section.title for section in table.sections]
    assert titles == [
        "odir, trained on both missing at 70%",
        "odir, trained on both missing at 70%, covariate:age (strength 2)",
    ]
    assert [r.label for r in table.sections[1].rows] == [
        "mora (r=4, blocks 0)", "mora (r=4, blocks 0, deep=True, length=32)",
    ]  # fmt: skip


def test_what_was_left_out_is_a_footnote():
    entry, cell_scores = record()
    files = tables.Tables().make(
        Results([entry], [cell_scores], cells([(entry, cell_scores)]), ["records/x_y.json: it is a folder"])
    )
    assert set(files) == {f"comparison-twin.{suffix}" for suffix in ("md", "csv", "tex")}
    assert r"\* Left out: records/x\_y.json: it is a folder." in files["comparison-twin.md"].decode()
    assert r"Left out: records/x\_y.json: it is a folder." in files["comparison-twin.tex"].decode()


def test_a_network_below_a_floor_is_marked_and_a_floor_never_is():
    pairs = [record("full", 0, 0.6), record("mora", 0, 0.3), predictor("tfidf", 0, 0.5), predictor("prior", 0, 0.1)]
    table = only(pairs)
    assert row(table, "mora").below
    assert not any(row(table, name).below for name in ("full", "tfidf", "prior"))
    text = " ".join(tables.markdown(table).split())
    assert "30.0 ↓ |" in text
    assert "60.0** ↓" not in text
    assert "↓: a worse mean than the best baseline without a network (see the line of that name)." in text
    assert "| best baseline without a network | tfidf | tfidf | tfidf | tfidf |" in text
    assert r"$\downarrow$" in tables.latex(table)
    assert "↓" not in tables.latex(table)


@pytest.mark.parametrize(("pattern", "share"), [("both", 0.7), ("text", 0.2), ("text+image", 0.5)])
def test_the_share_that_lost_something_counts_a_sample_once(pattern, share):
    """In turn, samples lose one modality each; of a set, they lose all."""
    realised = {"n": 10.0, "without_text": 0.6, "without_image": 0.5, "naturally_without_text": 0.1}
    realised["naturally_without_image"] = 0.3 if pattern == "both" else 0.5
    if pattern == "text":
        realised["without_text"] = 0.3
    setting = Setting(scores={}, strata={}, realised=realised)
    assert taken(setting, pattern) == share
    # Files of today say it; a mask that somebody brought may take two of three at once.
    assert taken(msgspec.structs.replace(setting, realised=realised | {"lost": 0.45}), pattern) == 0.45
    assert (
        taken(msgspec.structs.replace(setting, realised=realised | {"without_text": 1.0, "without_image": 1.0}), "both")
        == 1
    )


@pytest.mark.parametrize(
    ("natural", "pattern", "can"),
    [
        ({"text": 0.2, "image": 0.3}, "both", True),
        ({"text": 0.2, "image": 0.3}, "image", True),
        ({"text": 0.0, "image": 1.0}, "image", False),
        ({"text": 0.0, "image": 1.0}, "text", False),
        ({"text": 0.0, "image": 1.0}, "both", False),
        ({"text": 0.0, "image": 0.0, "record": 1.0}, "image+record", True),
        ({}, "both", True),
    ],
)
def test_a_pattern_can_take_what_somebody_has_beside_something_else(natural, pattern, can):
    realised = {f"naturally_without_{name}": share for name, share in natural.items()}
    assert able(Setting(scores={}, strata={}, realised=realised), pattern) is can


def test_means_are_over_the_same_seeds_though_a_mask_took_nothing_in_one():
    """The test mask of the first seed took no image; its score is that of complete data, and counts."""
    cells = [record("mora", seed, 0.5 + 0.1 * seed) for seed in (0, 1)]
    (first, scores), second = cells
    idle = msgspec.structs.replace(
        scores.test["image"],
        scores=scores.test["complete"].scores,
        realised={f"{kind}without_{name}": 0.0 for kind in ("", "naturally_") for name in ("text", "image")},
    )
    scores = msgspec.structs.replace(scores, test=scores.test | {"image": idle})
    table = only([(first, scores), second])
    shown = [pair[1].test["image"].scores["f1_macro"] for pair in ((first, scores), second)]
    assert row(table, "mora").mean["score image"] == pytest.approx(np.mean(shown))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs LaTeX")
@pytest.mark.parametrize("name", ["quick", "fused", "rank"])
def test_the_latex_compiles_with_the_packages_it_names_and_fits_a_page(name, tmp_path):
    table = latex(compare(read(Path(__file__).parents[2] / "results" / "reference" / name).cells)[0])
    needs = [line.removeprefix("% ") for line in table.splitlines() if line.startswith(r"% \usepackage")]
    document = [r"\documentclass{article}", r"\usepackage[margin=2cm]{geometry}", *needs, r"\begin{document}", table]
    (tmp_path / "x.tex").write_text("\n".join([*document, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert out.returncode == 0, out.stdout[-2000:]
    log = (tmp_path / "x.log").read_text(errors="replace")
    assert "Overfull \\hbox" not in log
    assert "Float too large" not in log
    assert "Missing character" not in log


def test_scores_of_an_older_version_have_a_table_of_their_own_that_says_so():
    """They count in strata what a stratum lacks; the two are never aggregated over seeds."""
    (first, old), new = record(), record("full")
    aged = replace(first.cell, scoring=Scoring(version=1))
    older = msgspec.structs.replace(old, scoring=aged.scoring, score_key=aged.score_key)
    (alone,) = compare(frame.cells([first], [older]))
    assert alone.name == "comparison-twin"
    assert "missing at 70% (scores of version 1, not 2) (both: each affected sample loses one " in alone.caption
    both = compare(frame.cells([first, new[0]], [older, old, new[1]]))
    assert [table.name for table in both] == ["comparison-twin-version1", "comparison-twin-version2"]
    assert "scores of version" not in both[1].caption
    assert [row.method for row in both[1].sections[0].rows] == ["full", "mora"]


def test_a_caption_says_what_was_read_where_that_is_not_the_backbones_own():
    recipe = record()[0].cell.recipe
    by_readout = {name: record(recipe=replace(recipe, readout=name)) for name in ("", "mean", "labels")}
    assert "the classifier reads" not in only([by_readout[""]]).caption
    alone = only([by_readout["labels"]]).caption
    instead = "the last block's tokens instead of the pooler's output"
    assert f"); the classifier reads one attention per label over {instead}. Share" in alone
    both = only([by_readout[""], by_readout["mean"]])
    assert f"; the classifier reads the mean of {instead} where a row says so" in both.caption
    labels = {row.label for section in both.sections for row in section.rows}
    assert labels == {"mora (r=4, blocks 0, readout=published)", "mora (r=4, blocks 0, readout=mean)"}


def test_the_caption_says_how_many_samples_train_validate_and_are_tested():
    def of(seed: int, train: int) -> tuple:
        entry, cell_scores = record(seed=seed)
        sizes = {"train": {"n": float(train)}, "val": {"n": 350.0}, "test": {"n": 350.0}}
        return msgspec.structs.replace(entry, data=msgspec.structs.replace(entry.data, realised=sizes)), cell_scores

    caption = only([of(0, 2800), of(1, 2799)]).caption
    assert "; samples for training / validation / testing: odir 2,799 to 2,800 / 350 / 350; " in caption
    assert "samples for training" not in only([failed("mora", 0)]).caption


def test_a_stratum_of_few_samples_is_named_and_not_shown():
    def of(seed: int, n: int) -> tuple:
        entry, cell_scores = record(seed=seed)
        strata = {**cell_scores.test["both"].strata, "text_only": {"f1_macro": 0.3, "n": n}}
        both = msgspec.structs.replace(cell_scores.test["both"], strata=strata)
        return entry, msgspec.structs.replace(cell_scores, test={**cell_scores.test, "both": both})

    text = tables.markdown(only([of(0, 9), of(1, 50)]))
    shown = text.partition('## Strata of the "both missing" test')[2]
    assert "complete |" in shown
    assert "text only |" not in shown
    assert "Not shown, because a seed has fewer than 10 samples: text only." in shown
    assert "Not shown" not in tables.markdown(only([of(0, 10), of(1, 50)]))


def test_a_stratum_without_a_score_in_some_seeds_says_over_how_many_it_is():
    def of(seed: int, lacks: bool) -> tuple:
        entry, cell_scores = record(seed=seed)
        strata = {name: dict(scores) for name, scores in cell_scores.test["both"].strata.items()}
        strata["text_only"]["f1_macro"] = None if lacks else 0.3
        both = msgspec.structs.replace(cell_scores.test["both"], strata=strata)
        return entry, msgspec.structs.replace(cell_scores, test={**cell_scores.test, "both": both})

    def line(*lacking: bool) -> list[str]:
        text = tables.markdown(only([of(seed, lacks) for seed, lacks in enumerate(lacking)]))
        lines = text.partition("## Strata of")[2].splitlines()
        return [word.strip() for text in lines if "seeds that have" in text for word in text.strip("|").split("|")]

    assert line(False, False, False) == []
    assert line(False, True, True) == ["seeds that have a score", "3 of 3", "1 of 3", "3 of 3"]
    # A stratum without any score is a column of dashes, not a question of seeds.
    assert line(True, True, True) == []


def test_in_a_markdown_table_nothing_of_a_name_is_obeyed():
    """A pair of dollars would be mathematics."""
    assert escaped("50% & $y$ | `a` <b>") == r"50% & \$y\$ \| \`a\` \<b\>"

"""The few lines at a grid's end: who leads, whether anybody can be told, and how it compares with what is shipped."""

import csv

import msgspec
import pytest
from by_hand import failed, predictor, record, scores

from mora_bench.cells.missing import EACH
from mora_bench.cells.recipe import Recipe
from mora_bench.cli import main as cli
from mora_bench.records.schema import Training, Validation
from mora_bench.records.store import Store
from mora_bench.report import shipped, summary
from mora_bench.report.contract import Results
from mora_bench.report.write import read, write


def results(pairs):
    records = [entry for entry, _ in pairs]
    scored = [document for _, document in pairs if document is not None]
    return Results.of(records, scored)


def seeds(method, means, **changes):
    return [record(method, s, f1, **changes) for s, f1 in enumerate(means)]


def test_a_leader_that_all_can_be_told_from_and_a_floor_ahead():
    floors = [predictor("prior", s, 0.9) for s in range(4)]
    contents = results(seeds("mora", (0.5, 0.51, 0.52, 0.51)) + seeds("full", (0.3, 0.31, 0.3, 0.32)) + floors)
    (sentence,) = summary.sentences(contents)
    assert sentence == (
        "odir, trained on both missing at 70%, tested on both missing: mora (r=4, blocks 0) leads with 51.0 ± 0.8 "
        "(F1-macro x 100), significantly better than the other; best baseline without a network: prior scores "
        "90.0 ± 0.0; both networks are significantly worse than prior."
    )
    (text,) = summary.Summary().make(contents).values()
    lines = [" ".join(line.split()) for line in text.decode().splitlines()]
    assert "| mora (r=4, blocks 0) | **51.0 ± 0.8** | **51.0 ± 0.8** |" in lines
    assert "| full | 30.8 ± 1.0 | 30.8 ± 1.0 |" in lines
    assert "| best baseline without a network | 90.0 ± 0.0 (prior) | 90.0 ± 0.0 (prior) |" in lines


def test_what_cannot_be_told_is_said():
    (sentence,) = summary.sentences(results(seeds("mora", (0.5, 0.3)) + seeds("full", (0.32, 0.5))))
    assert sentence.endswith(
        "no significant lead: full is best with 41.0 ± 12.7 (F1-macro x 100), but not significantly better than the "
        "other."
    )
    (sentence,) = summary.sentences(results(seeds("mora", (0.5,)) + seeds("full", (0.3,))))
    assert "one seed allows no test" in sentence
    (sentence,) = summary.sentences(results([failed("mora")]))
    assert sentence.endswith("no complete row.")


def test_of_equal_means_none_is_named_alone():
    tied = seeds("mora", (0.5, 0.3)) + seeds("full", (0.3, 0.5))
    (sentence,) = summary.sentences(results(tied))
    assert sentence.endswith("lead: full and mora (r=4, blocks 0) have the same mean, 40.0 (F1-macro x 100).")
    floors = [predictor(name, seed, 0.2) for name in ("prior", "always") for seed in range(2)]
    (sentence,) = summary.sentences(results(tied + seeds("head", (0.3, 0.3)) + floors))
    assert ": full and mora (r=4, blocks 0) are best with 40.0 (F1-macro x 100), but not" in sentence
    assert "than the other; best baseline without a network: always and prior score 20.0;" in sentence
    (table,) = summary.Summary().make(results(tied + floors)).values()
    assert "| best baseline without a network | 20.0 ± 0.0 (always and prior) |" in " ".join(table.decode().split())


def test_rows_that_tie_lead_together():
    noise = [0.01 * (seed % 3) for seed in range(6)]
    tied = [pair for name in ("mora", "full") for pair in seeds(name, [0.5 + n for n in noise])]
    (sentence,) = summary.sentences(results(tied + seeds("head", [0.2 + n / 2 for n in noise])))
    assert (
        ": full and mora (r=4, blocks 0) lead with 51.0 (F1-macro x 100), significantly better than the other"
        in sentence
    )


def test_means_that_differ_by_rounding_alone_tie_and_no_spread_is_lent():
    floors = [predictor("prior", s, (0.1, 0.3)[s % 2]) for s in range(10)] + [
        predictor("always", s, 0.2) for s in range(10)
    ]
    (sentence,) = summary.sentences(results(seeds("mora", [0.5] * 10) + floors))
    assert "best baseline without a network: always and prior score 20.0;" in sentence


def test_many_rows_that_tie_are_counted():
    names = ("mora", "full", "head", "lora", "map", "dcp")
    (sentence,) = summary.sentences(results([pair for name in names for pair in seeds(name, (0.5, 0.6))]))
    assert "and 5 others have the same mean, 55.0" in sentence


def auroc(pair, value):
    entry, document = pair
    test = document.test[EACH]
    better = msgspec.structs.replace(test, scores=test.scores | {"auroc": value})
    return entry, msgspec.structs.replace(document, test=document.test | {EACH: better})


def test_who_ties_by_one_score_and_is_best_by_another_is_named():
    """head and mora have the same F1; mora is the better by AUROC, and nowhere worse."""
    pairs = [auroc(record("head", seed, 0.5), 0.8) for seed in range(2)]
    pairs += [auroc(record("mora", seed, 0.5), 0.8 + 0.01 * seed) for seed in range(2)]
    (sentence,) = summary.sentences(results(pairs))
    assert "mora (r=4, blocks 0) is best with 50.0 / 80.5 (" in sentence
    assert "head is best" not in sentence


def test_what_is_printed_is_of_the_cells_asked_for(tmp_path):
    for entry, cell_scores in [record("mora"), record("full")]:
        Store(tmp_path).write(entry.cell, entry, {}, cell_scores)
    asked = {record("mora")[1].score_key}
    written = write(tmp_path, asked=asked)
    assert "mora" in "".join(written.shown)
    assert "full" not in "".join(written.shown)
    assert "| full" in (tmp_path / "tables" / "comparison-twin.md").read_text()


@pytest.fixture
def reference(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "REFERENCE", tmp_path / "reference")
    return Store(tmp_path / "reference" / "quick")


def compared(tmp_path, pairs):
    store = Store(tmp_path / "quick")
    for entry, cell_scores in pairs:
        store.write(entry.cell, entry, {}, cell_scores)
    return shipped.compared(read(store.folder), "quick", {cell_scores.score_key for _, cell_scores in pairs})


def test_the_shipped_reference_is_reproduced_or_what_differs_is_said(tmp_path, reference):
    for entry, cell_scores in seeds("mora", (0.5, 0.6)) + seeds("full", (0.3, 0.4)):
        reference.write(entry.cell, entry, {}, cell_scores)
    assert "All 2 cells that " in compared(tmp_path, seeds("mora", (0.5, 0.6)))
    sentence = compared(tmp_path, seeds("mora", (0.5, 0.6)) + seeds("full", (0.31, 0.4)))
    assert "Of the 4 cells that " in sentence
    assert "2 have exactly the same scores; in the other 2, no mean differs by more than 0.50 points" in sentence
    assert sentence.endswith("and no difference is significant.")


def test_other_cells_and_other_folders_are_not_compared(tmp_path, reference):
    pairs = seeds("mora", (0.5,))
    assert compared(tmp_path, pairs) == ""
    entry, _ = record("mora", data="e" * 16)
    reference.write(entry.cell, entry, {}, scores(entry.cell, 0.5))
    assert "holds none of these cells" in compared(tmp_path, pairs)
    assert shipped.compared(read(tmp_path / "quick"), "../reference/quick", set()) == ""


def test_a_report_says_it_too(tmp_path, capsys):
    entry, cell_scores = record("mora")
    Store(tmp_path).write(entry.cell, msgspec.structs.replace(entry), {}, cell_scores)
    assert cli.main(["report", str(tmp_path)]) == 0
    # Alone it leads nobody.
    assert "mora (r=4, blocks 0) scores 50.0 (F1-macro x 100)." in capsys.readouterr().out


def cut_short(method, seed, f1, epochs=3, **changes):
    """A record whose best look was its last."""
    entry, cell_scores = record(method, seed, f1, recipe=Recipe(epochs=epochs, lr=0.001), **changes)
    training = msgspec.structs.replace(entry.training, best_step=2 * epochs, cut_short=True, cap=2 * epochs)
    return msgspec.structs.replace(entry, training=training), cell_scores


def test_a_row_that_was_cut_short_is_marked_in_table_page_and_sentence(tmp_path):
    recipe = {"recipe": Recipe(epochs=3, lr=0.001)}
    pairs = [cut_short("head", 0, 0.4), record("head", 1, 0.5, **recipe)]
    pairs += [record("mora", seed, 0.6, **recipe) for seed in (0, 1)] + [predictor("prior", seed) for seed in (0, 1)]
    (sentence,) = summary.sentences(results(pairs))
    assert sentence.endswith("; training was cut short: head.")
    for entry, cell_scores in pairs:
        Store(tmp_path).write(entry.cell, entry, {}, cell_scores)
    write(tmp_path)
    table, tex, lines = ((tmp_path / "tables" / f"comparison-twin.{kind}").read_text() for kind in ("md", "tex", "csv"))
    assert (
        "†: training was cut short: the best validation lies in the last fifth of at most 3 epochs, in 1 of 4 cells."
    ) in table
    assert "| head † " in table
    assert "| mora (r=4, blocks 0) |" in " ".join(table.split())
    assert r"head $^{\dagger}$" in tex
    marks = {row["method"]: row["cells cut short"] for row in csv.DictReader(lines.splitlines())}
    assert marks == {"head": "1", "mora (r=4, blocks 0)": "0", "prior": "0"}
    assert "| head † " in (tmp_path / "tables" / "summary-twin.md").read_text()
    page = (tmp_path / "report.html").read_text()
    assert '"cut_short":1' in page.replace(" ", "")
    assert "†: training was cut short" in page


def looked(method, seed, best, looks, patience=3):
    """A record of so many looks, of which this one was the best, and that patience ended."""
    entry, cell_scores = record(method, seed, 0.5, recipe=Recipe(epochs=20, lr=0.001, patience=patience))
    history = [Validation(look, float(look), 0.5, 0.6 + 0.1 * (look == best)) for look in range(1, looks + 1)]
    training = Training(history, best_step=best, best_score=0.7, steps=looks, cap=20, cut_short=False)
    return msgspec.structs.replace(entry, training=training), cell_scores


@pytest.mark.parametrize(
    ("best", "looks", "patience", "early"),
    [(1, 4, 3, True), (3, 6, 3, True), (4, 7, 3, False), (3, 3, 3, False), (2, 8, 0, None)],
)
def test_a_training_ended_early_where_one_of_its_first_looks_was_the_best(best, looks, patience, early):
    assert looked("head", 0, best, looks, patience)[0].ended_early is early
    assert predictor()[0].ended_early is None


def test_a_training_that_ran_to_its_last_step_was_not_ended_by_patience():
    entry, _ = looked("head", 0, 1, 4)
    assert msgspec.structs.replace(entry, training=msgspec.structs.replace(entry.training, cap=4)).ended_early is False


def test_a_row_half_of_which_ended_early_is_marked_in_table_page_and_sentence(tmp_path):
    pairs = [looked("head", 0, 2, 5), looked("head", 1, 8, 11)]
    pairs += [looked("mora", 0, 8, 11), looked("mora", 1, 9, 12), looked("mora", 2, 1, 4)]
    pairs += [looked("head", 2, 2, 5)]
    for entry, cell_scores in pairs:
        Store(tmp_path).write(entry.cell, entry, {}, cell_scores)
    (sentence,) = summary.sentences(results(pairs))
    assert sentence.endswith("; training may have ended too early: head.")
    write(tmp_path)
    table, tex, lines = ((tmp_path / "tables" / f"comparison-twin.{kind}").read_text() for kind in ("md", "tex", "csv"))
    assert "‡: in half or more of its trainings the best validation is one of the first 3, perhaps by chance" in table
    assert "| head ‡ " in table
    assert "| mora (r=4, blocks 0) |" in " ".join(table.split())
    assert r"head $^{\ddagger}$" in tex
    marks = {row["method"]: row["cells ended early"] for row in csv.DictReader(lines.splitlines())}
    assert marks == {"head": "2", "mora (r=4, blocks 0)": "1"}
    assert "‡: training may have ended too early" in (tmp_path / "tables" / "summary-twin.md").read_text()
    assert r'"marks":" \u2021"' in (tmp_path / "report.html").read_text().replace('": "', '":"')


def test_records_that_do_not_say_whether_they_were_cut_short_are_asked_for_their_steps(tmp_path):
    """80 training samples in batches of 64 are two steps an epoch."""
    recipe = Recipe(epochs=5, lr=0.001)
    by_step = {}
    for seed, best in enumerate((8, 9)):
        entry, _ = record("head", seed, recipe=recipe)
        assert entry.training.cut_short is None
        entry = msgspec.structs.replace(
            entry, training=msgspec.structs.replace(entry.training, best_step=best, steps=10)
        )
        by_step[best] = entry.cut_short
    assert by_step == {8: False, 9: True}
    assert predictor()[0].cut_short is None


def test_a_precision_other_than_fp32_stands_in_the_caption():
    recipes = (Recipe(precision="bf16"), Recipe())
    captions = [results(seeds("head", (0.5,), recipe=recipe)).comparisons[0].caption for recipe in recipes]
    assert "(wwwwwwwwwwwwwwww), trained in bf16. Share" in captions[0]
    assert "trained in" not in captions[1].partition("Share")[0]
